"""The columns of an import by their names, English or Vietnamese, and the values in them.

Names are compared without marks, capitals and underscores, so that NFC and NFD are the same.
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from docaxis_proto.registry_events_v1_pb2 import Alias

REQUIRED = ("code", "name", "level")
_NAMES = {
    "code": ("code", "organisation code", "mã", "mã định danh", "mã đơn vị", "mã cơ quan"),
    "name": ("name", "tên", "tên đơn vị", "tên cơ quan"),
    "level": ("level", "cấp", "cấp đơn vị"),
    "level_since": ("level since", "cấp từ ngày", "từ ngày"),
    "kind": ("kind", "loại", "loại đơn vị", "loại cơ quan", "loại hình"),
    "parent_code": (
        "parent code",
        "parent",
        "mã cấp trên",
        "mã đơn vị cấp trên",
        "mã cơ quan cấp trên",
        "cấp trên",
    ),
    "aliases": ("aliases", "mã cũ", "mã định danh cũ", "mã khác"),
}
_ALIAS = re.compile(r"(?P<code>[^\s|,;@]+)(?:@(?P<start>[\d/-]*)\.\.(?P<end>[\d/-]*))?")
_VIETNAMESE_DATE = re.compile(r"\d{1,2}/\d{1,2}/\d{4}")


def _bare(name: str) -> str:
    decomposed = unicodedata.normalize("NFD", name).replace("đ", "d").replace("Đ", "d")
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    return " ".join(letters.replace("_", " ").casefold().split())


_FIELDS = {_bare(name): field for field, names in _NAMES.items() for name in names}


def field_of(name: str) -> str | None:
    """The field that a column's name means; None for a name that means none."""
    return _FIELDS.get(_bare(name))


def date(text: str) -> str:
    """A full-date; `dd/MM/yyyy` is taken, too. What is neither comes back as it is."""
    if not _VIETNAMESE_DATE.fullmatch(text):
        return text
    try:
        return datetime.strptime(text, "%d/%m/%Y").date().isoformat()
    except ValueError:
        return text


def aliases(text: str) -> Sequence[Alias]:
    """Codes with a blank, `|` or comma in between; `H06@2019-03-12..2025-06-30` within dates.

    Raises `ValueError` where something else stands there.
    """
    if re.sub(r"[\s|,;]+", "", _ALIAS.sub("", text)):
        raise ValueError(text)
    return [
        Alias(
            code=each["code"],
            valid_from=date(each["start"] or ""),
            valid_until=date(each["end"] or ""),
        )
        for each in _ALIAS.finditer(text)
    ]
