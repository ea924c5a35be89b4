"""The one table of error codes: statuses on every wire, and words in two languages.

A code is for ever; its words may change. `DocaxisError.code` is always a row here, so that gRPC,
REST, the SDK dialects and the reference page (`render_markdown`) cannot drift apart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from docaxis_runtime.error_rows import OPERATION, REQUESTS, RowGroup
from docaxis_runtime.error_rows_access import ACCESS, REGISTRY
from docaxis_runtime.error_rows_documents import DOCUMENTS, FILES
from docaxis_runtime.error_rows_uploads import UPLOADS

LANGUAGES = ("vi", "en")
"""Languages of the words; the first is used where a caller asks for neither."""


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One code. `grpc` is the name of a gRPC status; words hold `{params}`."""

    code: str
    grpc: str
    http: int
    retryable: bool
    sdk: str
    vi: str
    en: str

    def message(self, params: Mapping[str, str], language: str = "vi") -> str:
        """The words in a language, filled in; a parameter that is not given shows as `…`."""
        return (self.en if language == "en" else self.vi).format_map(_Params(params))


# Domains name a parameter after their own field; the words have one name for each thing.
_OTHER_NAMES = {"organisation": "code", "business_type": "type", "status": "code"}


class _Params(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return self.get(_OTHER_NAMES.get(key, ""), "…")


def _rows(groups: Iterable[RowGroup]) -> dict[str, ErrorRow]:
    rows: dict[str, ErrorRow] = {}
    for group in groups:
        for code, sdk, vi, en in group.rows:
            if code in rows:
                raise ValueError(f"error code {code} is in the table twice")
            rows[code] = ErrorRow(code, group.grpc, group.http, group.retryable, sdk, vi, en)
    return rows


_SECTIONS = MappingProxyType(
    {
        "Requests": REQUESTS,
        "Access": ACCESS,
        "Registry": REGISTRY,
        "Documents, deliveries, statuses": DOCUMENTS,
        "Files and signatures": FILES,
        "Uploads in pieces": UPLOADS,
        "Operation": OPERATION,
    }
)

ERRORS: Mapping[str, ErrorRow] = MappingProxyType(
    _rows(group for section in _SECTIONS.values() for group in section)
)
"""Every row by its code."""


def row_of(code: str) -> ErrorRow:
    """The row of a code; a code that is not in the table is shown to the world as `internal`."""
    return ERRORS.get(code) or ERRORS["internal"]


def render_markdown() -> str:
    """The reference page of error codes, `docs/reference/errors.md`."""
    lines = [
        "# Error codes",
        "",
        "Made from `docaxis_runtime.error_table`; do not edit. A problem (RFC 9457) carries the",
        "code; its type is `urn:docaxis:error:<code>`. *Retry* says whether the same request may",
        "succeed later; *SDK* is the code in the dialects of the national SDK and the LGSP.",
    ]
    for title, groups in _SECTIONS.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| code | HTTP | gRPC | retry | SDK | tiếng Việt | English |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in sorted(_rows(groups).values(), key=lambda each: each.code):
            retry = "yes" if row.retryable else "no"
            lines.append(
                f"| `{row.code}` | {row.http} | {row.grpc} | {retry} | {row.sdk} "
                f"| {row.vi} | {row.en} |"
            )
    return "\n".join(lines) + "\n"
