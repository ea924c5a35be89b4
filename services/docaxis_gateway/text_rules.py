"""Rules for text in requests, as annotations of pydantic models.

Texts are kept as sent; lengths are counted in NFC, so that the same words pass in either form of
Vietnamese. A single line holds no control characters, and none that turn the direction of writing:
they let a name look like another (`…fdp.exe`).
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from docaxis_eventsourcing.identifiers import IDENTIFIER

_NOT_IN_LINES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NOT_IN_TEXTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CODE = re.compile(r"[A-Z0-9]+(\.[A-Z0-9]+)*")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FULL_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*")

_LONGEST_CODE = 35


def invalid(expected: str) -> PydanticCustomError:
    """The error of a value that is not what was expected."""
    return PydanticCustomError("field_invalid", "expected {expected}", {"expected": expected})


@dataclass(frozen=True, slots=True)
class Line:
    """A single line of at most `limit` characters; `blank` allows an empty one."""

    limit: int
    blank: bool = False

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check after the type."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Say the length."""
        return {
            **handler(schema),
            "maxLength": self.limit,
            **({} if self.blank else {"minLength": 1}),
        }

    def _check(self, text: str) -> str:
        _require_length(text, self.limit, self.blank)
        if _NOT_IN_LINES.search(text):
            raise invalid("one line without control characters")
        return text


@dataclass(frozen=True, slots=True)
class FreeText(Line):
    """Text of several lines: tabs and line ends are allowed too."""

    def _check(self, text: str) -> str:
        _require_length(text, self.limit, self.blank)
        if _NOT_IN_TEXTS.search(text):
            raise invalid("text without control characters")
        return text


def _require_length(text: str, limit: int, blank: bool) -> None:
    if not blank and not text.strip():
        raise PydanticCustomError("field_required", "required")
    if len(text) > limit and len(unicodedata.normalize("NFC", text)) > limit:
        raise PydanticCustomError("field_too_long", "too long", {"limit": limit})


def _matching(pattern: re.Pattern[str], expected: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise invalid(expected)
        return text

    return AfterValidator(check)


def _check_code(text: str) -> str:
    if len(text) > _LONGEST_CODE or not _CODE.fullmatch(text):
        raise invalid("groups of A-Z and 0-9 joined by dots, at most 35 characters")
    return text


def _check_file_name(text: str) -> str:
    if "/" in text or "\\" in text or text in (".", ".."):
        raise invalid("a file name without path")
    return text


def _check_full_date(text: str) -> str:
    try:
        if _FULL_DATE.fullmatch(text):
            date.fromisoformat(text)
            return text
    except ValueError:
        pass
    raise invalid("a date such as 2026-11-22")


def _check_date_time(text: str) -> str:
    try:
        if _DATE_TIME.fullmatch(text):
            datetime.fromisoformat(text.upper())
            return text
    except ValueError:
        pass
    raise invalid("a time such as 2026-11-22T09:00:00Z")


OrganisationCode = Annotated[
    str,
    AfterValidator(_check_code),
    WithJsonSchema({"type": "string", "pattern": f"^{_CODE.pattern}$", "maxLength": _LONGEST_CODE}),
]
Identifier = Annotated[
    str,
    _matching(IDENTIFIER, "a UUID in lower case"),
    WithJsonSchema({"type": "string", "format": "uuid"}),
]
Sha256 = Annotated[
    str,
    _matching(_DIGEST, "64 hexadecimal digits in lower case"),
    WithJsonSchema({"type": "string", "pattern": f"^{_DIGEST.pattern}$"}),
]
FullDate = Annotated[
    str, AfterValidator(_check_full_date), WithJsonSchema({"type": "string", "format": "date"})
]
DateTime = Annotated[
    str, AfterValidator(_check_date_time), WithJsonSchema({"type": "string", "format": "date-time"})
]
FileName = Annotated[str, Line(255), AfterValidator(_check_file_name)]
MediaType = Annotated[
    str, Line(127), _matching(_MEDIA_TYPE, "a media type such as application/pdf")
]


def is_digest(text: str) -> bool:
    """Whether a path segment can be a file's digest."""
    return _DIGEST.fullmatch(text) is not None
