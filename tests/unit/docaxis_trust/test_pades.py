import hashlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import fpdf
import pytest
from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from pyhanko.pdf_utils import generic as pyhanko_generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.signers import (
    PdfSignatureMetadata,
    PdfSigner,
    PdfTimeStamper,
)
from pyhanko.sign.signers import (
    sign_pdf as pyhanko_sign,
)
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from docaxis_trust import pdf_signing
from docaxis_trust.cms_signing import sign_digest
from docaxis_trust.demo_certificates import new_rsa_key
from docaxis_trust.demo_pki import DemoPki, create_demo_pki
from docaxis_trust.identity import load_certificates, load_identity
from docaxis_trust.pades import PdfNotSignable, sign_pdf, verify_pdf
from docaxis_trust.verdicts import SignatureFound, unreadable
from tests.unit.docaxis_trust.samples import NOW, Authority, amend, draw_over_page

# Its classes have no types.
generic: Any = pyhanko_generic


def find(pki: DemoPki, path: Path) -> tuple[SignatureFound, ...]:
    return verify_pdf(path, [pki.root_path], NOW + timedelta(minutes=5))


def codes(pki: DemoPki, path: Path) -> list[str]:
    return [each.code for each in find(pki, path)]


def test_an_unsigned_file_bears_no_signature(pki: DemoPki, unsigned_pdf: Path) -> None:
    assert find(pki, unsigned_pdf) == ()


def test_person_and_seal_are_both_found_valid_in_order(pki: DemoPki, sealed_pdf: Path) -> None:
    person, seal = find(pki, sealed_pdf)
    assert (person.code, seal.code) == ("signature_valid", "signature_valid")
    assert (person.kind, seal.kind) == ("pades", "pades")
    assert (person.is_seal, seal.is_seal) == (False, True)
    assert (person.covers_whole_file, seal.covers_whole_file) == (False, True)
    assert person.signer_name == "Người ký mẫu 1"
    assert seal.signer_name == seal.organisation_name == "Văn phòng Chính phủ (mẫu)"
    for found, identity in ((person, pki.person), (seal, pki.seal)):
        certificate = load_certificates(identity.certificate_path)[0]
        assert found.certificate_sha256 == certificate.sha256.hex()
        assert found.claimed_at.startswith("20")
        assert found.claimed_at.endswith("Z")


def test_the_bytes_that_the_person_signed_stay(signed_pdf: Path, sealed_pdf: Path) -> None:
    assert sealed_pdf.read_bytes().startswith(signed_pdf.read_bytes())


def test_an_unknown_authority_of_the_same_name_is_untrusted(
    pki: DemoPki, unsigned_pdf: Path, tmp_path: Path
) -> None:
    impostor = create_demo_pki(tmp_path / "impostor")
    target = tmp_path / "signed.pdf"
    sign_pdf(unsigned_pdf, target, impostor.person, field_name="NguoiKy")
    found = find(pki, target)[0]
    assert (found.status, found.code) == ("untrusted", "certificate_untrusted")


def test_an_expired_certificate_is_expired_at_the_time_asked(
    pki: DemoPki, signed_pdf: Path
) -> None:
    for years, code in ((0, "signature_valid"), (11, "certificate_expired")):
        at = NOW + timedelta(days=365 * years, minutes=5)
        assert verify_pdf(signed_pdf, [pki.root_path], at)[0].code == code


def test_a_revoked_certificate_is_revoked(
    authority: Authority, unsigned_pdf: Path, tmp_path: Path
) -> None:
    identity = authority.identity("signer", key=new_rsa_key())
    serial = load_certificates(identity.certificate_path)[0].serial_number
    crl = authority.revocation_list("crl", {serial: NOW - timedelta(hours=1)})
    target = tmp_path / "signed.pdf"
    sign_pdf(unsigned_pdf, target, identity, field_name="NguoiKy")
    assert verify_pdf(target, [authority.root_path], NOW)[0].code == "signature_valid"
    found = verify_pdf(target, [authority.root_path], NOW, crls=[crl])[0]
    assert (found.status, found.code) == ("untrusted", "certificate_revoked")


def test_a_byte_changed_in_the_signed_range_is_tampering(
    pki: DemoPki, sealed_pdf: Path, tmp_path: Path
) -> None:
    content = bytearray(sealed_pdf.read_bytes())
    # Inside the page's compressed content: the structure stays readable.
    position = content.index(b"stream") + 60
    content[position] ^= 1
    target = tmp_path / "changed.pdf"
    target.write_bytes(content)
    assert codes(pki, target) == ["file_tampered", "file_tampered"]


def test_rule_P1_a_filled_field_that_cannot_be_read_is_reported(
    pki: DemoPki, sealed_pdf: Path, tmp_path: Path
) -> None:
    content = sealed_pdf.read_bytes()
    begin = content.index(b"/Contents <") + len(b"/Contents <")
    target = tmp_path / "broken.pdf"
    target.write_bytes(content[:begin] + b"00" * 100 + content[begin + 200 :])
    found = find(pki, target)
    # The seal signed the bytes of the person's signature too.
    assert sorted(each.code for each in found) == ["file_tampered", "signature_unreadable"]
    assert unreadable("pades") in found


def test_rule_P1_a_field_with_something_else_in_it_is_reported(
    pki: DemoPki, signed_pdf: Path, tmp_path: Path
) -> None:
    def empty(writer: Any) -> None:
        value = writer.root["/AcroForm"]["/Fields"][0].raw_get("/V").get_object()
        del value["/ByteRange"]
        writer.update_container(value)

    found = find(pki, amend(signed_pdf, tmp_path / "emptied.pdf", empty))
    assert [each.code for each in found] == ["signature_unreadable"]


def test_rule_P2_nothing_else_hides_beside_the_signatures_digits(
    pki: DemoPki, signed_pdf: Path, tmp_path: Path
) -> None:
    content = signed_pdf.read_bytes()
    begin = content.index(b"/Contents <") + len(b"/Contents <")
    end = content.index(b">", begin)
    digits = content[begin:end]
    kept = digits.rstrip(b"0")
    kept += b"0" * (len(kept) % 2)
    # The gap is not signed: shorten the padding and put an entry of one's own where it was.
    hidden = b"> /Location (X)"
    hidden += b" " * (len(digits) - len(kept) - len(hidden) + 1)
    target = tmp_path / "hidden.pdf"
    target.write_bytes(content[:begin] + kept + hidden + content[end + 1 :])
    assert target.stat().st_size == len(content)
    assert codes(pki, target) == ["file_tampered"]


def test_rule_P2_a_signer_cannot_leave_bytes_out_for_later(
    pki: DemoPki, signed_pdf: Path, tmp_path: Path
) -> None:
    content = signed_pdf.read_bytes()
    range_ = re.search(rb"/ByteRange \[0 (\d+) (\d+) (\d+)", content)
    assert range_ is not None
    before, after, rest = map(int, range_.groups())
    # The gap sits sixteen bytes early: it is as long as it should be, and the lengths add up to
    # the file's, but the sixteen bytes before the signature are nobody's.
    moved = b"/ByteRange [0 %d %d %d" % (before - 16, after - 16, rest + 16)
    assert len(moved) == len(range_[0])
    content = content.replace(range_[0], moved)
    signed = content[: before - 16] + content[after - 16 :]
    signature = sign_digest(hashlib.sha256(signed).digest(), load_identity(pki.person), NOW)
    digits = signature.hex().encode()
    target = tmp_path / "moved.pdf"
    target.write_bytes(content[: before + 1] + digits + content[before + 1 + len(digits) :])
    assert codes(pki, target) == ["file_tampered"]


def test_rule_P3_content_changed_by_an_update_is_tampering(
    pki: DemoPki, signed_pdf: Path, sealed_pdf: Path, tmp_path: Path
) -> None:
    assert codes(pki, amend(signed_pdf, tmp_path / "1.pdf", draw_over_page)) == ["file_tampered"]
    assert codes(pki, amend(sealed_pdf, tmp_path / "2.pdf", draw_over_page)) == [
        "file_tampered",
        "file_tampered",
    ]


def test_rule_P3_a_seal_does_not_heal_what_was_changed_before_it(
    pki: DemoPki, signed_pdf: Path, tmp_path: Path
) -> None:
    changed = amend(signed_pdf, tmp_path / "changed.pdf", draw_over_page)
    sign_pdf(changed, changed, pki.seal, field_name="CoQuan")
    assert codes(pki, changed) == ["file_tampered", "signature_valid"]


@pytest.fixture(scope="session")
def form_pdf(pki: DemoPki, unsigned_pdf: Path) -> Path:
    """A letter with a field for its number, signed by the person with the field still empty."""

    def add_field(writer: Any) -> None:
        page = writer.root["/Pages"]["/Kids"].raw_get(0)
        field = writer.add_object(
            generic.DictionaryObject(
                {
                    generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
                    generic.pdf_name("/Subtype"): generic.pdf_name("/Widget"),
                    generic.pdf_name("/FT"): generic.pdf_name("/Tx"),
                    generic.pdf_name("/T"): generic.pdf_string("SoVanBan"),
                    generic.pdf_name("/P"): page,
                    generic.pdf_name("/Rect"): generic.ArrayObject(
                        [generic.NumberObject(each) for each in (20, 700, 200, 720)]
                    ),
                }
            )
        )
        page.get_object()["/Annots"] = generic.ArrayObject([field])
        writer.update_container(page.get_object())
        writer.root["/AcroForm"] = generic.DictionaryObject(
            {generic.pdf_name("/Fields"): generic.ArrayObject([field])}
        )
        writer.update_root()

    target = amend(unsigned_pdf, unsigned_pdf.with_name("form.pdf"), add_field)
    sign_pdf(target, target, pki.person, field_name="NguoiKy")
    return target


def fill_in(writer: Any) -> None:
    field = next(
        each.get_object()
        for each in writer.root["/AcroForm"]["/Fields"]
        if each.get_object()["/T"] == "SoVanBan"
    )
    field["/V"] = generic.pdf_string("128/VPCP-KSTT")
    writer.update_container(field)


def test_rule_P3_a_field_may_be_filled_in_before_the_seal(
    pki: DemoPki, form_pdf: Path, tmp_path: Path
) -> None:
    filled = amend(form_pdf, tmp_path / "filled.pdf", fill_in)
    sign_pdf(filled, filled, pki.seal, field_name="CoQuan")
    assert codes(pki, filled) == ["signature_valid", "signature_valid"]


def test_rule_P3_the_signers_own_permission_is_heeded(
    pki: DemoPki, unsigned_pdf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "certified.pdf"
    metadata = PdfSignatureMetadata(
        field_name="NguoiKy", certify=True, docmdp_permissions=MDPPerm.NO_CHANGES
    )
    signer = pdf_signing._signer(load_identity(pki.person))
    with unsigned_pdf.open("rb") as source, target.open("w+b") as output:
        pyhanko_sign(IncrementalPdfFileWriter(source), metadata, signer, output=output)
    assert codes(pki, target) == ["signature_valid"]
    # pyHanko refuses to sign on top of it; a writer less well-behaved would not.
    monkeypatch.setattr(PdfSigner, "_enforce_certification_constraints", lambda *_: None)
    sealed = tmp_path / "sealed.pdf"
    sign_pdf(target, sealed, pki.seal, field_name="CoQuan")
    assert codes(pki, sealed) == ["file_tampered", "signature_valid"]


def test_rule_P4_a_field_filled_in_after_the_last_signature_is_tampering(
    pki: DemoPki, form_pdf: Path, tmp_path: Path
) -> None:
    assert codes(pki, form_pdf) == ["signature_valid"]
    assert codes(pki, amend(form_pdf, tmp_path / "filled.pdf", fill_in)) == ["file_tampered"]


def test_rule_P4_validation_data_may_follow_the_last_signature(
    pki: DemoPki, sealed_pdf: Path, tmp_path: Path
) -> None:
    target = tmp_path / "ltv.pdf"
    target.write_bytes(sealed_pdf.read_bytes())
    with target.open("r+b") as file:
        DocumentSecurityStore.add_dss(file, None, certs=load_certificates(pki.issuing_path))
    assert target.stat().st_size > sealed_pdf.stat().st_size
    found = find(pki, target)
    assert [each.code for each in found] == ["signature_valid", "signature_valid"]
    assert not any(each.covers_whole_file for each in found)


def test_rule_P4_time_stamps_may_follow_and_are_no_signatures(
    pki: DemoPki, sealed_pdf: Path, tmp_path: Path, authority: Authority
) -> None:
    tsa = authority.issue(key=new_rsa_key(), purposes=(ExtendedKeyUsageOID.TIME_STAMPING,))
    stamper = DummyTimeStamper(
        asn1_x509.Certificate.load(tsa.certificate.public_bytes(Encoding.DER)),
        keys.PrivateKeyInfo.load(
            tsa.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        ),
    )
    target = tmp_path / "stamped.pdf"
    with sealed_pdf.open("rb") as source, target.open("w+b") as output:
        PdfTimeStamper(stamper).timestamp_pdf(
            IncrementalPdfFileWriter(source), "sha256", output=output
        )
    assert codes(pki, target) == ["signature_valid", "signature_valid"]


@pytest.mark.parametrize(
    ("added", "code"),
    [
        (b"\r\n \0", "signature_valid"),
        (b"3 0 obj\n(behind the end)\nendobj\n", "file_tampered"),
        (b"3 0 obj\n(x)\nendobj\nstartxref\n%d\n%%%%EOF\n", "file_tampered"),
    ],
)
def test_rule_P4_nothing_hides_behind_the_end(
    pki: DemoPki, signed_pdf: Path, tmp_path: Path, added: bytes, code: str
) -> None:
    content = signed_pdf.read_bytes()
    if b"%d" in added:
        added %= int(content.split()[-2])
    target = tmp_path / "longer.pdf"
    target.write_bytes(content + added)
    assert codes(pki, target) == [code]


def test_rule_P5_a_signature_taken_away_by_an_update_is_missed(
    pki: DemoPki, signed_pdf: Path, tmp_path: Path
) -> None:
    def strip(writer: Any) -> None:
        del writer.root["/AcroForm"]
        writer.update_root()

    found = find(pki, amend(signed_pdf, tmp_path / "stripped.pdf", strip))
    assert [(each.status, each.code) for each in found] == [("tampered", "file_tampered")]


def test_rule_P6_a_file_is_read_strictly(pki: DemoPki, signed_pdf: Path, tmp_path: Path) -> None:
    target = tmp_path / "late.pdf"
    target.write_bytes(b"junk before the header\n" + signed_pdf.read_bytes())
    assert find(pki, target) == (unreadable("pades"),)


def test_rule_P6_an_encrypted_file_is_unreadable(pki: DemoPki, tmp_path: Path) -> None:
    pdf = fpdf.FPDF()
    pdf.add_page()
    pdf.set_encryption(owner_password="owner", user_password="")
    target = tmp_path / "encrypted.pdf"
    pdf.output(str(target))
    assert find(pki, target) == (unreadable("pades"),)


def test_a_large_file_is_read_from_the_disk(
    pki: DemoPki, sealed_pdf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("docaxis_trust.pades._MOST_BYTES_IN_MEMORY", 100)
    assert codes(pki, sealed_pdf) == ["signature_valid", "signature_valid"]


def test_signing_what_cannot_be_signed_leaves_nothing_behind(
    pki: DemoPki, signed_pdf: Path, tmp_path: Path
) -> None:
    garbage = tmp_path / "garbage.pdf"
    garbage.write_bytes(b"%PDF-1.7 and no more")
    target = tmp_path / "target.pdf"
    with pytest.raises(PdfNotSignable, match=r"garbage\.pdf"):
        sign_pdf(garbage, target, pki.person, field_name="NguoiKy")
    with pytest.raises(PdfNotSignable, match=r"signed\.pdf"):
        sign_pdf(signed_pdf, target, pki.seal, field_name="NguoiKy")
    assert [each.name for each in tmp_path.iterdir()] == ["garbage.pdf"]


def test_a_file_may_be_signed_in_place(pki: DemoPki, unsigned_pdf: Path, tmp_path: Path) -> None:
    target = tmp_path / "letter.pdf"
    target.write_bytes(unsigned_pdf.read_bytes())
    sign_pdf(target, target, pki.person, field_name="NguoiKy", location="Hà Nội")
    sign_pdf(target, target, pki.seal, field_name="CoQuan")
    assert codes(pki, target) == ["signature_valid", "signature_valid"]
