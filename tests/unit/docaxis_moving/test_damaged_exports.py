"""Nothing is written to a new home from an export that is not what was exported."""

import io
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from docaxis_adapters.sqlite_log import SqliteEventLog
from docaxis_moving import ExportDamaged, MoveRefused
from docaxis_moving.layout import (
    Manifest,
    Segment,
    encode_manifest,
    read_manifest,
)
from docaxis_moving.log_segments import read_segment
from tests.unit.docaxis_moving.old_house import PARTITIONS, export_of, import_of


@pytest.fixture
async def export(tmp_path: Path) -> Path:
    await export_of(tmp_path / "old", tmp_path / "export")
    return tmp_path / "export"


async def nothing_was_written(house: Path) -> None:
    log = await SqliteEventLog.open(house / "log", PARTITIONS)
    await log.declare(("docaxis.bank.events",))
    assert (await log.end("docaxis.bank.events", 0)).place == 0
    await log.close()


@pytest.mark.parametrize("which", ["log", "files"])
@pytest.mark.parametrize("how", ["a bit", "cut", "longer", "gone", "other"])
async def test_a_damaged_segment_is_found_before_anything_is_written(
    export: Path, tmp_path: Path, which: str, how: str
) -> None:
    first, *others = sorted(each for each in (export / which).rglob("*") if each.is_file())
    content = bytearray(first.read_bytes())
    match how:
        case "a bit":
            content[len(content) // 2] ^= 1
        case "cut":
            del content[-1]
        case "longer":
            content += b"\0"
        case "other":
            content[:] = others[0].read_bytes() if others else b"\0" * 10_240
    first.write_bytes(content)
    if how == "gone":
        first.unlink()
    with pytest.raises(ExportDamaged, match=first.name):
        await import_of(export, tmp_path / "new")
    await nothing_was_written(tmp_path / "new")


def changed(export: Path, change: Callable[[Manifest], Manifest]) -> None:
    manifest, _ = read_manifest(export)
    (export / "manifest.json").write_bytes(encode_manifest(change(manifest)))


async def test_a_path_that_leads_out_is_refused(export: Path, tmp_path: Path) -> None:
    (tmp_path / "passwd").write_bytes(b"root")
    away = Segment("../passwd", 1, 4, sha256(b"root").hexdigest())
    changed(export, lambda it: msgspec.structs.replace(it, files=(away,)))
    with pytest.raises(ExportDamaged, match="outside"):
        await import_of(export, tmp_path / "new")


async def test_an_archive_that_leads_out_is_refused_by_the_store(
    export: Path, tmp_path: Path
) -> None:
    for name in ("../../evil/" + "0" * 64, "document-1/../../evil", "alone", "document-1/short"):
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as archive:
            member = tarfile.TarInfo(name)
            member.size = 4
            archive.addfile(member, io.BytesIO(b"evil"))
        (export / "evil.tar").write_bytes(content.getvalue())
        segment = Segment("evil.tar", 1, 4, sha256(content.getvalue()).hexdigest())
        manifest, _ = read_manifest(export)
        with_it = encode_manifest(msgspec.structs.replace(manifest, files=(segment,)))
        (export / "manifest.json").write_bytes(with_it)
        with pytest.raises(ExportDamaged):
            await import_of(export, tmp_path / name.replace("/", "-").replace(".", ""))
    assert "evil" not in names_below(tmp_path)


async def test_a_link_in_an_archive_is_no_file(export: Path, tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        member = tarfile.TarInfo("document-1/" + "0" * 64)
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    (export / "link.tar").write_bytes(content.getvalue())
    segment = Segment("link.tar", 1, 4, sha256(content.getvalue()).hexdigest())
    changed(export, lambda it: msgspec.structs.replace(it, files=(segment,)))
    with pytest.raises(ExportDamaged, match="no file of ours"):
        await import_of(export, tmp_path / "new")


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"no gzip at all", b"\0" * 100])
def test_a_segment_that_is_no_records_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.gz").write_bytes(content)
    segment = Segment("s.gz", 1, len(content), sha256(content).hexdigest())
    with pytest.raises(ExportDamaged, match=r"s\.gz"):
        list(read_segment(tmp_path, segment))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": "one"}'])
def test_a_manifest_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ExportDamaged, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_an_export_of_a_later_release_says_so(export: Path) -> None:
    content = (export / "manifest.json").read_bytes()
    (export / "manifest.json").write_bytes(content.replace(b'"format": 1', b'"format": 2', 1))
    with pytest.raises(MoveRefused, match="this release reads 1") as refused:
        read_manifest(export)
    assert refused.value.code == "other_release"


async def test_an_export_that_was_not_finished_is_none(export: Path, tmp_path: Path) -> None:
    (export / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError):
        await import_of(export, tmp_path / "new")


def test_an_export_is_its_owners_alone(export: Path) -> None:
    for each in (export, *export.rglob("*")):
        assert each.stat().st_mode & 0o077 == 0, each


def names_below(folder: Path) -> set[str]:
    return {each.name for each in folder.rglob("*")}
