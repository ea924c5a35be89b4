import pytest

from docaxis_trust.compact_jws import (
    MOST_TOKEN_BYTES,
    JwsMalformed,
    decode,
    encode,
    signing_input,
    take_apart,
    token_of,
)

HEADER = encode(b'{"alg":"none"}')
GOOD = token_of(signing_input(HEADER, b'{"a":1}'), b"signatur")


def test_a_token_comes_apart_as_it_was_put_together() -> None:
    parts = take_apart(GOOD)
    assert (parts.header, parts.payload) == ({"alg": "none"}, {"a": 1})
    assert (parts.signing_input, parts.signature) == (
        GOOD.rpartition(".")[0].encode(),
        b"signatur",
    )


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        GOOD.rpartition(".")[0],
        GOOD + ".more",
        GOOD + "=",
        GOOD + "\n",
        " " + GOOD,
        GOOD.replace(".", "+.", 1),
        "ư" + GOOD,
        GOOD[:-1] + chr(ord(GOOD[-1]) + 1),  # the same bytes, spare bits set
        "A" * (MOST_TOKEN_BYTES + 1),
        token_of(signing_input(HEADER, b"[1]"), b"x"),
        token_of(signing_input(HEADER, b"{"), b"x"),
        token_of(signing_input(HEADER, b'{"a":NaN}'), b"x"),
        token_of(signing_input(HEADER, b"\xff"), b"x"),
        token_of(signing_input(encode(b"null"), b"{}"), b"x"),
        token_of(signing_input(HEADER, b'{"a":' + b"[" * 20_000), b"x"),
        token_of(signing_input(encode(b'{"crit":["b64"],"b64":false}'), b"{}"), b"x"),
    ],
)
def test_whatever_is_not_in_the_one_form_is_malformed(token: str) -> None:
    with pytest.raises(JwsMalformed):
        take_apart(token)


def test_base64url_has_one_form() -> None:
    for data in (b"", b"\xfb\xff", b"a", b"ab", b"abc", bytes(range(256))):
        assert decode(encode(data)) == data
    for text in (b"-_==", b"+/", b"a", b"YQ=", b"YR", b"Y Q", b"YQ\n"):
        with pytest.raises(ValueError, match=r"."):
            decode(text)
