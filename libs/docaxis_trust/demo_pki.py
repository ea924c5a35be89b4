"""A complete sample PKI in a folder, for demonstrations, tutorials and benchmarks.

Every name says ``mẫu`` (sample), and nothing here is for production: the authorities' keys lie
beside the certificates that they signed.

The folder is made under another name and renamed when all of it is durable. So it is there whole
or not at all, and a run that died halfway leaves nothing that the next one would trust.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from docaxis_trust.demo_certificates import (
    DOCUMENT_SIGNING,
    Issued,
    issue_authority,
    issue_signer,
    key_pem,
    new_elliptic_key,
    subject_of,
)
from docaxis_trust.identity import Identity, IdentityUnusable, SigningKey
from docaxis_trust.private_files import read_private_file, sync_folder, write_private_file

_ORGANISATION = "Văn phòng Chính phủ (mẫu)"


@dataclass(frozen=True, slots=True)
class DemoPki:
    """Where the sample certificates lie; ``root_path`` is the anchor to verify against."""

    folder: Path
    root_path: Path
    issuing_path: Path
    person: Identity
    seal: Identity
    system: Identity

    def issue_system(self, name: str, common_name: str, organisation_name: str) -> Identity:
        """Give a further system its identity, under the file name ``name``; repeatable.

        The same name gives the same key and certificate again, whatever the other arguments say.
        """
        identity = _identity(self.folder, name)
        if identity.certificate_path.exists():
            return identity
        if not identity.key_path.exists():
            write_private_file(identity.key_path, key_pem(new_elliptic_key()))
        system = _system(common_name, organisation_name, self._issuing(), _key(identity.key_path))
        # The certificate comes last: where it lies, the key lies.
        _write(identity.certificate_path, system.certificate_pem())
        return identity

    def _issuing(self) -> Issued:
        certificates = [
            x509.load_pem_x509_certificate(path.read_bytes())
            for path in (self.issuing_path, self.root_path)
        ]
        return Issued(_key(self.folder / "issuing.key.pem"), certificates[0], (certificates[1],))


def create_demo_pki(folder: Path) -> DemoPki:
    """Make the sample PKI in ``folder``, or find it there from an earlier run.

    Safe to call from several processes at once: one makes it, the others wait and find it.
    Raises ``OSError`` when the folder holds something else or cannot be written.
    """
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder.parent):
        if not (folder / "root.pem").exists():
            partial = folder.with_name(f".{folder.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(mode=0o700)
            _fill(partial)
            sync_folder(partial)
            partial.rename(folder)
            sync_folder(folder.parent)
    return DemoPki(
        folder=folder,
        root_path=folder / "root.pem",
        issuing_path=folder / "issuing.pem",
        person=_identity(folder, "person"),
        seal=_identity(folder, "seal"),
        system=_identity(folder, "system"),
    )


def _fill(folder: Path) -> None:
    root = issue_authority(subject_of("CA gốc mẫu docaxis", "docaxis (mẫu)"))
    issuing = issue_authority(
        subject_of("CA phát hành mẫu docaxis", "docaxis (mẫu)"), root, path_length=0
    )
    signers = {
        "root": root,
        "issuing": issuing,
        "person": issue_signer(subject_of("Người ký mẫu 1", _ORGANISATION), issuing),
        "seal": issue_signer(
            subject_of(_ORGANISATION, _ORGANISATION, organisation_identifier="VATVN-0000000000"),
            issuing,
        ),
        "system": _system("Hệ thống QLVB mẫu 1", _ORGANISATION, issuing, new_elliptic_key()),
    }
    for name, issued in signers.items():
        write_private_file(folder / f"{name}.key.pem", issued.key_pem())
        _write(folder / f"{name}.pem", issued.certificate_pem())


def _system(common_name: str, organisation_name: str, issuing: Issued, key: SigningKey) -> Issued:
    return issue_signer(
        subject_of(common_name, organisation_name),
        issuing,
        key=key,
        purposes=(ExtendedKeyUsageOID.CLIENT_AUTH, DOCUMENT_SIGNING),
        content_commitment=False,
    )


def _identity(folder: Path, name: str) -> Identity:
    return Identity(folder / f"{name}.key.pem", folder / f"{name}.pem", (folder / "issuing.pem",))


def _key(path: Path) -> SigningKey:
    key = load_pem_private_key(read_private_file(path), password=None)
    if not isinstance(key, SigningKey):
        raise IdentityUnusable(f"{path}: neither an RSA nor an elliptic curve key")
    return key


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    # A lock on the folder itself: it ends with the process and leaves no file behind.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
