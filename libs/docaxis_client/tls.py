"""TLS as the credentials want it: whom to trust, and the certificate to show."""

import ssl

from docaxis_client.credentials import Credentials
from docaxis_client.errors import CredentialsUnusable


def client_context(credentials: Credentials) -> ssl.SSLContext | None:
    """A context with the credentials' authority and certificate; None: the platform's own.

    Raises `CredentialsUnusable` for files that cannot be used, or do not belong together.
    """
    authority, certificate = credentials.authority_file, credentials.certificate_file
    if authority is None and certificate is None:
        return None
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise CredentialsUnusable(f"{authority}: {_words(error)}") from error
    if certificate is not None:
        try:
            # A key that asks for a password would stop a service at its terminal.
            context.load_cert_chain(certificate, credentials.certificate_key_file, password="")
        except ssl.SSLError as error:
            raise CredentialsUnusable(
                f"{certificate}, {credentials.certificate_key_file}: {_words(error)}"
            ) from error
        except OSError as error:
            raise CredentialsUnusable(f"{certificate}: {_words(error)}") from error
    return context


def _words(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
