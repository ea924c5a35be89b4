"""Who a connected system is, and the key that proves it: one small JSON file and one PEM file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from docaxis_client.errors import CredentialsUnusable


@dataclass(frozen=True, slots=True)
class Credentials:
    """A system's identity at the axis.

    `private_key_pem` is PKCS #8 PEM (P-256 for ES256, or Ed25519); it is kept out of `repr`.
    `organisations` are the codes that the system serves, the usual sender first.
    """

    system_id: str
    key_id: str
    private_key_pem: bytes
    organisations: tuple[str, ...] = ()
    base_url: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(system_id={self.system_id!r}, key_id={self.key_id!r})"

    @classmethod
    def load(cls, path: Path) -> "Credentials":
        """Read a credentials file and the key file that it names, relative to itself.

        The file: `{"system_id", "key_id", "private_key_file", "organisations": [codes],
        "base_url"?}`. Raises `CredentialsUnusable`.
        """
        try:
            content = msgspec.json.decode(path.read_bytes(), type=_CredentialsFile)
        except OSError as error:
            raise CredentialsUnusable(f"{path}: {error.strerror}") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise CredentialsUnusable(f"{path}: {error}") from error
        key_path = path.parent / content.private_key_file
        try:
            if key_path.stat().st_mode & 0o077:
                raise CredentialsUnusable(
                    f"{key_path}: others on this machine can read this private key; "
                    f"set its mode to 0600"
                )
            key = key_path.read_bytes()
        except OSError as error:
            raise CredentialsUnusable(f"{key_path}: {error.strerror}") from error
        if b"PRIVATE KEY-----" not in key:
            raise CredentialsUnusable(f"{key_path}: not a private key in PEM form")
        return cls(
            system_id=content.system_id,
            key_id=content.key_id,
            private_key_pem=key,
            organisations=tuple(
                each if isinstance(each, str) else each["code"] for each in content.organisations
            ),
            base_url=content.base_url,
        )


class _CredentialsFile(msgspec.Struct):
    system_id: str
    key_id: str
    private_key_file: str
    organisations: tuple[str | Mapping[str, str], ...] = ()
    base_url: str | None = None
