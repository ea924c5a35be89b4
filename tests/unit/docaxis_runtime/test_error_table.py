"""The table of error codes."""

import re

import grpc
import pytest

from docaxis_runtime.error_table import ERRORS, render_markdown, row_of
from docaxis_trust.verdicts import CODES as VERDICT_CODES

NEEDED = """
validation_failed unknown_field field_required field_invalid field_too_long malformed_json
unsupported_media_type not_found method_not_allowed unauthenticated token_malformed token_forged
token_expired assertion_malformed assertion_unknown_key assertion_bad_signature assertion_expired
assertion_not_yet_valid assertion_wrong_audience assertion_replayed system_unknown system_locked
organisation_locked organisation_not_served forbidden sender_not_served unknown_organisation
recipient_duplicate no_valid_recipient too_many_recipients content_conflict id_hash_collision
business_type_not_supported secret_document file_empty file_too_large file_unsigned file_tampered
file_missing signature_indeterminate certificate_untrusted certificate_expired certificate_revoked
signature_unreadable verification_timed_out digest_mismatch upload_unknown upload_incomplete
unknown_document unknown_delivery unknown_receipt unknown_file unknown_subscription
delivery_not_ready delivery_closed status_unknown status_wrong_side status_without_request
reason_required idempotency_key_invalid cursor_invalid limit_invalid range_not_satisfiable
code_taken alias_taken parent_unknown credential_unknown policy_unknown url_invalid url_forbidden
busy read_stale storage_full unavailable deadline_exceeded command_dead internal
""".split()


def test_every_code_that_is_raised_somewhere_is_there() -> None:
    assert set(NEEDED) <= set(ERRORS)
    assert set(VERDICT_CODES) - {"signature_valid"} <= set(ERRORS)


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_rows_are_whole(code: str) -> None:
    row = ERRORS[code]
    assert grpc.StatusCode[row.grpc]
    assert 400 <= row.http < 600
    assert row.sdk.isdecimal()
    assert row.vi.endswith((".", ")")) and row.en.endswith((".", ")"))
    assert row.vi != row.en
    assert re.findall(r"{(\w+)}", row.vi) == re.findall(r"{(\w+)}", row.en)
    # Who may try again may do so with the very same request.
    assert row.retryable == (row.http in (408, 423, 429, 503, 504))


def test_words_are_filled_in() -> None:
    row = row_of("field_too_long")
    assert row.message({"field": "place", "limit": "200"}) == "Trường “place” dài quá 200 ký tự."
    assert "place" in row.message({"field": "place", "limit": "200"}, "en")
    assert "…" in row.message({}, "en")
    # What domains call `code` is an organisation's code here.
    assert "G22" in row_of("sender_not_served").message({"code": "G22"})


def test_words_of_others_are_never_read_as_a_pattern() -> None:
    message = row_of("unknown_field").message({"field": "{0.__class__}{x}"}, "en")
    assert message == "The field “{0.__class__}{x}” is not defined."


def test_unknown_codes_are_internal() -> None:
    assert row_of("nothing").code == "internal"


def test_the_page_has_every_code() -> None:
    page = render_markdown()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(ERRORS)
