"""Put a signature into a PDF: PAdES baseline (ETSI EN 319 142-1, level B-B), by way of pyHanko.

Each signature is an incremental update (ISO 32000-1, 12.8): the person signs first, the agency's
seal comes on top, and the bytes that the person signed stay as they are.
"""

import os
from pathlib import Path

from asn1crypto.keys import PrivateKeyInfo
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, SimpleSigner
from pyhanko.sign.signers.functions import sign_pdf as add_signature
from pyhanko_certvalidator.registry import SimpleCertificateStore

from docaxis_trust.identity import Identity, LoadedIdentity, load_identity


class PdfNotSignable(ValueError):
    """The file is not a PDF that a signature can be added to, or the field is taken."""


def sign_pdf(
    source: Path,
    target: Path,
    identity: Identity,
    *,
    field_name: str,
    reason: str = "",
    location: str = "",
) -> None:
    """Add one signature to a PDF, without visible appearance; the time claimed is now.

    ``field_name`` names the signature's form field, which must be new or empty, so each signature
    of a file has its own. ``target`` may be ``source``; it appears whole or not at all. Blocks,
    and must not be called on the thread of a running event loop.

    Raises ``PdfNotSignable``, ``OSError``, and what ``load_identity`` raises.
    """
    signer = _signer(load_identity(identity))
    metadata = PdfSignatureMetadata(
        field_name=field_name,
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        reason=reason or None,
        location=location or None,
    )
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with source.open("rb") as unsigned, partial.open("w+b") as signed:
            add_signature(IncrementalPdfFileWriter(unsigned), metadata, signer, output=signed)
            signed.flush()
            os.fsync(signed.fileno())
        partial.replace(target)
    except (PdfError, ValueError) as error:
        raise PdfNotSignable(f"{source}: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _signer(signer: LoadedIdentity) -> SimpleSigner:
    key = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    chain = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    chain.register_multiple(signer.chain)
    return SimpleSigner(
        signing_cert=signer.certificate,
        signing_key=PrivateKeyInfo.load(key),
        cert_registry=chain,
    )
