import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from docaxis_trust import demo_pki
from docaxis_trust.certificate_subjects import subject_of
from docaxis_trust.cms import sign_detached, verify_detached
from docaxis_trust.demo_certificates import key_pem, new_elliptic_key
from docaxis_trust.demo_pki import DemoPki, create_demo_pki
from docaxis_trust.identity import Identity, IdentityUnusable, load_identity
from docaxis_trust.private_files import PrivateFileRefused, write_private_file
from tests.unit.docaxis_trust.samples import NOW, Authority


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def test_the_second_call_finds_what_the_first_made(tmp_path: Path) -> None:
    first = create_demo_pki(tmp_path / "sub" / "pki")
    before = contents(first.folder)
    assert create_demo_pki(tmp_path / "sub" / "pki") == first
    assert contents(first.folder) == before


def test_every_name_says_that_it_is_a_sample(pki: DemoPki) -> None:
    names = set()
    for identity in (pki.person, pki.seal, pki.system):
        loaded = load_identity(identity)
        for certificate in (loaded.certificate, *loaded.chain):
            assert "mẫu" in certificate.subject.native["common_name"]
        names.add(subject_of(loaded.certificate).common_name)
    assert names == {"Người ký mẫu 1", "Văn phòng Chính phủ (mẫu)", "Hệ thống QLVB mẫu 1"}


def test_keys_are_private_and_of_the_kind_promised(pki: DemoPki) -> None:
    for path in pki.folder.glob("*.key.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert isinstance(load_identity(pki.person).key, rsa.RSAPrivateKey)
    assert isinstance(load_identity(pki.seal).key, rsa.RSAPrivateKey)
    assert isinstance(load_identity(pki.system).key, ec.EllipticCurvePrivateKey)


def test_a_run_that_died_halfway_leaves_a_clean_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pki"

    def die(path: Path, content: bytes) -> None:
        if path.name == "seal.pem":
            raise KeyboardInterrupt
        path.write_bytes(content)

    with monkeypatch.context() as patch:
        patch.setattr(demo_pki, "_write", die)
        with pytest.raises(KeyboardInterrupt):
            create_demo_pki(folder)
    assert not folder.exists()
    pki = create_demo_pki(folder)
    assert load_identity(pki.seal)
    assert [each.name for each in tmp_path.iterdir()] == ["pki"]


def test_several_at_once_make_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(3) as threads:
        made = list(threads.map(create_demo_pki, [tmp_path / "pki"] * 3))
    assert made[0] == made[1] == made[2]
    assert load_identity(made[0].person)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "letter").write_text("mine")
    with pytest.raises(OSError, match="not empty"):
        create_demo_pki(tmp_path / "pki")
    assert contents(tmp_path / "pki") == {"letter": b"mine"}


def test_further_systems_get_identities_that_stay(
    pki: DemoPki, letter: Path, tmp_path: Path
) -> None:
    identity = pki.issue_system("lgsp", "LGSP tỉnh mẫu", "Sở Thông tin (mẫu)")
    again = pki.issue_system("lgsp", "another name", "another organisation")
    assert again == identity
    found = verify_detached(letter, sign_detached(letter, again), [pki.root_path], NOW)
    assert (found.code, found.signer_name, found.is_seal) == (
        "signature_valid",
        "LGSP tỉnh mẫu",
        False,
    )
    # Died between key and certificate: the key is kept.
    key = identity.key_path.read_bytes()
    identity.certificate_path.unlink()
    assert pki.issue_system("lgsp", "LGSP tỉnh mẫu", "Sở (mẫu)").key_path.read_bytes() == key
    assert load_identity(identity)


def test_an_identity_needs_its_own_private_key(authority: Authority, tmp_path: Path) -> None:
    identity = authority.identity("signer")
    other = tmp_path / "other.pem"
    write_private_file(other, key_pem(new_elliptic_key()))
    with pytest.raises(IdentityUnusable, match=r"signer\.pem was not made for"):
        load_identity(Identity(other, identity.certificate_path))
    identity.key_path.chmod(0o644)
    with pytest.raises(PrivateFileRefused):
        load_identity(identity)


def test_a_renewed_certificate_is_read_again(authority: Authority, tmp_path: Path) -> None:
    identity = authority.identity("signer")
    key = load_identity(identity).key
    renewed = authority.issue("Người ký mới", key=key)
    identity.certificate_path.write_bytes(renewed.certificate_pem())
    assert subject_of(load_identity(identity).certificate).common_name == "Người ký mới"
