import hmac
import json

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from docaxis_trust.access_tokens import AccessClaims, AccessTokens, TokenInvalid
from docaxis_trust.compact_jws import encode, signing_input, token_of

SECRET = bytes(range(32))
NOW = 1_760_000_000


def code_of(token: str, now: int = NOW, secret: bytes = SECRET) -> str:
    with pytest.raises(TokenInvalid) as caught:
        AccessTokens(secret, 600).verify(token, now)
    return caught.value.code


def signed(header: bytes, claims: dict[str, object]) -> str:
    data = signing_input(encode(header), json.dumps(claims).encode())
    return token_of(data, hmac.digest(SECRET, data, "sha256"))


def test_a_token_stands_for_its_system_until_it_ends() -> None:
    tokens = AccessTokens(SECRET, 600)
    token, expires_in = tokens.issue("system", "credential", NOW)
    assert expires_in == 600
    expected = AccessClaims("system", "credential", NOW, NOW + 600)
    for reader in (tokens, AccessTokens(SECRET, 60)):
        assert reader.verify(token, NOW) == expected
        assert reader.verify(token, NOW + 599) == expected, "remembered"


def test_another_library_reads_our_tokens() -> None:
    token, _ = AccessTokens(SECRET, 600).issue("hệ thống", "credential", NOW)
    read = jwt.decode(token, OctKey.import_key(SECRET), algorithms=["HS256"])
    assert read.header == {"alg": "HS256", "typ": "at+jwt"}
    assert read.claims["sub"] == "hệ thống"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30"])
def test_rule_T1_malformed(token: str) -> None:
    assert code_of(token) == "token_malformed"


def test_rule_T1_all_claims_are_there() -> None:
    whole = {"sub": "s", "cid": "c", "iat": NOW, "exp": NOW + 60}
    header = b'{"alg":"HS256","typ":"at+jwt"}'
    assert AccessTokens(SECRET, 1).verify(signed(header, whole), NOW).system_id == "s"
    for name in whole:
        rest = {each: value for each, value in whole.items() if each != name}
        assert code_of(signed(header, rest)) == "token_malformed"


def test_rule_T2_forged() -> None:
    token, _ = AccessTokens(SECRET, 600).issue("system", "credential", NOW)
    assert code_of(token, secret=bytes(32)) == "token_forged"
    header, payload, signature = token.split(".")
    other = encode(json.dumps({"sub": "another"}).encode()).decode()
    assert code_of(f"{header}.{other}.{signature}") == "token_forged"
    assert code_of(f"{header}.{payload}.") == "token_forged"
    none = encode(b'{"alg":"none","typ":"at+jwt"}').decode()
    assert code_of(f"{none}.{payload}.") == "token_forged"


def test_rule_T2_no_other_token_under_the_same_secret_will_do() -> None:
    claims = {"sub": "s", "cid": "c", "iat": NOW, "exp": NOW + 60}
    assert code_of(signed(b'{"alg":"HS256","typ":"JWT"}', claims)) == "token_forged"


def test_rule_T3_expired_whether_remembered_or_not() -> None:
    tokens = AccessTokens(SECRET, 600)
    token, _ = tokens.issue("system", "credential", NOW)
    with pytest.raises(TokenInvalid, match="token_expired"):
        tokens.verify(token, NOW + 600)
    assert not tokens._good, "what has ended is not remembered"
    tokens.verify(token, NOW)
    with pytest.raises(TokenInvalid, match="token_expired"):
        tokens.verify(token, NOW + 600)


def test_no_more_is_remembered_than_was_asked() -> None:
    tokens = AccessTokens(SECRET, 600, remembered=3)
    issued = [tokens.issue(f"system {number}", "c", NOW)[0] for number in range(10)]
    for token in issued * 2:
        tokens.verify(token, NOW)
        assert len(tokens._good) <= 3


def test_a_weak_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        AccessTokens(bytes(31), 600)
    with pytest.raises(ValueError, match="a second"):
        AccessTokens(SECRET, 0)
