"""What the effects do where their surroundings, or the stored bytes, are not as they should be."""

from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import Unavailable
from docaxis_proto import routing_events_v1_pb2
from docaxis_signature.codec import CODEC
from docaxis_signature.domain import DocumentVerified, FileVerdict, RecordVerdict, SignatureFound
from docaxis_signature.effects import MOST_SIGNATURES, FileChecks, Verifying, bounded
from docaxis_signature.settings import SignatureSettings

LETTER = b"a letter"
DIGEST = sha256(LETTER).hexdigest()


@pytest.fixture
async def checks_with() -> AsyncIterator[Callable[[SignatureSettings], FileChecks]]:
    made: list[FileChecks] = []

    def make(settings: SignatureSettings) -> FileChecks:
        made.append(FileChecks(settings))
        return made[-1]

    yield make
    for each in made:
        await each._workers.close()


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter"
    path.write_bytes(LETTER)
    return path


async def test_without_anchors_a_file_is_checked_all_the_same(
    checks_with: Callable[[SignatureSettings], FileChecks], letter: Path
) -> None:
    checks = checks_with(SignatureSettings(workers=1))
    found = await checks.check(DIGEST, letter, "text/plain", None, 0)
    assert found == FileVerdict(DIGEST, "unsigned", "file_unsigned")


async def test_bytes_that_are_not_those_that_were_stored_prove_nothing(
    checks_with: Callable[[SignatureSettings], FileChecks], letter: Path
) -> None:
    checks = checks_with(SignatureSettings(workers=1))
    found = await checks.check("ab" * 32, letter, "text/plain", None, 0)
    assert found == FileVerdict("ab" * 32, "indeterminate", "signature_unreadable")


async def test_the_operators_faults_are_waited_for_and_say_nothing_of_the_file(
    checks_with: Callable[[SignatureSettings], FileChecks], letter: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.pem").write_text("no certificate")
    checks = checks_with(SignatureSettings(trust_anchors_folder=tmp_path, workers=1))
    with pytest.raises(Unavailable):
        await checks.check(DIGEST, letter, "text/plain", None, 0)
    with pytest.raises(Unavailable):
        await checks.check(DIGEST, tmp_path / "missing", "text/plain", None, 0)


def test_L9_a_verdict_lists_a_bounded_number_of_signatures() -> None:
    long = "Ủ" * 200
    found = SignatureFound(
        kind="pades",
        status="valid",
        code="signature_valid",
        certificate_sha256="ab" * 32,
        is_seal=True,
        claimed_at="2026-11-22T09:00:00.000000+07:00",
        covers_whole_file=True,
        signer_name=long,
        organisation_name=long,
    )
    files = [
        FileVerdict(f"{n}".zfill(64), "valid", "signature_valid", (found,) * 90) for n in range(50)
    ]
    kept = bounded(files)
    assert [each.digest for each in kept] == [each.digest for each in files]
    assert sum(len(each.signatures) for each in kept) == MOST_SIGNATURES
    event = DocumentVerified("document", "valid", "signature_valid", kept)
    assert len(CODEC.encode(event)[1]) < 256 * 1024


async def test_L10_an_urgent_documents_check_tells_its_priority() -> None:
    document_id = "01890a5d-ac96-874b-bcce-b302099a8057"
    brief = routing_events_v1_pb2.DocumentBrief(document_id=document_id, priority=2)
    event = routing_events_v1_pb2.DocumentSubmitted(brief=brief)
    nothing: Any = None  # a document without files needs neither checks nor a store
    envelope = Envelope(id="e", type="t", source="s")
    (follow_up,) = await Verifying(nothing, nothing, 12).work(event, envelope)
    assert follow_up.command == RecordVerdict(document_id, (), 2)
