"""The play's last part: what the axis must refuse, and what it must take a second time."""

from collections.abc import Sequence

from msgspec.structs import replace

from docaxis_cli.demonstration.play_report import Report
from docaxis_client.client import DocaxisClient
from docaxis_client.errors import ProblemError
from docaxis_client.models import Submission
from docaxis_client.submission import NewDocument, OutgoingFile


async def try_refusals(
    report: Report,
    office: DocaxisClient,
    document: NewDocument,
    files: Sequence[OutgoingFile],
    sent: Submission,
) -> None:
    """Send the same again, other content under its id, and to somebody who does not exist."""
    with report.step("the same again is the same document"):
        again = await office.submit(document, files)
        ok = again.id == sent.id and not again.first
        report.check("the same again is the same document", ok, again.id)
    other = replace(document, subject=f"{document.subject}, bản khác")
    await _refused(report, "other content under the same id is refused", office, other, files, 409)
    # A key hit twice: H266 for H26.
    meant = document.recipients[0]
    mistyped = replace(document, id=f"{document.id}-x", recipients=[meant + meant[-1]])
    problem = await _refused(
        report, "an unknown recipient is refused", office, mistyped, files, 422
    )
    if problem is not None:
        suggested = [*problem.suggestions, *(s for e in problem.errors for s in e.suggestions)]
        report.check(
            "a recipient is suggested instead",
            meant in suggested,
            ", ".join(dict.fromkeys(suggested)),
        )


async def _refused(
    report: Report,
    name: str,
    office: DocaxisClient,
    document: NewDocument,
    files: Sequence[OutgoingFile],
    status: int,
) -> ProblemError | None:
    with report.step(name):
        try:
            accepted = await office.submit(document, files)
        except ProblemError as problem:
            report.check(name, problem.status == status, f"{problem.status} {problem.code}")
            return problem
        report.check(name, False, f"accepted as {accepted.id}")
    return None
