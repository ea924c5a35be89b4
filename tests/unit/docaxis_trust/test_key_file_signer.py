import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from docaxis_trust.compact_jws import decode
from docaxis_trust.demo_certificates import key_pem, new_elliptic_key
from docaxis_trust.key_file_signer import KeyFileSigner, KeyFileUnusable, PrivateFileRefused
from docaxis_trust.private_files import read_private_file, write_private_file


def test_a_key_once_created_signs_the_same_ever_after(tmp_path: Path) -> None:
    path = tmp_path / "axis.pem"
    created = KeyFileSigner.create(path)
    opened = KeyFileSigner(path)
    assert opened.key_id == created.key_id
    assert opened.public_jwk() == created.public_jwk()
    assert opened.sign(b"data") == created.sign(b"data")
    public = Ed25519PublicKey.from_public_bytes(decode(opened.public_jwk()["x"].encode()))
    public.verify(opened.sign(b"data"), b"data")
    assert "d" not in opened.public_jwk()


def test_the_file_is_private_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "axis.pem"
    before = os.umask(0)
    try:
        KeyFileSigner.create(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["axis.pem"]


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "axis.pem"
    first = KeyFileSigner.create(path)
    with pytest.raises(FileExistsError):
        KeyFileSigner.create(path)
    assert KeyFileSigner(path).key_id == first.key_id
    assert [each.name for each in tmp_path.iterdir()] == ["axis.pem"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o611, 0o777])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "axis.pem"
    KeyFileSigner.create(path)
    path.chmod(mode)
    with pytest.raises(PrivateFileRefused, match=rf"axis\.pem.*mode {mode:04o}.*0600"):
        KeyFileSigner(path)
    for private in (0o600, 0o400):
        path.chmod(private)
        KeyFileSigner(path)


@pytest.mark.parametrize("content", [b"", b"secret words", key_pem(new_elliptic_key())])
def test_what_is_no_ed25519_key_is_told_without_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.pem"
    write_private_file(path, content)
    with pytest.raises(KeyFileUnusable, match=r"other\.pem") as caught:
        KeyFileSigner(path)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_writer_that_died_halfway_does_not_stop_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "key.pem"
    (tmp_path / f".key.pem.{os.getpid()}.partial").write_bytes(b"half a ke")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_private_file(path, b"key")
    assert list(tmp_path.iterdir()) == []
    write_private_file(path, b"key")
    assert read_private_file(path) == b"key"
