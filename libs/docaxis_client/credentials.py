"""Who a connected system is, and what proves it: a small JSON file and the files that it names.

Of three kinds: a key that signs assertions for tokens (RFC 7523), a secret shared with the axis
that signs each request (RFC 9421), a client certificate that is shown in TLS.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from docaxis_client.errors import CredentialsUnusable

KEY = "key"
HMAC = "hmac"
CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A system's identity at the axis.

    `private_key_pem` is PKCS #8 PEM (P-256 for ES256, or Ed25519); it is empty beside `secret` or
    a certificate. Key and secret are kept out of `repr`. `key_id` is the credential's id at the
    axis. `organisations` are the codes that the system serves, the usual sender first.
    `authority_file` (PEM) is whom to trust instead of the platform's authorities.
    """

    system_id: str
    key_id: str
    private_key_pem: bytes
    organisations: tuple[str, ...] = ()
    base_url: str | None = None
    secret: bytes = b""
    certificate_file: Path | None = None
    """PEM, with the chain up to what the axis trusts."""
    certificate_key_file: Path | None = None
    authority_file: Path | None = None

    def __repr__(self) -> str:
        return f"Credentials(system_id={self.system_id!r}, key_id={self.key_id!r})"

    @property
    def kind(self) -> str:
        """`key`, `hmac` or `certificate`."""
        if self.certificate_file is not None:
            return CERTIFICATE
        return HMAC if self.secret else KEY

    @classmethod
    def load(cls, path: Path) -> "Credentials":
        """Read a credentials file and the files that it names, relative to itself.

        The file: `{"system_id", "organisations": [codes], "base_url"?, "authority_file"?}` and
        `"key_id", "private_key_file"` for a key, `"key_id", "secret_file"` for a shared secret,
        `"certificate_file", "private_key_file"` for a client certificate, whose id is its
        thumbprint. Raises `CredentialsUnusable`.
        """
        try:
            content = msgspec.json.decode(path.read_bytes(), type=_CredentialsFile)
        except OSError as error:
            raise CredentialsUnusable(f"{path}: {error.strerror}") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise CredentialsUnusable(f"{path}: {error}") from error
        return _found(content, path)


class _CredentialsFile(msgspec.Struct):
    system_id: str
    key_id: str = ""
    private_key_file: str = ""
    secret_file: str = ""
    certificate_file: str = ""
    organisations: tuple[str | Mapping[str, str], ...] = ()
    base_url: str | None = None
    authority_file: str | None = None


def _found(content: _CredentialsFile, path: Path) -> Credentials:
    folder = path.parent
    known = Credentials(
        content.system_id,
        content.key_id,
        b"",
        tuple(each if isinstance(each, str) else each["code"] for each in content.organisations),
        content.base_url,
        authority_file=folder / content.authority_file if content.authority_file else None,
    )
    if content.secret_file:
        if content.private_key_file or content.certificate_file:
            raise CredentialsUnusable(f"{path}: secret_file stands beside another proof")
        secret_path = folder / content.secret_file
        known = replace(known, secret=_private(secret_path).strip())
        if not known.secret:
            raise CredentialsUnusable(f"{secret_path}: the secret is empty")
    elif not content.private_key_file:
        raise CredentialsUnusable(f"{path}: neither private_key_file nor secret_file")
    elif content.certificate_file:
        key_path = folder / content.private_key_file
        certificate_path = folder / content.certificate_file
        _private_key(key_path)
        known = replace(
            known,
            key_id=thumbprint_of(certificate_path),
            certificate_file=certificate_path,
            certificate_key_file=key_path,
        )
    else:
        known = replace(known, private_key_pem=_private_key(folder / content.private_key_file))
    if not known.key_id:
        raise CredentialsUnusable(f"{path}: key_id is missing")
    return known


def thumbprint_of(path: Path) -> str:
    """A PEM certificate's SHA-256 thumbprint as the axis names it (`x5t#S256`, RFC 8705).

    Raises `CredentialsUnusable`.
    """
    import base64

    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise CredentialsUnusable(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise CredentialsUnusable(f"{path}: not a certificate in PEM form") from error
    return base64.urlsafe_b64encode(certificate.fingerprint(SHA256())).rstrip(b"=").decode()


def _private_key(path: Path) -> bytes:
    key = _private(path)
    if b"PRIVATE KEY-----" not in key:
        raise CredentialsUnusable(f"{path}: not a private key in PEM form")
    return key


def _private(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise CredentialsUnusable(
                f"{path}: others on this machine can read this secret; set its mode to 0600"
            )
        return path.read_bytes()
    except OSError as error:
        raise CredentialsUnusable(f"{path}: {error.strerror}") from error
