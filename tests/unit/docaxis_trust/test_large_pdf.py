"""A large signed PDF is checked without being read into memory."""

import os
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

from docaxis_trust.demo_pki import create_demo_pki
from docaxis_trust.pades import verify_pdf
from docaxis_trust.pdf_signing import sign_pdf

MIB = 2**20
SIZE = 24 * MIB


def write_pdf(path: Path) -> None:
    """One page, whose content is a stream that nothing can compress."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Contents 4 0 R>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (SIZE, os.urandom(SIZE)),
    ]
    places = []
    with path.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        for number, content in enumerate(objects, 1):
            places.append(file.tell())
            file.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        table = file.tell()
        file.write(b"xref\n0 5\n0000000000 65535 f \n")
        file.write(b"".join(b"%010d 00000 n \n" % place for place in places))
        file.write(b"trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % table)


def test_a_large_pdf_is_not_read_into_memory(tmp_path: Path) -> None:
    pki = create_demo_pki(tmp_path / "pki")
    plain, signed = tmp_path / "plain.pdf", tmp_path / "signed.pdf"
    write_pdf(plain)
    sign_pdf(plain, signed, pki.seal, field_name="Seal")
    tracemalloc.start()
    found = verify_pdf(signed, [tmp_path / "pki" / "root.pem"], datetime.now(UTC))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [each.code for each in found] == ["signature_valid"]
    assert most < SIZE / 2
