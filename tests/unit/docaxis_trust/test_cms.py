import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import pem
from pyhanko.sign.validation.generic_cms import async_validate_detached_cms
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext

from docaxis_trust.cms import MOST_SIGNATURE_BYTES, FileDigests, sign_detached, verify_detached
from docaxis_trust.demo_pki import DemoPki
from docaxis_trust.identity import Identity, load_certificates
from docaxis_trust.verdicts import unreadable
from tests.unit.docaxis_trust.samples import NOW, Authority


@pytest.mark.parametrize("signer", ["person", "seal", "system"])
def test_what_was_signed_is_valid(pki: DemoPki, letter: Path, signer: str) -> None:
    identity: Identity = getattr(pki, signer)
    signature = sign_detached(letter, identity, at=NOW)
    found = verify_detached(letter, signature, [pki.root_path], NOW)
    certificate = load_certificates(identity.certificate_path)[0]
    assert (found.kind, found.status, found.code) == ("cms", "valid", "signature_valid")
    assert found.certificate_sha256 == certificate.sha256.hex()
    assert found.claimed_at == NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found.is_seal == (signer == "seal")
    assert found.organisation_name == "Văn phòng Chính phủ (mẫu)"
    assert found.covers_whole_file


@pytest.mark.parametrize("signer", ["person", "system"])
@pytest.mark.parametrize("year", [2027, 2061])
def test_pyhanko_reads_our_signatures(pki: DemoPki, letter: Path, signer: str, year: int) -> None:
    signature = sign_detached(letter, getattr(pki, signer), at=NOW.replace(year=year, day=1))
    context = ValidationContext(trust_roots=list(load_certificates(pki.root_path)), moment=NOW)
    content = asn1_cms.ContentInfo.load(signature, strict=True)["content"]
    with letter.open("rb") as file:
        status = asyncio.run(
            async_validate_detached_cms(
                file,
                content,
                signer_validation_context=context,
                key_usage_settings=KeyUsageConstraints(key_usage={"digital_signature"}),
            )
        )
    assert status.bottom_line
    # Canonical throughout: parsed and written anew it is the same.
    assert content.dump(force=True) == content.dump()


def test_a_signature_may_come_as_pem(pki: DemoPki, letter: Path) -> None:
    signature = pem.armor("CMS", sign_detached(letter, pki.system))
    assert verify_detached(letter, signature, [pki.root_path], NOW).status == "valid"


@pytest.mark.parametrize("position", [0, 1000, -1])
def test_a_changed_byte_is_tampering(pki: DemoPki, letter: Path, position: int) -> None:
    signature = sign_detached(letter, pki.system)
    content = bytearray(letter.read_bytes())
    content[position] ^= 1
    letter.write_bytes(content)
    found = verify_detached(letter, signature, [pki.root_path], NOW)
    assert (found.status, found.code) == ("tampered", "file_tampered")
    assert found.signer_name == "Hệ thống QLVB mẫu 1"


def test_the_signature_of_another_file_is_tampering(
    pki: DemoPki, letter: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"")
    signature = sign_detached(other, pki.system)
    assert verify_detached(letter, signature, [pki.root_path], NOW).code == "file_tampered"
    assert verify_detached(other, signature, [pki.root_path], NOW).code == "signature_valid"


def test_a_strangers_signature_is_untrusted(
    pki: DemoPki, letter: Path, authority: Authority
) -> None:
    signature = sign_detached(letter, authority.identity("stranger"))
    found = verify_detached(letter, signature, [pki.root_path], NOW)
    assert (found.status, found.code) == ("untrusted", "certificate_untrusted")
    assert found.signer_name == "Người ký thử"


def test_expired_and_revoked_are_told_apart(letter: Path, authority: Authority) -> None:
    identity = authority.identity("signer")
    signature = sign_detached(letter, identity)
    serial = load_certificates(identity.certificate_path)[0].serial_number
    crl = authority.revocation_list("crl", {serial: NOW - timedelta(hours=1)})
    anchors = [authority.root_path]
    late = NOW + timedelta(days=5000)
    assert verify_detached(letter, signature, anchors, late).code == "certificate_expired"
    found = verify_detached(letter, signature, anchors, NOW, crls=[crl])
    assert (found.status, found.code) == ("untrusted", "certificate_revoked")


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"garbage",
        b"-----BEGIN CMS-----\n!!!!\n-----END CMS-----\n",
        b"\x30\x80" * 40_000,
        b"\x30\x84\xff\xff\xff\xff",
        b"\x00" * (MOST_SIGNATURE_BYTES + 1),
        asn1_cms.ContentInfo({"content_type": "data", "content": b"hello"}).dump(),
    ],
)
def test_garbage_is_unreadable(pki: DemoPki, letter: Path, garbage: bytes) -> None:
    assert verify_detached(letter, garbage, [pki.root_path], NOW) == unreadable("cms")


def test_a_truncated_or_lengthened_signature_is_unreadable(pki: DemoPki, letter: Path) -> None:
    signature = sign_detached(letter, pki.system)
    for broken in (signature[:-1], signature[: len(signature) // 2], signature + b"\x00"):
        assert verify_detached(letter, broken, [pki.root_path], NOW) == unreadable("cms")


def test_what_is_valid_after_a_change_says_the_same(pki: DemoPki, letter: Path) -> None:
    signature = sign_detached(letter, pki.system)
    unchanged = _signed_parts(signature)
    codes = set()
    for position in range(0, len(signature), 5):
        changed = bytearray(signature)
        changed[position] ^= 0x20
        found = verify_detached(letter, bytes(changed), [pki.root_path], NOW)
        codes.add(found.code)
        if found.status == "valid":
            assert _signed_parts(bytes(changed)) == unchanged
    assert {"file_tampered", "signature_unreadable"} <= codes


def _signed_parts(signature: bytes) -> tuple[bytes, bytes]:
    signer = asn1_cms.ContentInfo.load(signature)["content"]["signer_infos"][0]
    return signer["signature"].native, signer["signed_attrs"].dump()


def test_a_file_that_is_not_there_is_not_the_signatures_fault(
    pki: DemoPki, letter: Path, tmp_path: Path
) -> None:
    signature = sign_detached(letter, pki.system)
    with pytest.raises(FileNotFoundError):
        verify_detached(tmp_path / "gone", signature, [pki.root_path], NOW)


def test_digests_are_computed_once(letter: Path) -> None:
    digests = FileDigests(letter)
    first = digests("sha256")
    letter.unlink()
    assert digests("sha256") == first
