"""Fixtures of docaxis_trust: one sample PKI, one stranger's, and the files that they signed."""

from pathlib import Path

import pytest

from docaxis_trust.demo_pki import DemoPki, create_demo_pki
from docaxis_trust.pades import sign_pdf
from tests.unit.docaxis_trust.samples import Authority, write_pdf


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return create_demo_pki(tmp_path_factory.mktemp("pki") / "demo")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture(scope="session")
def unsigned_pdf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pdf(tmp_path_factory.mktemp("pdf") / "unsigned.pdf")


@pytest.fixture(scope="session")
def signed_pdf(pki: DemoPki, unsigned_pdf: Path) -> Path:
    """A letter with the person's signature."""
    target = unsigned_pdf.with_name("signed.pdf")
    sign_pdf(unsigned_pdf, target, pki.person, field_name="NguoiKy", reason="Ký ban hành")
    return target


@pytest.fixture(scope="session")
def sealed_pdf(pki: DemoPki, signed_pdf: Path) -> Path:
    """The same with the agency's seal on top."""
    target = signed_pdf.with_name("sealed.pdf")
    sign_pdf(signed_pdf, target, pki.seal, field_name="CoQuan", reason="Phát hành văn bản")
    return target


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    """A file that is no PDF, for detached signatures."""
    path = tmp_path / "letter.edxml"
    path.write_bytes("<edXML>Kính gửi các đơn vị</edXML>".encode() * 2000)
    return path
