"""The first step of `docaxis ping`: which credential is used, and whether its files can be."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from docaxis_cli.messages import Words
from docaxis_cli.ping_steps import Failed
from docaxis_cli.session import vietnam_time

if TYPE_CHECKING:
    from docaxis_client.credentials import Credentials


def described(words: Words, credentials: "Credentials", address: str) -> str:
    """What the credential is. Raises `Failed` where it cannot be used as it lies here."""
    from docaxis_client.errors import CredentialsUnusable
    from docaxis_client.tls import client_context

    told = words(f"ping_kind_{credentials.kind}", id=credentials.key_id)
    try:
        client_context(credentials)
    except CredentialsUnusable as error:
        raise Failed(str(error), "ping_fix_own", "credentials_unusable") from None
    if credentials.certificate_file is None:
        return told
    if not address.startswith("https:"):
        raise Failed(f"{told}, {address}", "ping_fix_certificate_clear", "credentials_unusable")
    return f"{told}, {_certificate(words, credentials.certificate_file)}"


def _certificate(words: Words, path: Path) -> str:
    """Whose it is and until when. Raises `Failed` outside its dates, by this machine's clock."""
    from cryptography import x509

    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    told = words(
        "ping_certificate",
        subject=certificate.subject.rfc4514_string(),
        since=vietnam_time(begins),
        until=vietnam_time(ends),
    )
    if not begins <= datetime.now(UTC) <= ends:
        raise Failed(told, "ping_fix_certificate_dates", "client_certificate_expired")
    return told
