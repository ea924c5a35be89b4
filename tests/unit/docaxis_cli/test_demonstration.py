import json
from collections.abc import AsyncIterator
from datetime import date
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]
from pyhanko.pdf_utils.reader import PdfFileReader
from rich.console import Console

from docaxis_cli.demonstration.letter import SAMPLE_MARK, sample_letter, write_letter
from docaxis_cli.demonstration.report import next_steps, report_view
from docaxis_cli.demonstration.scenario import Play, play
from docaxis_cli.messages import Words
from docaxis_client import Credentials
from docaxis_trust.demo_pki import DemoPki, create_demo_pki
from docaxis_trust.pades import sign_pdf
from tests.unit.docaxis_cli.conftest import Command
from tests.unit.docaxis_client.sample_axis import SampleAxis
from tests.unit.docaxis_client.sample_axis_routes import running

LETTER = sample_letter("1234", date(2026, 11, 22), ("Thành phố Hà Nội", "Tỉnh Hà Tĩnh"))


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DemoPki:
    return create_demo_pki(tmp_path_factory.mktemp("pki") / "demo-pki")


@pytest.fixture
async def axis(tmp_path: Path) -> AsyncIterator[SampleAxis]:
    async with running(tmp_path) as axis:
        yield axis


def test_the_letter_is_one_page_with_every_vietnamese_letter(tmp_path: Path) -> None:
    write_letter(LETTER, tmp_path / "letter.pdf")
    with (tmp_path / "letter.pdf").open("rb") as file:
        reader = PdfFileReader(file)
        pages = reader.root["/Pages"]
        assert pages["/Count"] == 1
        page = pages["/Kids"][0].get_object()
        assert SAMPLE_MARK in str(reader.trailer["/Info"]["/Title"])
        assert str(reader.root["/Lang"]) == "vi-VN"
        letters: set[int] = set()
        for reference in page["/Resources"]["/Font"].values():
            font = reference.get_object()
            descendant = font["/DescendantFonts"][0].get_object()
            embedded = descendant["/FontDescriptor"]["/FontFile2"].data
            assert TTFont(BytesIO(embedded))["maxp"].numGlyphs > 10
            unicode_map = font["/ToUnicode"].data.decode("latin-1")
            letters |= {ord(each) for each in _mapped(unicode_map)}
    wanted = {ord(each) for paragraph in LETTER.paragraphs for each in paragraph}
    assert wanted <= letters


def _mapped(unicode_map: str) -> str:
    """Characters on the right side of the map's `<glyph> <unicode>` pairs."""
    words = unicode_map.replace("<", " ").replace(">", " ").split()
    hexadecimal = [each for each in words if len(each) == 4]
    return "".join(
        chr(int(each, 16))
        for each in hexadecimal
        if all(c in "0123456789ABCDEFabcdef" for c in each)
    )


def test_the_letter_can_be_signed_and_sealed(tmp_path: Path, pki: DemoPki) -> None:
    path = tmp_path / "letter.pdf"
    write_letter(LETTER, path)
    sign_pdf(path, path, pki.person, field_name="Signer")
    sign_pdf(path, path, pki.seal, field_name="Seal")
    with path.open("rb") as file:
        assert len(PdfFileReader(file).embedded_signatures) == 2


async def test_the_play_passes_on_an_axis_that_keeps_the_contract(
    axis: SampleAxis, pki: DemoPki, tmp_path: Path
) -> None:
    report = await play(_context(axis, pki, tmp_path))
    assert [check for check in report.checks if not check.ok] == []
    assert len(report.checks) >= 16
    assert report.passed
    content = json.loads(msgspec.json.encode(report))
    assert len(content["timeline"]) == 2
    shown = _shown(report_view(Words("vi"), report))
    assert "06 hoàn thành" in shown
    assert f"Cả {len(report.checks)} kiểm tra đều đạt." in shown


async def test_the_play_again_is_another_letter(
    axis: SampleAxis, pki: DemoPki, tmp_path: Path
) -> None:
    context = _context(axis, pki, tmp_path)
    assert (await play(context)).passed
    assert (await play(context)).passed
    assert len(axis.documents) == 2


async def test_a_swapped_file_fails_the_play(
    axis: SampleAxis, pki: DemoPki, tmp_path: Path
) -> None:
    axis.fail("GET", "/documents/", "swapped")
    report = await play(_context(axis, pki, tmp_path))
    assert not report.passed
    assert report.checks[-1].name.endswith("file downloaded and verified")
    assert "DigestMismatch" in report.checks[-1].detail
    assert "failed" in _shown(report_view(Words("en"), report))


def test_the_demo_plays_on_an_axis_elsewhere(docaxis: Command, pki: DemoPki) -> None:
    (docaxis.data / "demo-pki").symlink_to(pki.folder)
    clients = str(docaxis.data / "clients")
    at = ("--url", docaxis.axis.url, "--credentials-folder", clients)
    result = docaxis("demo", *at, "--json")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert all(check["ok"] for check in json.loads(result.stdout)["checks"])
    docaxis.axis.fail("GET", "/documents/", "swapped")
    assert docaxis("demo", *at).exit_code == 1


def test_next_steps_are_command_lines() -> None:
    shown = _shown(
        next_steps(Words("en"), "http://127.0.0.1:8080", "127.0.0.1:8081", "/data", running=True)
    )
    assert "docaxis send my.pdf --as office --to H26" in shown
    assert "export DOCAXIS_DATA=/data" in shown
    assert "docaxis demo" in _shown(next_steps(Words("vi"), "", "", "", running=False))


def _context(axis: SampleAxis, pki: DemoPki, folder: Path) -> Play:
    office, hanoi, hatinh = (axis.new_system(code) for code in ("G22", "H26", "H29"))
    assert isinstance(office, Credentials)
    return Play(axis.url, office, hanoi, hatinh, pki, folder)


def _shown(renderable: object) -> str:
    console = Console(width=200, markup=False, highlight=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()
