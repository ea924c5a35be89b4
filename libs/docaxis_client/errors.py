"""What can go wrong for a caller: the axis refused, the axis is away, or bytes are not as promised.

`ProblemError` carries RFC 9457 problem details as the axis tells them; its `code` is what programs
decide on, words are for people.
"""

import msgspec


class DocaxisClientError(Exception):
    """Everything that this library raises about the axis; catch it to catch them all."""


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field of the request; `pointer` is a JSON pointer (RFC 6901)."""

    pointer: str = ""
    code: str = ""
    detail: str | None = None
    suggestions: tuple[str, ...] = ()


class ProblemError(DocaxisClientError):
    """The axis refused a request, and said why.

    `suggestions` stand for the whole request; those for one field are in its error.
    """

    def __init__(
        self,
        code: str,
        status: int,
        detail: str = "",
        *,
        title: str = "",
        errors: tuple[FieldError, ...] = (),
        request_id: str = "",
        retryable: bool = False,
        suggestions: tuple[str, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail or title}" if detail or title else code)
        self.code = code
        self.status = status
        self.detail = detail
        self.title = title
        self.errors = errors
        self.request_id = request_id
        self.retryable = retryable
        self.suggestions = suggestions
        self.retry_after_s = retry_after_s


class AxisUnavailable(DocaxisClientError):
    """No usable answer within the retries allowed; asking again later is safe.

    `problem` is what the axis said last, where it said anything (429, 502, 503, 504).
    """

    def __init__(self, message: str, problem: ProblemError | None = None) -> None:
        super().__init__(message)
        self.problem = problem


class DigestMismatch(DocaxisClientError):
    """The bytes received are not those that the axis named; nothing was kept of them."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected SHA-256 {expected}, got {found}")
        self.expected = expected
        self.found = found


class ReceiptInvalid(DocaxisClientError):
    """A receipt does not prove what it should: forged, changed, or about something else.

    `code` is one of `docaxis_trust.receipts`' rules, or `receipt_about_other`.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class CredentialsUnusable(DocaxisClientError):
    """A credentials file, or the key that it names, cannot be used; the message names the file."""


class _Problem(msgspec.Struct):
    type: str = ""
    title: str | None = None
    detail: str | None = None
    code: str | None = None
    errors: tuple[FieldError, ...] | None = None
    retryable: bool | None = None
    request_id: str | None = None
    suggestions: tuple[str, ...] | None = None


_DECODER = msgspec.json.Decoder(_Problem)


def problem_of(
    status: int, body: bytes, *, request_id: str = "", retry_after_s: float | None = None
) -> ProblemError:
    """Read problem details; an answer that is none (a proxy's page) becomes `http_<status>`."""
    try:
        problem = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        problem = _Problem()
    return ProblemError(
        problem.code or f"http_{status}",
        status,
        problem.detail or "",
        title=problem.title or "",
        errors=problem.errors or (),
        request_id=problem.request_id or request_id,
        retryable=status in (423, 429, 503) if problem.retryable is None else problem.retryable,
        suggestions=problem.suggestions or (),
        retry_after_s=retry_after_s,
    )
