"""Certificates read from DER, and kept: the same few come with nearly every signature."""

from functools import lru_cache

from asn1crypto import x509

_MOST_KEPT_BYTES = 8 * 1024


def read_certificate(der: bytes) -> x509.Certificate:
    """Read a certificate; raises ``ValueError`` and its like for bytes that are none.

    The object may be shared with other callers and threads: it is for reading only.
    """
    # Foreign certificates may be huge; those of real authorities stay below 3 KB.
    return _kept(der) if len(der) <= _MOST_KEPT_BYTES else _read(der)


@lru_cache(maxsize=256)
def _kept(der: bytes) -> x509.Certificate:
    return _read(der)


def _read(der: bytes) -> x509.Certificate:
    certificate = x509.Certificate.load(der, strict=True)
    # asn1crypto parses when asked, and not in a way that two threads could do at once; after this
    # there is nothing left to parse.
    _ = certificate.native
    _ = certificate.key_usage_value, certificate.sha256, certificate.self_signed
    return certificate
