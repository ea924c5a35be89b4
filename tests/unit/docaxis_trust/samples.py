"""Authorities, signers and files that the tests of docaxis_trust share; every key is drawn anew."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import fontpkg
import fpdf
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from docaxis_trust.demo_certificates import (
    Issued,
    issue_authority,
    issue_signer,
    new_elliptic_key,
    subject_of,
)
from docaxis_trust.demo_pki import DemoPki
from docaxis_trust.identity import Identity
from docaxis_trust.private_files import write_private_file
from docaxis_trust.verification import VerificationRequest

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=365)
AT_MS = int((NOW + timedelta(minutes=5)).timestamp() * 1000)
AGENCY = "Ủy ban nhân dân tỉnh Mẫu"


class Authority:
    """A root and an issuing authority of elliptic curves, quick to make, with files in a folder."""

    def __init__(self, folder: Path, name: str = "CA thử") -> None:
        self.folder = folder
        self.root = issue_authority(
            subject_of(f"{name} gốc", "docaxis (mẫu)"), key=new_elliptic_key(), not_before=LONG_AGO
        )
        self.issuing = issue_authority(
            subject_of(f"{name} phát hành", "docaxis (mẫu)"),
            self.root,
            path_length=0,
            key=new_elliptic_key(),
            not_before=LONG_AGO,
        )

    @cached_property
    def root_path(self) -> Path:
        path = self.folder / "root.pem"
        path.write_bytes(self.root.certificate_pem())
        return path

    def issue(self, common_name: str = "Người ký thử", **options: Any) -> Issued:
        options.setdefault("key", new_elliptic_key())
        issuer = options.pop("issuer", self.issuing)
        subject = options.pop("subject", None) or subject_of(common_name, AGENCY)
        return issue_signer(subject, issuer, **options)

    def identity(self, name: str, **options: Any) -> Identity:
        """Issue a signer and write its files."""
        return self.write(name, self.issue(**options))

    def write(self, name: str, issued: Issued) -> Identity:
        key, certificate = self.folder / f"{name}.key.pem", self.folder / f"{name}.pem"
        write_private_file(key, issued.key_pem())
        certificate.write_bytes(issued.certificate_pem())
        chain = []
        for number, each in enumerate(issued.chain):
            path = self.folder / f"{name}.chain{number}.pem"
            path.write_bytes(each.public_bytes(Encoding.PEM))
            chain.append(path)
        return Identity(key, certificate, tuple(chain))

    def revocation_list(
        self,
        name: str,
        revoked: Mapping[int, datetime],
        *,
        issuer: Issued | None = None,
        made: datetime = NOW,
        reason: x509.ReasonFlags | None = None,
        encoding: Encoding = Encoding.PEM,
    ) -> Path:
        """Write a list of revoked serial numbers with their dates, good for a day."""
        issuer = issuer or self.issuing
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.certificate.subject)
            .last_update(made)
            .next_update(made + timedelta(days=1))
        )
        for serial, when in revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
            if reason is not None:
                entry = entry.add_extension(x509.CRLReason(reason), False)
            builder = builder.add_revoked_certificate(entry.build())
        path = self.folder / name
        path.write_bytes(builder.sign(issuer.key, hashes.SHA256()).public_bytes(encoding))
        return path


def request_for(
    pki: DemoPki, path: Path, signature: Path | None = None, at_ms: int = AT_MS
) -> VerificationRequest:
    return VerificationRequest(
        file_path=path,
        media_type="application/pdf",
        signature_path=signature,
        anchor_paths=(pki.root_path,),
        validated_at_ms=at_ms,
    )


def write_pdf(path: Path) -> Path:
    """Write an official letter of one page, in Vietnamese."""
    pdf = fpdf.FPDF()
    pdf.add_page()
    pdf.add_font("Noto Sans", "", str(fontpkg.path("Noto Sans")))
    pdf.set_font("Noto Sans", size=13)
    pdf.multi_cell(
        0,
        9,
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc\n\n"
        "Số: 128/VPCP-KSTT\nV/v kết nối, liên thông phần mềm quản lý văn bản (mẫu)\n\n"
        "Kính gửi: Ủy ban nhân dân các tỉnh, thành phố trực thuộc Trung ương.",
    )
    pdf.output(str(path))
    return path


def amend(source: Path, target: Path, change: Callable[[Any], None]) -> Path:
    """Append an incremental update; ``change`` gets the writer."""
    with source.open("rb") as file:
        writer: Any = IncrementalPdfFileWriter(file)
        change(writer)
        with target.open("wb") as output:
            writer.write(output)
    return target


def draw_over_page(writer: Any) -> None:
    """Add to what the first page shows."""
    page = writer.root["/Pages"]["/Kids"][0]
    added = writer.add_object(generic.StreamObject(stream_data=b"q 1 0 0 RG 50 50 300 300 re S Q"))
    contents = page.raw_get("/Contents")
    page["/Contents"] = generic.ArrayObject([contents, added])
    writer.update_container(page)
