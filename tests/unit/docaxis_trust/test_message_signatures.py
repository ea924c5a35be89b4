"""Signed requests: the rules S1-S4 of `message_signatures`."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from docaxis_trust.message_signatures import (
    SignatureRefused,
    SignedRequest,
    content_digest,
    digest_of_body,
    read_signature,
    sign_request,
    verify_signature,
)

NOW = 1_795_000_000
SECRET = b"m\xe1\xba\xadt kh\xe1\xba\xa9u"
COVERED = ("@method", "@path", "@query")


class _Message:
    def __init__(self, method: str, url: str) -> None:
        self.method, self.url = method, url
        self.headers = {"Host": url.split("/")[2]}


def signed(
    method: str = "GET",
    target: str = "/api/v1/inbox?wait=5&organisation=H%C3%A0",
    *,
    body: bytes | None = None,
    covered: tuple[str, ...] = COVERED,
    **changes: Any,
) -> SignedRequest:
    """A request signed by the library itself, as another party would."""
    message = _Message(method, f"https://truc.example{target}")
    keys = MappingKeyResolver(public_keys={}, private_keys={"k": changes.pop("secret", SECRET)})
    signer = HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=keys)
    created = datetime.fromtimestamp(changes.pop("now", NOW), UTC)
    arguments = {"nonce": "n" * 16, "created": created, "key_id": "k", **changes}
    signer.sign(message, covered_component_ids=covered, body=body, **arguments)
    path, _, query = target.partition("?")
    return SignedRequest(method, path, query, list(message.headers.items()), body is not None)


def refusal(request: SignedRequest, secret: bytes = SECRET, now: int = NOW) -> str:
    with pytest.raises(SignatureRefused) as refused:
        verify_signature(request, secret, now, 60)
    return refused.value.code


def changed(request: SignedRequest, **changes: Any) -> SignedRequest:
    values = {name: getattr(request, name) for name in SignedRequest.__slots__}
    return SignedRequest(**{**values, **changes})


def test_a_signed_request_names_its_key_and_is_right() -> None:
    for request in (signed(), signed(target="/a"), signed("POST", "/a%2Fb?", body=b"{}")):
        found = verify_signature(request, SECRET, NOW, 60)
        assert (found.key_id, found.created, found.nonce) == ("k", NOW, "n" * 16)


def test_rule_S1_what_is_not_one_whole_signature() -> None:
    good = signed()
    two = [*good.headers[:1], *((n, f"{v}, b={v[6:]}") for n, v in good.headers[1:])]
    for headers in (
        two,
        [each for each in good.headers if each[0] != "Signature"],
        [each for each in good.headers if each[0] != "Signature-Input"],
        [("Signature-Input", "a=()"), ("Signature", "a=:AA==:")],
        [("Signature-Input", "\x00"), ("Signature", "ế")],
        [("Signature-Input", "a=(" + '"x" ' * 5000 + ")"), ("Signature", "a=:AA==:")],
    ):
        assert refusal(changed(good, headers=headers)) == "signature_malformed"
    assert refusal(signed(nonce=None)) == "signature_malformed"
    assert refusal(signed(nonce="short")) == "signature_malformed"
    assert refusal(signed(nonce="n" * 129)) == "signature_malformed"


def test_rule_S2_it_covers_method_path_query_and_the_bodys_digest() -> None:
    for left_out in COVERED:
        covered = tuple(each for each in COVERED if each != left_out)
        assert refusal(signed(covered=covered)) == "signature_incomplete"
    bodied = changed(signed("POST", "/a"), has_body=True)
    assert refusal(bodied) == "signature_incomplete"
    assert refusal(signed(covered=(*COVERED, "@target-uri"))) == "signature_malformed"
    assert verify_signature(signed(covered=(*COVERED, "host")), SECRET, NOW, 60)


def test_rule_S3_any_change_breaks_it() -> None:
    good = signed("POST", "/a?b=1", body=b"body")
    assert digest_of_body(good).hex().startswith("230d8358")
    assert refusal(good, b"another") == "signature_invalid"
    assert refusal(changed(good, method="PUT")) == "signature_invalid"
    assert refusal(changed(good, path="/b")) == "signature_invalid"
    assert refusal(changed(good, query="b=2")) == "signature_invalid"
    other = [(n, v.replace("sha-256=:", "sha-256=:A")) for n, v in good.headers]
    assert refusal(changed(good, headers=other)) == "signature_invalid"
    later = [(n, v.replace(f"created={NOW}", f"created={NOW + 5}")) for n, v in good.headers]
    assert refusal(changed(good, headers=later)) == "signature_invalid"


def test_rule_S4_its_time_is_now() -> None:
    for now in (NOW - 60, NOW + 60):
        assert verify_signature(signed(), SECRET, now, 60)
    for now in (NOW - 61, NOW + 61):
        assert refusal(signed(), now=now) == "signature_stale"


def test_a_digest_of_another_kind_tells_nothing() -> None:
    request = SignedRequest("POST", "/", "", [("Content-Digest", "sha-512=:AAAA:")], True)
    with pytest.raises(SignatureRefused) as refused:
        digest_of_body(request)
    assert (refused.value.code, refused.value.missing[:14]) == (
        "signature_incomplete",
        "content-digest",
    )


def test_reading_alone_proves_nothing() -> None:
    assert read_signature(signed(secret=b"someone else's")).key_id == "k"


@pytest.mark.parametrize("path", ["/api/v1/inbox", "/a%2Fb", "/%E1%BB%A7y"])
@pytest.mark.parametrize("query", ["", "wait=5&organisation=H%C3%A0", "a=%26&a=+"])
def test_what_we_sign_is_what_we_accept(path: str, query: str) -> None:
    bare = SignedRequest("GET", path, query, [])
    fields = sign_request(bare, "k", SECRET, "n" * 16, NOW)
    sent = SignedRequest("GET", path, query, list(fields.items()))
    assert verify_signature(sent, SECRET, NOW, 60).nonce == "n" * 16
    assert refusal(changed(sent, query=query + "&x=1")) == "signature_invalid"


def test_a_body_is_signed_by_its_digest() -> None:
    digest = hashlib.sha256(b"{}").digest()
    headers = [("Content-Digest", content_digest(digest))]
    bare = SignedRequest("POST", "/a", "", headers, has_body=True)
    fields = sign_request(bare, "k", SECRET, "n" * 16, NOW)
    sent = SignedRequest("POST", "/a", "", [*headers, *fields.items()], has_body=True)
    verify_signature(sent, SECRET, NOW, 60)
    assert digest_of_body(sent) == digest
