"""What an import file may look like, and what is told of each bad row."""

import json
import unicodedata
from pathlib import Path
from typing import Literal

import pytest

from docaxis_proto.registry_events_v1_pb2 import Alias
from docaxis_registry.imports.plan import MOST_BYTES, MOST_ROWS, plan
from docaxis_registry.imports.rows import ImportRow, ImportUnreadable, RowFault, read_rows

HEADER = "code,name,level,parent_code,aliases,level_since,kind\n"


def rows_of(folder: Path, content: str | bytes) -> list[ImportRow | RowFault]:
    path = folder / "tệp.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_rows(path))


def good(row: ImportRow | RowFault) -> ImportRow:
    assert isinstance(row, ImportRow), row
    return row


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_vietnamese_headers_in_any_form_separator_and_encoding(
    tmp_path: Path, separator: str, form: Literal["NFC", "NFD"], encoding: str
) -> None:
    lines = (
        ("Mã định danh", "Tên đơn vị", "Cấp", "Mã cấp trên", "Mã cũ", "Cấp từ ngày"),
        ("H29.1", "Sở Nội vụ", "2", "H29", "H06.1@2019-03-12..30/06/2025 H07.1", "01/07/2025"),
    )
    text = "\r\n".join(separator.join(each) for each in lines) + "\r\n"
    (row,) = rows_of(tmp_path, unicodedata.normalize(form, text).encode(encoding))
    entry = good(row).entry
    assert (row.line, entry.code, entry.name, entry.level) == (2, "H29.1", "Sở Nội vụ", 2)
    assert (entry.parent_code, entry.level_since) == ("H29", "2025-07-01")
    assert list(entry.aliases) == [
        Alias(code="H06.1", valid_from="2019-03-12", valid_until="2025-06-30"),
        Alias(code="H07.1"),
    ]


def test_a_row_has_the_line_on_which_it_begins(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, HEADER + 'A,"Tên\nhai dòng",1\n\nB,Tên,1\n')
    assert rows[0] == RowFault(2, "A", "field_invalid", "/name")
    assert good(rows[1]).line == 5


@pytest.mark.parametrize(
    ("row", "code", "pointer"),
    [
        (",Tên,1", "field_required", "/code"),
        ("A,,1", "field_required", "/name"),
        ("A,Tên,", "field_required", "/level"),
        ("A,Tên", "field_required", "/level"),
        ("A,Tên,hai", "field_invalid", "/level"),
        ("A,Tên,²", "field_invalid", "/level"),
        ("A,Tên,99999999999", "field_invalid", "/level"),
        ("A,T\x00ên,1", "field_invalid", "/name"),
        ("A,Tên,1,,B@2019", "field_invalid", "/aliases"),
        ("A,Tên,1,,,,,x", "unknown_field", "/"),
    ],
)
def test_a_bad_row_is_told_and_keeps_no_other_back(
    tmp_path: Path, row: str, code: str, pointer: str
) -> None:
    bad, fine = rows_of(tmp_path, f"{HEADER}{row}\nZ,Tên,1\n")
    assert isinstance(bad, RowFault)
    assert (bad.line, bad.code, bad.pointer) == (2, code, pointer)
    assert good(fine).entry.code == "Z"


@pytest.mark.parametrize(
    ("content", "line", "code"),
    [
        ("", 1, "field_required"),
        ("code,name\nA,Tên\n", 1, "field_required"),
        ("code,name,level,phone\nA,Tên,1,9\n", 1, "unknown_field"),
        ("code,mã,name,level\nA,A,Tên,1\n", 1, "field_invalid"),
        (HEADER + 'A,"Tên,1\n', 2, "field_invalid"),
        (b"code,name,level\nA,\xff\xfe,1\n", 2, "field_invalid"),
        ('[{"code": "A",\n "name": }]', 1, "malformed_json"),
        ("[1]", 1, "malformed_json"),
        ("[" * 100_000 + "{", 1, "malformed_json"),
        ('[{"a":' * 20_000, 1, "malformed_json"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(
    tmp_path: Path, content: str | bytes, line: int, code: str
) -> None:
    with pytest.raises(ImportUnreadable) as caught:
        rows_of(tmp_path, content)
    assert (caught.value.line, caught.value.code) == (line, code)


def test_json_is_an_array_or_an_object_a_line(tmp_path: Path) -> None:
    told = [
        {"code": "A", "name": "Tên", "level": 1},
        {"code": "A.1", "name": "Tên", "level": 2, "aliases": ["B", {"code": "C"}]},
    ]
    for content in (
        json.dumps(told, indent=1),
        "\n".join(json.dumps(each, ensure_ascii=False) for each in told),
    ):
        first, second = (good(each) for each in rows_of(tmp_path, content))
        assert first.entry.name == "Tên"
        assert [each.code for each in second.entry.aliases] == ["B", "C"]
        assert second.line > first.line


@pytest.mark.parametrize(
    ("told", "code", "pointer"),
    [
        ({"level": "1"}, "field_invalid", "/level"),
        ({"level": True}, "field_invalid", "/level"),
        ({"name": 5}, "field_invalid", "/name"),
        ({"phone": "1"}, "unknown_field", "/phone"),
        ({"aliases": [5]}, "field_invalid", "/aliases"),
        ({"aliases": [{"code": "B", "from": "x"}]}, "field_invalid", "/aliases"),
        ({"aliases": [{"code": "B", "valid_from": 5}]}, "field_invalid", "/aliases"),
        ({"name": "\ud800"}, "field_invalid", "/name"),
    ],
)
def test_json_values_have_their_types(
    tmp_path: Path, told: dict[str, object], code: str, pointer: str
) -> None:
    content = json.dumps({"code": "A", "name": "Tên", "level": 1, **told})
    (row,) = rows_of(tmp_path, content)
    assert row == RowFault(1, "A", code, pointer)


def test_parents_come_before_their_children_whatever_the_order(tmp_path: Path) -> None:
    rows = rows_of(
        tmp_path,
        HEADER + "A.1.1,Tên,3,A.1\nA.1,Tên,2,OLD\nA,Tên,1,,OLD\nB.1,Tên,2,B\nA,Tên,1\n",
    )
    planned = plan(rows)
    assert [[row.entry.code for slice in wave for row in slice] for wave in planned.waves] == [
        ["A", "B.1"],
        ["A.1"],
        ["A.1.1"],
    ]
    assert planned.faults == (RowFault(6, "A", "row_duplicate", "/code"),)
    assert planned.rows == 5


def test_a_circle_of_parents_is_sent_and_left_to_the_registry(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, HEADER + "A,Tên,1,B\nB,Tên,1,A\nC,Tên,1,C\nD,Tên,2,A\n")
    planned = plan(rows)
    sent = [row.entry.code for wave in planned.waves for slice in wave for row in slice]
    assert sorted(sent) == ["A", "B", "C", "D"]


def test_L9_slices_are_bounded_in_rows_and_bytes(tmp_path: Path) -> None:
    content = HEADER + "".join(f"A{number},Tên,1\n" for number in range(1201))
    (wave,) = plan(rows_of(tmp_path, content)).waves
    assert [len(each) for each in wave] == [MOST_ROWS, MOST_ROWS, 201]
    content = HEADER + "".join(f"A{number},{'ệ' * 200},1\n" for number in range(500))
    (wave,) = plan(rows_of(tmp_path, content)).waves
    assert len(wave) > 1
    assert all(sum(row.entry.ByteSize() + 4 for row in each) <= MOST_BYTES for each in wave)


def test_a_deep_chain_of_parents_is_no_recursion(tmp_path: Path) -> None:
    lines = [f"A{number},Tên,1,A{number + 1}\n" for number in range(5000)]
    assert len(plan(rows_of(tmp_path, HEADER + "".join(lines))).waves) == 5000
