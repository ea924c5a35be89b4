"""A document's way in: its files are looked up, verified where asked for, and handed to routing.

What lies in the staging area is referred to by upload id; routing's front door takes the files to
the document before it writes the command. Rules (tests carry their numbers):

- S1 An upload that is named is there, complete, and has the digest that the client told.
- S2 With `require_signature` every file is verified first; nothing is accepted unless all pass.
- S3 Parts that came with the request are removed from the staging area however it ends: by then
  they are the document's, or nobody's.
"""

from collections.abc import Mapping, Sequence

from docaxis_eventsourcing.errors import DocaxisError, FieldProblem
from docaxis_eventsourcing.ports.file_store import StoredFile
from docaxis_gateway.authentication import Caller
from docaxis_gateway.multipart import StagedPart
from docaxis_gateway.problems import fields_error
from docaxis_gateway.recipient_groups import members_of
from docaxis_gateway.request_models import DetachedSignature, DocumentFile, SubmitDocument
from docaxis_proto import routing_v1_pb2, signature_v1_pb2
from docaxis_runtime.error_table import ERRORS

_VERIFY_TIMEOUT_S = 60.0
SUBMIT_TIMEOUT_S = 15.0
_SLOWEST_TAKING = 50 * 2**20  # bytes a second: an object store copies what a document takes
_LONGEST_SUBMIT_S = 70.0


async def submit(
    caller: Caller, document: SubmitDocument, parts: Mapping[str, StagedPart]
) -> routing_v1_pb2.SubmitDocumentReply:
    """Submit a document whose files are staged. Raises `DocaxisError`."""
    files = await locate(caller, document, parts)
    if document.require_signature:
        refuse_unsigned(await verify(caller, files))
    request = await submission_request(caller, document, files)
    taking_s = sum(each.size for each in files) / _SLOWEST_TAKING
    timeout_s = min(SUBMIT_TIMEOUT_S + taking_s, _LONGEST_SUBMIT_S)
    return await caller.services.routing.SubmitDocument(request, timeout=timeout_s)


async def submission_request(
    caller: Caller, document: SubmitDocument, files: Sequence[routing_v1_pb2.UploadedFile]
) -> routing_v1_pb2.SubmitDocumentRequest:
    """The document as routing is asked to take it. Raises `DocaxisError` for unknown groups."""
    members = await members_of(caller, document.recipient_groups)
    signer = document.signer
    return routing_v1_pb2.SubmitDocumentRequest(
        system_id=caller.system_id,
        sender_code=document.sender,
        recipient_codes=document.recipients,
        sender_document_id=document.id,
        business_type=document.business_type,
        number=document.number,
        notation=document.notation,
        place=document.place,
        promulgated_on=document.promulgated_on,
        type_group=document.type.group,
        type_code=document.type.code,
        type_name=document.type.name,
        subject=document.subject,
        content=document.content or "",
        signer=routing_v1_pb2.Signer(
            competence=signer.competence, position=signer.position, full_name=signer.full_name
        ),
        priority=document.priority,
        due_on=document.due_on or "",
        files=files,
        served_organisation_ids=caller.organisation_ids,
        recipient_group_ids=document.recipient_groups,
        group_member_codes=members,
    )


async def locate(
    caller: Caller, document: SubmitDocument, parts: Mapping[str, StagedPart]
) -> list[routing_v1_pb2.UploadedFile]:
    """The document's files in the staging area (S1). Raises `DocaxisError` naming each at fault."""
    located: list[routing_v1_pb2.UploadedFile] = []
    problems: list[FieldProblem] = []
    for index, file in enumerate(document.files):
        pointer = f"/files/{index}"
        found = await _staged(caller, file, parts, pointer, problems)
        signature_id = ""
        if file.signature is not None:
            signature = await _staged(
                caller, file.signature, parts, f"{pointer}/signature", problems
            )
            signature_id = signature[0] if signature else ""
        if found is None:
            continue
        upload_id, stored = found
        if file.digest is not None and file.digest != stored.digest:
            problems.append(FieldProblem(f"{pointer}/digest", "digest_mismatch"))
        located.append(
            routing_v1_pb2.UploadedFile(
                upload_id=upload_id,
                name=file.name,
                media_type=file.media_type,
                digest=stored.digest,
                size=stored.size,
                signature_upload_id=signature_id,
            )
        )
    if problems:
        raise fields_error(problems)
    return located


async def _staged(
    caller: Caller,
    reference: DocumentFile | DetachedSignature,
    parts: Mapping[str, StagedPart],
    pointer: str,
    problems: list[FieldProblem],
) -> tuple[str, StoredFile] | None:
    if reference.part is not None:
        part = parts.get(reference.part)
        if part is None:
            problems.append(FieldProblem(f"{pointer}/part", "file_missing"))
            return None
        return part.upload_id, part.stored
    upload_id = reference.upload or ""
    try:
        return upload_id, await caller.gateway.files.staged(caller.system_id, upload_id)
    except FileNotFoundError:
        code = await _why_not_there(caller, upload_id)
        problems.append(FieldProblem(f"{pointer}/upload", code))
        return None


async def _why_not_there(caller: Caller, upload_id: str) -> str:
    try:
        await caller.gateway.files.partial(caller.system_id, upload_id)
    except FileNotFoundError:
        return "upload_unknown"
    return "upload_incomplete"


async def verify(
    caller: Caller, files: Sequence[routing_v1_pb2.UploadedFile]
) -> signature_v1_pb2.VerifyUploadsReply:
    """What the signature service finds in staged files, in their order."""
    request = signature_v1_pb2.VerifyUploadsRequest(
        system_id=caller.system_id,
        uploads=[
            signature_v1_pb2.UploadToVerify(
                upload_id=file.upload_id,
                media_type=file.media_type,
                signature_upload_id=file.signature_upload_id,
            )
            for file in files
        ],
    )
    reply = await caller.services.signature.VerifyUploads(request, timeout=_VERIFY_TIMEOUT_S)
    if len(reply.verdicts) != len(files):
        raise DocaxisError(_code(reply.code))
    return reply


def refuse_unsigned(reply: signature_v1_pb2.VerifyUploadsReply) -> None:
    """Raise `DocaxisError` unless all files are validly signed (S2)."""
    problems = [
        FieldProblem(f"/files/{index}", _code(verdict.code))
        for index, verdict in enumerate(reply.verdicts)
        if verdict.status != "valid"
    ]
    if problems:
        raise fields_error(problems)
    if reply.status != "valid":
        raise DocaxisError(_code(reply.code))


def _code(code: str) -> str:
    return code if code in ERRORS else "signature_indeterminate"
