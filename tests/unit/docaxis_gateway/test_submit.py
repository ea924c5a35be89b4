"""Submitting documents: with their files, after their files, again, and wrongly."""

import asyncio
import json
import unicodedata
from typing import Any

import aiohttp
import pytest

from docaxis_eventsourcing.errors import Unavailable
from docaxis_eventsourcing.identifiers import new_id
from docaxis_gateway.document_models import Document, DocumentList, Submission
from tests.unit.docaxis_gateway.conftest import World, form, raw_form

PDF = b"SIGNED %PDF-1.7 noi dung"


async def submit(world: World, document: Any, content: bytes = PDF) -> tuple[int, Any, Any]:
    return await world.call("POST", "/documents", data=form(document, ("file0", content)))


async def test_a_document_with_its_file_is_accepted_and_repeated(
    world: World, document: Any
) -> None:
    code, first, headers = await submit(world, document)
    assert code == 201, first
    Submission.model_validate(first)
    assert first["status"] == "accepted"
    assert first["accepted_at"].endswith(".123Z")
    assert [each["code"] for each in first["recipients"]] == ["H29", "H01"]
    assert headers["Location"] == first["links"]["self"] == f"/api/v1/documents/{first['id']}"
    assert first["receipt"].startswith("/api/v1/receipts/")
    code, again, _ = await submit(world, document)
    assert (code, again) == (200, first)
    document["subject"] = "Nội dung khác"
    code, conflict, _ = await submit(world, document)
    assert (code, conflict["code"]) == (409, "content_conflict")
    await asyncio.sleep(0.05)
    assert world.staged() == []


async def test_the_document_is_read_back_as_it_was_sent(world: World, document: Any) -> None:
    document["subject"] = unicodedata.normalize("NFD", document["subject"])
    _, sent, _ = await submit(world, document)
    code, found, _ = await world.call("GET", f"/documents/{sent['id']}", world.receiver)
    assert code == 200
    Document.model_validate(found)
    assert found["subject"] == document["subject"]
    assert found["sender_document_id"] == document["id"]
    assert found["files"][0]["name"] == "123.pdf"
    assert found["verdict"] is None
    query = {"sender": "000.00.00.G22", "id": document["id"]}
    code, listed, _ = await world.call("GET", "/documents", params=query)
    DocumentList.model_validate(listed)
    assert [each["id"] for each in listed["items"]] == [sent["id"]]


async def test_a_document_is_unknown_to_those_whom_it_does_not_concern(
    world: World, document: Any
) -> None:
    document["recipients"] = ["G22"]
    _, sent, _ = await submit(world, document)
    code, problem, _ = await world.call("GET", f"/documents/{sent['id']}", world.receiver)
    assert (code, problem["code"]) == (404, "unknown_document")
    query = {"sender": "G22", "id": document["id"]}
    _, listed, _ = await world.call("GET", "/documents", world.receiver, params=query)
    assert listed == {"items": []}


async def test_a_file_may_be_uploaded_before(world: World, document: Any) -> None:
    upload = await put(world, PDF)
    document["files"] = [{"name": "a.pdf", "media_type": "application/pdf", "upload": upload}]
    code, body, _ = await world.call("POST", "/documents", json=document)
    assert code == 201, body
    # It stays until it expires: a repeat of the submit still finds it.
    code, again, _ = await world.call("POST", "/documents", json=document)
    assert (code, again) == (200, body)
    assert upload in world.staged()


async def test_a_detached_signature_comes_along(world: World, document: Any) -> None:
    document["files"][0]["signature"] = {"part": "signature0"}
    body = form(document, ("signature0", b"cms"), ("file0", PDF))
    code, answer, _ = await world.call("POST", "/documents", data=body)
    assert code == 201, answer
    assert world.routing.requests[-1].files[0].signature_upload_id


async def test_not_decided_yet_is_202_with_a_place_to_look(world: World, document: Any) -> None:
    world.routing.undecided = True
    code, body, headers = await submit(world, document)
    assert (code, body["status"], body["accepted_at"]) == (202, "pending", None)
    assert headers["Location"] == f"/api/v1/documents/{body['id']}"


async def test_some_recipients_refused_and_none_left(world: World, document: Any) -> None:
    document["recipients"] = ["H29", "H98"]
    _, body, _ = await submit(world, document)
    expected = {"code": "H98", "reason": "unknown_organisation", "suggestions": ["G22"]}
    assert body["refused"] == [expected]
    document["recipients"], document["id"] = ["H97", "H98"], "another"
    code, problem, _ = await submit(world, document)
    assert (code, problem["code"]) == (422, "no_valid_recipient")
    assert [each["pointer"] for each in problem["errors"]] == ["/recipients/0", "/recipients/1"]
    assert problem["errors"][0]["code"] == "unknown_organisation"
    assert problem["errors"][0]["suggestions"] == ["G22", "H01"]
    assert "H97" in problem["errors"][0]["detail"]


async def test_a_system_sends_for_its_own_organisations_only(world: World, document: Any) -> None:
    body = form(document, ("file0", PDF))
    code, problem, _ = await world.call("POST", "/documents", world.receiver, data=body)
    assert (code, problem["code"]) == (403, "sender_not_served")
    assert "G22" in problem["detail"]
    await asyncio.sleep(0.05)
    assert world.staged() == []


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"subjekt": "x"}, "unknown_field", "/subjekt"),
        ({"a/b~c": 1}, "unknown_field", "/a~1b~0c"),
        ({"subject": None}, "field_invalid", "/subject"),
        ({"subject": "  "}, "field_required", "/subject"),
        ({"subject": "x" * 501}, "field_too_long", "/subject"),
        ({"subject": "a\nb"}, "field_invalid", "/subject"),
        ({"subject": "a\x00b"}, "field_invalid", "/subject"),
        ({"subject": "a\u202eb"}, "field_invalid", "/subject"),
        ({"content": "a\x00b"}, "field_invalid", "/content"),
        ({"number": "123456789012"}, "field_too_long", "/number"),
        ({"number": 123}, "field_invalid", "/number"),
        ({"notation": "x" * 31}, "field_too_long", "/notation"),
        ({"place": "x" * 201}, "field_too_long", "/place"),
        ({"id": "x" * 201}, "field_too_long", "/id"),
        ({"promulgated_on": "22/11/2026"}, "field_invalid", "/promulgated_on"),
        ({"promulgated_on": "2026-02-30"}, "field_invalid", "/promulgated_on"),
        ({"due_on": "2026-1-1"}, "field_invalid", "/due_on"),
        ({"priority": 5}, "field_invalid", "/priority"),
        ({"priority": True}, "field_invalid", "/priority"),
        ({"sender": "g22"}, "field_invalid", "/sender"),
        ({"sender": "H29..12"}, "field_invalid", "/sender"),
        ({"recipients": []}, "field_required", "/recipients"),
        ({"recipients": ["H29", "H01", "H29"]}, "recipient_duplicate", "/recipients/2"),
        ({"recipients": [f"H{i}" for i in range(100_001)]}, "too_many_recipients", "/recipients"),
        ({"recipients": ["H" * 36]}, "field_invalid", "/recipients/0"),
        ({"business_type": "recall"}, "business_type_not_supported", "/business_type"),
        ({"business_type": "update"}, "business_type_not_supported", "/business_type"),
        ({"business_type": "replace"}, "business_type_not_supported", "/business_type"),
        ({"business_type": "old"}, "field_invalid", "/business_type"),
        ({"secrecy": "Mật"}, "secret_document", "/secrecy"),
        ({"secrecy": unicodedata.normalize("NFD", "Tối mật")}, "secret_document", "/secrecy"),
        ({"secrecy": "TUYỆT MẬT"}, "secret_document", "/secrecy"),
        ({"secrecy": "top_secret"}, "secret_document", "/secrecy"),
        ({"type": {"group": 2, "code": 0}}, "field_required", "/type/name"),
        ({"type": {"group": 3, "code": 0, "name": "x"}}, "field_invalid", "/type/group"),
        ({"type": "Công văn"}, "field_invalid", "/type"),
        ({"signer": {"competence": "", "position": "x"}}, "field_required", "/signer/full_name"),
        ({"files": []}, "field_required", "/files"),
        ({"require_signature": "yes"}, "field_invalid", "/require_signature"),
    ],
)
async def test_bad_fields_are_named(
    world: World, document: Any, changes: dict[str, Any], code: str, pointer: str
) -> None:
    document.update(changes)
    status, problem, headers = await world.call("POST", "/documents", json=document)
    assert status == 422, problem
    assert headers["Content-Type"] == "application/problem+json"
    assert (problem["code"], problem["type"]) == (code, f"urn:docaxis:error:{code}")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]
    assert "…" not in problem["detail"]
    assert world.routing.requests == []


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"name": "a/b.pdf"}, "field_invalid", "/files/0/name"),
        ({"name": "..\\b.pdf"}, "field_invalid", "/files/0/name"),
        ({"name": ".."}, "field_invalid", "/files/0/name"),
        ({"name": "x" * 256}, "field_too_long", "/files/0/name"),
        ({"name": "a\u202efdp.exe"}, "field_invalid", "/files/0/name"),
        ({"media_type": "pdf"}, "field_invalid", "/files/0/media_type"),
        ({"part": None}, "field_invalid", "/files/0"),
        ({"upload": new_id()}, "field_invalid", "/files/0"),
        ({"digest": "ABC"}, "field_invalid", "/files/0/digest"),
        ({"part": None, "upload": "../../etc"}, "field_invalid", "/files/0/upload"),
        ({"part": None, "upload": new_id()}, "upload_unknown", "/files/0/upload"),
        ({"sign": {}}, "unknown_field", "/files/0/sign"),
        ({"signature": {"upload": new_id()}, "digest": None}, "file_missing", "/files/0/part"),
    ],
)
async def test_bad_files_are_named(
    world: World, document: Any, changes: dict[str, Any], code: str, pointer: str
) -> None:
    document["files"][0].update(changes)
    status, problem, _ = await world.call("POST", "/documents", json=document)
    assert status == 422, problem
    assert code in (problem["code"], problem["errors"][0]["code"])
    assert problem["errors"][0]["pointer"] == pointer


async def test_several_problems_are_told_at_once_in_both_languages(
    world: World, document: Any
) -> None:
    del document["place"]
    document["number"] = "123456789012"
    document["files"] *= 101
    headers = {"Accept-Language": "en-GB,en;q=0.9,vi;q=0.5"}
    status, english, answered = await world.call(
        "POST", "/documents", headers=headers, json=document
    )
    assert (status, english["code"]) == (422, "validation_failed")
    found = {each["pointer"]: each["code"] for each in english["errors"]}
    assert found == {
        "/number": "field_too_long",
        "/place": "field_required",
        "/files": "too_many_files",
    }
    assert answered["Content-Language"] == "en"
    assert english["title"] == "Some fields of the request are not valid; see errors."
    _, vietnamese, answered = await world.call("POST", "/documents", json=document)
    assert answered["Content-Language"] == "vi"
    assert vietnamese["title"].startswith("Yêu cầu có trường không hợp lệ")
    assert vietnamese["request_id"] == answered["X-Request-Id"]


async def test_lengths_are_counted_in_the_composed_form(world: World, document: Any) -> None:
    document["signer"]["full_name"] = unicodedata.normalize("NFD", "ễ" * 50)
    code, body, _ = await submit(world, document)
    assert code == 201, body


async def test_not_secret_is_not_secret(world: World, document: Any) -> None:
    for index, word in enumerate(("none", "Không mật", unicodedata.normalize("NFD", "KHÔNG"))):
        document["secrecy"], document["id"] = word, f"id-{index}"
        code, body, _ = await submit(world, document)
        assert code == 201, body


async def test_bodies_that_are_not_json(world: World) -> None:
    url = "/documents"
    status, problem, _ = await world.call(
        "POST", url, data=b"{", headers={"Content-Type": "application/json"}
    )
    assert (status, problem["code"]) == (400, "malformed_json")
    surrogate = {"Content-Type": "application/json"}
    status, problem, _ = await world.call("POST", url, data=b'{"a":"\\ud800"}', headers=surrogate)
    assert (status, problem["code"]) == (400, "malformed_json")
    status, problem, _ = await world.call(
        "POST", url, data=b"<a/>", headers={"Content-Type": "text/xml"}
    )
    assert (status, problem["code"]) == (415, "unsupported_media_type")
    large = b'{"a":"' + b"x" * 4_300_000 + b'"}'
    status, problem, _ = await world.call("POST", url, data=large, headers=surrogate)
    assert (status, problem["code"]) == (413, "body_too_large")

    async def chunks() -> Any:
        for _ in range(45):
            yield b"x" * 100_000

    status, problem, _ = await world.call("POST", url, data=chunks(), headers=surrogate)
    assert (status, problem["code"]) == (413, "body_too_large")


async def test_a_required_signature_is_checked_first(world: World, document: Any) -> None:
    document["require_signature"] = True
    for content, expected in ((b"plain", "file_unsigned"), (b"TAMPERED", "file_tampered")):
        code, problem, _ = await submit(world, document, content)
        assert (code, problem["code"]) == (422, expected)
        assert problem["errors"][0]["pointer"] == "/files/0"
    assert world.routing.requests == []
    code, body, _ = await submit(world, document)
    assert code == 201, body
    await asyncio.sleep(0.05)
    assert world.staged() == []


async def test_the_told_digest_is_compared(world: World, document: Any) -> None:
    document["files"][0]["digest"] = "0" * 64
    code, problem, _ = await submit(world, document)
    assert (code, problem["code"]) == (422, "digest_mismatch")
    assert problem["errors"][0]["pointer"] == "/files/0/digest"


async def test_what_fails_inside_stays_inside(world: World, document: Any) -> None:
    world.routing.failure = RuntimeError("password=hunter2 at /var/lib")
    code, problem, _ = await submit(world, document)
    assert (code, problem["code"], problem["retryable"]) == (500, "internal", False)
    assert "hunter2" not in json.dumps(problem)
    world.routing.failure = Unavailable("disk")
    code, problem, headers = await submit(world, document)
    assert (code, problem["code"], problem["retryable"]) == (503, "unavailable", True)
    assert headers["Retry-After"] == "1"
    await asyncio.sleep(0.05)
    assert world.staged() == []


class TestMultipart:
    """The rules of `multipart`."""

    async def refused(self, world: World, body: aiohttp.MultipartWriter) -> tuple[int, Any]:
        status, problem, _ = await world.call("POST", "/documents", data=body)
        await asyncio.sleep(0.05)
        assert world.staged() == []
        return status, problem

    async def test_rule_M1_the_document_comes_first(self, world: World, document: Any) -> None:
        body = raw_form(("file0", PDF), ("document", json.dumps(document).encode()))
        status, problem = await self.refused(world, body)
        assert (status, problem["code"]) == (422, "document_part_first")

    async def test_rule_M2_parts_that_nobody_named(self, world: World, document: Any) -> None:
        status, problem = await self.refused(world, form(document, ("file0", PDF), ("file1", PDF)))
        assert (status, problem["code"]) == (422, "part_unknown")
        assert "file1" in problem["detail"]

    async def test_rule_M2_parts_that_come_twice(self, world: World, document: Any) -> None:
        status, problem = await self.refused(world, form(document, ("file0", PDF), ("file0", PDF)))
        assert (status, problem["code"]) == (422, "part_unknown")

    async def test_rule_M2_a_part_is_named_once(self, world: World, document: Any) -> None:
        document["files"] *= 2
        status, problem = await self.refused(world, form(document, ("file0", PDF)))
        assert (status, problem["errors"][0]["pointer"]) == (422, "/files/1/part")

    async def test_rule_M3_parts_that_did_not_come(self, world: World, document: Any) -> None:
        document["files"].append({**document["files"][0], "part": "file1"})
        status, problem = await self.refused(world, form(document, ("file0", PDF)))
        assert (status, problem["code"]) == (422, "file_missing")
        assert problem["errors"][0]["pointer"] == "/files/1/part"

    async def test_rule_M3_empty_files(self, world: World, document: Any) -> None:
        status, problem = await self.refused(world, form(document, ("file0", b"")))
        assert (status, problem["code"]) == (422, "file_empty")

    async def test_files_that_are_too_large(self, world: World, document: Any) -> None:
        content = b"x" * (16 * 1024 * 1024 + 1)
        status, problem = await self.refused(world, form(document, ("file0", content)))
        assert (status, problem["code"]) == (413, "file_too_large")
        assert problem["errors"][0]["pointer"] == "/files/0/part"

    async def test_bodies_that_are_not_multipart(self, world: World) -> None:
        for content_type in ("multipart/form-data", "multipart/form-data; boundary=x"):
            for body in (b"nonsense", b"--x\r\n\r\n", b"--x\r\nA: b\r\n\r\nc\r\n--x--\r\n"):
                status, problem, _ = await world.call(
                    "POST", "/documents", data=body, headers={"Content-Type": content_type}
                )
                assert (status, problem["code"]) == (400, "malformed_multipart"), body

    async def test_a_body_without_its_end(self, world: World, document: Any) -> None:
        body = (
            b'--x\r\nContent-Disposition: form-data; name="document"\r\n\r\n'
            + json.dumps(document).encode()
            + b'\r\n--x\r\nContent-Disposition: form-data; name="file0"\r\n\r\nabc'
        )
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        status, problem, _ = await world.call("POST", "/documents", data=body, headers=headers)
        assert (status, problem["code"]) == (400, "malformed_multipart")
        assert world.staged() == []


async def put(world: World, content: bytes) -> str:
    from tests.unit.docaxis_gateway.test_uploads import content_digest

    upload_id = new_id()
    headers = {"Content-Digest": content_digest(content)}
    status, body, _ = await world.call(
        "PUT", f"/uploads/{upload_id}", data=content, headers=headers
    )
    assert status == 201, body
    return upload_id
