import hashlib
import pickle
import random
import zlib
from pathlib import Path

import pytest

from docaxis_trust.cms import sign_detached
from docaxis_trust.demo_pki import DemoPki
from docaxis_trust.verdicts import TrustStoreUnreadable, Verdict
from docaxis_trust.verification import VerificationRequest, verify
from tests.unit.docaxis_trust.samples import AT_MS, Authority, request_for


def check(pki: DemoPki, path: Path, signature: Path | None = None) -> Verdict:
    return verify(request_for(pki, path, signature))


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_unsigned_letter(pki: DemoPki, unsigned_pdf: Path) -> None:
    digest = digest_of(unsigned_pdf)
    assert check(pki, unsigned_pdf) == Verdict("unsigned", "file_unsigned", (), digest)


def test_a_letter_with_signature_and_seal(pki: DemoPki, sealed_pdf: Path) -> None:
    verdict = check(pki, sealed_pdf)
    assert (verdict.status, verdict.code) == ("valid", "signature_valid")
    assert [each.is_seal for each in verdict.signatures] == [False, True]
    assert verdict.digest == digest_of(sealed_pdf)


def test_a_system_signs_for_the_letter_as_a_whole(
    pki: DemoPki, sealed_pdf: Path, unsigned_pdf: Path, tmp_path: Path
) -> None:
    signature = tmp_path / "letter.p7s"
    signature.write_bytes(sign_detached(sealed_pdf, pki.system))
    verdict = check(pki, sealed_pdf, signature)
    assert verdict.status == "valid"
    assert [each.kind for each in verdict.signatures] == ["cms", "pades", "pades"]
    # Over another file it is worth nothing, however good that file's own signatures are.
    assert check(pki, unsigned_pdf, signature).status == "tampered"


def test_the_time_asked_decides(pki: DemoPki, sealed_pdf: Path) -> None:
    late = request_for(pki, sealed_pdf, at_ms=AT_MS + 12 * 365 * 86_400_000)
    assert verify(late).code == "certificate_expired"


def test_the_bytes_decide_what_a_file_is(pki: DemoPki, signed_pdf: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "letter.txt"
    renamed.write_bytes(signed_pdf.read_bytes())
    plain = VerificationRequest(renamed, "text/plain", None, (pki.root_path,), AT_MS)
    assert verify(plain).code == "signature_valid"
    renamed.write_bytes("Kính gửi".encode())
    assert check(pki, renamed).code == "file_unsigned"


def test_request_and_verdict_cross_processes(pki: DemoPki, sealed_pdf: Path) -> None:
    asked = request_for(pki, sealed_pdf)
    assert pickle.loads(pickle.dumps(asked)) == asked
    verdict = verify(asked)
    assert pickle.loads(pickle.dumps(verdict)) == verdict


def test_what_says_nothing_of_the_document_is_raised(
    pki: DemoPki, letter: Path, tmp_path: Path, authority: Authority
) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(FileNotFoundError):
        check(pki, gone)
    with pytest.raises(FileNotFoundError):
        check(pki, letter, gone)
    with pytest.raises(TrustStoreUnreadable):
        verify(VerificationRequest(letter, "", None, (gone,), AT_MS))


def nested(depth: int, opening: bytes, closing: bytes = b"") -> bytes:
    return pdf_of(b"1 0 obj\n" + opening * depth + closing * depth + b"\nendobj\n")


def pdf_of(first_object: bytes, trailer: bytes = b"<< /Size 2 /Root 1 0 R >>") -> bytes:
    body = b"%PDF-1.7\n" + first_object
    table = b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \n"
    return b"%s%strailer\n%s\nstartxref\n%d\n%%%%EOF\n" % (body, table, trailer, len(body))


def xref_stream_bomb() -> bytes:
    """Claim a billion objects, in a stream that grows a thousandfold."""
    data = zlib.compress(bytes(50_000_000), 9)
    begin = b"%PDF-1.7\n"
    return begin + (
        b"1 0 obj\n<< /Type /XRef /Size 1000000000 /W [1 8 8] /Root 1 0 R /Filter /FlateDecode "
        b"/Length %d >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n"
        % (len(data), data, len(begin))
    )


def xref_loop() -> bytes:
    body = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
    return pdf_of(
        b"1 0 obj\n<< /Type /Catalog >>\nendobj\n",
        b"<< /Size 2 /Root 1 0 R /Prev %d >>" % len(body),
    )


def field_loop() -> bytes:
    return pdf_of(
        b"1 0 obj\n<< /AcroForm << /Fields [1 0 R] >> /FT /Sig /T (x) /Kids [1 0 R] /V 1 0 R >>\n"
        b"endobj\n"
    )


HOSTILE = {
    "header alone": b"%PDF-1.7",
    "header late": b"\n" * 900 + b"%PDF-1.7",
    "end alone": b"%PDF-1.7\nstartxref\n0\n%%EOF",
    "offset beyond the end": b"%PDF-1.7\nstartxref\n99999999999999999999\n%%EOF",
    "negative offset": b"%PDF-1.7\nstartxref\n-5\n%%EOF",
    "nulls": b"%PDF-" + bytes(100_000),
    "nested arrays": nested(200_000, b"[", b"]"),
    "open arrays": nested(200_000, b"["),
    "nested dictionaries": nested(50_000, b"<</a", b">>"),
    "open string": nested(500_000, b"("),
    "cross-reference loop": xref_loop(),
    "cross-reference bomb": xref_stream_bomb(),
    "fields in a circle": field_loop(),
    "root is a number": pdf_of(b"1 0 obj\n7\nendobj\n"),
    "no root": pdf_of(b"1 0 obj\n7\nendobj\n", b"<< >>"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_pdf_is_unreadable_or_unsigned_never_an_error(
    pki: DemoPki, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "hostile.pdf"
    path.write_bytes(HOSTILE[name])
    verdict = check(pki, path)
    assert (verdict.status, verdict.code) in (
        ("indeterminate", "signature_unreadable"),
        ("unsigned", "file_unsigned"),
    )
    assert verdict.digest == digest_of(path)


@pytest.mark.parametrize("content", [b"", b"\x00", b"garbage" * 1000, b"PK\x03\x04", b"<xml/>"])
def test_what_is_no_pdf_is_unsigned(pki: DemoPki, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert check(pki, path).code == "file_unsigned"


def test_a_truncated_letter_is_never_valid(
    pki: DemoPki, sealed_pdf: Path, signed_pdf: Path, tmp_path: Path
) -> None:
    content = sealed_pdf.read_bytes()
    whole = len(signed_pdf.read_bytes())
    path = tmp_path / "truncated.pdf"
    for length in range(0, len(content), 1009):
        path.write_bytes(content[:length])
        assert check(pki, path).status != "valid", length
    # Cut off right after the person's part, it is what the person signed: a valid letter that
    # nobody has sealed. Whether a seal is needed is for the recipient's policy.
    path.write_bytes(content[:whole])
    assert [each.is_seal for each in check(pki, path).signatures] == [False]


def test_a_letter_with_a_few_changed_bytes_is_never_valid(
    pki: DemoPki, signed_pdf: Path, tmp_path: Path
) -> None:
    content = signed_pdf.read_bytes()
    begin = content.index(b"/Contents <") + len(b"/Contents ")
    end = content.index(b">", begin) + 1
    chance = random.Random(30_2020)
    path = tmp_path / "changed.pdf"
    for _ in range(120):
        changed = bytearray(content)
        for _ in range(chance.randrange(1, 4)):
            # Anywhere but in the signature's own digits, which nobody can sign.
            position = chance.choice([chance.randrange(begin), chance.randrange(end, len(content))])
            changed[position] = (changed[position] + chance.randrange(1, 256)) % 256
        path.write_bytes(changed)
        assert check(pki, path).status != "valid"
