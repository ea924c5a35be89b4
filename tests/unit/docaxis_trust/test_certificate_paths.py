from datetime import datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from docaxis_trust.certificate_paths import load_trust_store
from docaxis_trust.demo_certificates import Issued, issue_authority, new_elliptic_key, subject_of
from docaxis_trust.verdicts import TrustStoreUnreadable
from tests.unit.docaxis_trust.samples import NOW, Authority

DAY = timedelta(days=1)


def judge(
    authority: Authority,
    issued: Issued,
    at: datetime = NOW,
    crls: tuple[Path, ...] = (),
    anchor: Path | None = None,
) -> str:
    store = load_trust_store([anchor or authority.root_path], crls)
    leaf, *others = (
        asn1_x509.Certificate.load(each.public_bytes(Encoding.DER))
        for each in (issued.certificate, *issued.chain)
    )
    first = store.judge(leaf, others, at)
    assert store.judge(leaf, others, at) == first, "a path that is kept must judge the same"
    return first


def test_rule_C1_a_path_to_an_anchor_is_needed(authority: Authority, tmp_path: Path) -> None:
    assert judge(authority, authority.issue()) == "signature_valid"
    # The same names throughout, other keys: what an impostor would make.
    impostor = Authority(tmp_path)
    assert judge(authority, impostor.issue()) == "certificate_untrusted"


def test_rule_C1_without_anchors_nobody_is_trusted(authority: Authority) -> None:
    issued = authority.issue()
    leaf = asn1_x509.Certificate.load(issued.certificate.public_bytes(Encoding.DER))
    assert load_trust_store([]).judge(leaf, [], NOW) == "certificate_untrusted"


def test_rule_C1_a_missing_link_is_no_path(authority: Authority) -> None:
    issued = authority.issue()
    alone = Issued(issued.key, issued.certificate, ())
    assert judge(authority, alone) == "certificate_untrusted"


def test_rule_C1_a_signer_cannot_issue(authority: Authority) -> None:
    signer = authority.issue()
    assert judge(authority, authority.issue(issuer=signer)) == "certificate_untrusted"


def test_rule_C1_a_certificate_may_itself_be_the_anchor(authority: Authority) -> None:
    identity = authority.identity("pinned")
    issued = authority.issue()
    authority.folder.joinpath("own.pem").write_bytes(issued.certificate_pem())
    alone = Issued(issued.key, issued.certificate, ())
    assert judge(authority, alone, anchor=authority.folder / "own.pem") == "signature_valid"
    assert judge(authority, alone, anchor=identity.certificate_path) == "certificate_untrusted"


def test_rule_C2_weak_algorithms_break_the_path(authority: Authority) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    weak = issue_authority(subject_of("CA yếu", "docaxis (mẫu)"), authority.root, key=short)
    assert judge(authority, authority.issue(issuer=weak)) == "certificate_untrusted"


@pytest.mark.parametrize(
    ("purposes", "code"),
    [
        ((), "signature_valid"),
        ((ExtendedKeyUsageOID.EMAIL_PROTECTION,), "signature_valid"),
        ((ExtendedKeyUsageOID.SERVER_AUTH,), "certificate_untrusted"),
        ((ExtendedKeyUsageOID.TIME_STAMPING,), "certificate_untrusted"),
        ((ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH), "signature_valid"),
    ],
)
def test_rule_C3_the_purpose_must_fit(
    authority: Authority, purposes: tuple[x509.ObjectIdentifier, ...], code: str
) -> None:
    assert judge(authority, authority.issue(purposes=purposes)) == code


def test_rule_C3_an_authority_does_not_sign_documents(authority: Authority) -> None:
    assert judge(authority, authority.issuing) == "certificate_untrusted"


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_rule_C4_revoked_from_its_date_on(authority: Authority, encoding: Encoding) -> None:
    issued = authority.issue(not_before=NOW - 30 * DAY)
    serial = issued.certificate.serial_number
    crl = authority.revocation_list("list", {serial: NOW - 5 * DAY}, encoding=encoding)
    assert judge(authority, issued, NOW, (crl,)) == "certificate_revoked"
    assert judge(authority, issued, NOW - 5 * DAY, (crl,)) == "certificate_revoked"
    assert judge(authority, issued, NOW - 6 * DAY, (crl,)) == "signature_valid"
    younger = authority.issue()
    assert judge(authority, younger, NOW, (crl,)) == "signature_valid"


def test_rule_C4_an_old_list_still_counts(authority: Authority) -> None:
    issued = authority.issue()
    revoked = {issued.certificate.serial_number: NOW - 300 * DAY}
    crl = authority.revocation_list("old.crl", revoked, made=NOW - 299 * DAY)
    assert judge(authority, issued, NOW, (crl,)) == "certificate_revoked"


def test_rule_C4_an_authority_may_be_revoked(authority: Authority) -> None:
    serial = authority.issuing.certificate.serial_number
    crl = authority.revocation_list("root.crl", {serial: NOW - DAY}, issuer=authority.root)
    assert judge(authority, authority.issue(), NOW, (crl,)) == "certificate_revoked"


def test_rule_C4_a_list_speaks_for_its_own_issuer(authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue()
    revoked = {issued.certificate.serial_number: NOW - DAY}
    by_root = authority.revocation_list("wrong.crl", revoked, issuer=authority.root)
    forged = Authority(tmp_path).revocation_list("forged.crl", revoked)
    assert judge(authority, issued, NOW, (by_root, forged)) == "signature_valid"


def test_rule_C4_what_was_put_back_is_not_revoked(authority: Authority) -> None:
    issued = authority.issue()
    crl = authority.revocation_list(
        "delta.crl",
        {issued.certificate.serial_number: NOW - DAY},
        reason=x509.ReasonFlags.remove_from_crl,
    )
    assert judge(authority, issued, NOW, (crl,)) == "signature_valid"


def test_rule_C5_outside_its_validity_it_is_expired(authority: Authority) -> None:
    issued = authority.issue(not_before=NOW - DAY / 2, lifetime=DAY)
    assert judge(authority, issued, NOW) == "signature_valid"
    assert judge(authority, issued, NOW + DAY) == "certificate_expired"
    assert judge(authority, issued, NOW - DAY) == "certificate_expired"


def test_rule_C5_an_expired_authority_ends_its_certificates(authority: Authority) -> None:
    brief = issue_authority(
        subject_of("CA ngắn", "docaxis (mẫu)"),
        authority.root,
        key=new_elliptic_key(),
        not_before=NOW - 3 * DAY,
        lifetime=2 * DAY,
    )
    issued = authority.issue(issuer=brief, not_before=NOW - 3 * DAY)
    assert judge(authority, issued, NOW - 2 * DAY) == "signature_valid"
    assert judge(authority, issued, NOW) == "certificate_expired"


def test_rule_C5_a_renewed_authority_takes_over(authority: Authority) -> None:
    key = new_elliptic_key()
    name = subject_of("CA gia hạn", "docaxis (mẫu)")
    old, new = (
        issue_authority(
            name, authority.root, key=key, not_before=NOW + begin * DAY, lifetime=20 * DAY
        )
        for begin in (-25, -10)
    )
    issued = authority.issue(issuer=old, not_before=NOW - 25 * DAY)
    both = Issued(issued.key, issued.certificate, (old.certificate, new.certificate))
    for days in (-20, -1, -20, 5):
        assert judge(authority, both, NOW + days * DAY) == "signature_valid"
    assert judge(authority, both, NOW + 15 * DAY) == "certificate_expired"


def test_rule_C5_revocation_is_the_graver_word(authority: Authority) -> None:
    issued = authority.issue(not_before=NOW - DAY / 2, lifetime=DAY)
    crl = authority.revocation_list("s.crl", {issued.certificate.serial_number: NOW - DAY / 4})
    assert judge(authority, issued, NOW + 2 * DAY, (crl,)) == "certificate_revoked"


def test_an_expired_stranger_is_untrusted_not_expired(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "CA lạ").issue(lifetime=DAY / 2)
    assert judge(authority, stranger, NOW) == "certificate_untrusted"


@pytest.mark.parametrize("content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA"])
def test_what_the_operator_got_wrong_is_told_with_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.pem"
    path.write_bytes(content)
    with pytest.raises(TrustStoreUnreadable, match=r"broken\.pem"):
        load_trust_store([path])
    with pytest.raises(TrustStoreUnreadable, match=r"broken\.pem"):
        load_trust_store([], [path])
    with pytest.raises(TrustStoreUnreadable, match=r"missing\.pem"):
        load_trust_store([tmp_path / "missing.pem"])


def test_an_anchor_file_that_changes_is_read_again(authority: Authority, tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.pem"
    other = Authority(tmp_path, "CA khác")
    anchors.write_bytes(other.root.certificate_pem())
    issued = authority.issue()
    assert judge(authority, issued, anchor=anchors) == "certificate_untrusted"
    anchors.write_bytes(other.root.certificate_pem() + authority.root.certificate_pem())
    assert judge(authority, issued, anchor=anchors) == "signature_valid"
