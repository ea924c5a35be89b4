import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey

from docaxis_trust.assertions import (
    Assertion,
    AssertionInvalid,
    PublicKey,
    make_assertion,
    peek_issuer,
    verify_assertion,
)
from docaxis_trust.compact_jws import decode, encode, token_of
from docaxis_trust.demo_certificates import new_rsa_key

AUDIENCE = "https://truc.example.gov.vn/api/v1/tokens"
SYSTEM = "0190a1b2-0000-7000-8000-000000000001"
NOW = 1_760_000_000
Key = ec.EllipticCurvePrivateKey | Ed25519PrivateKey
ELLIPTIC, EDWARDS = ec.generate_private_key(ec.SECP256R1()), Ed25519PrivateKey.generate()


def pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def public_pem(key: Any) -> bytes:
    return bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def jwk(key: Key) -> dict[str, Any]:
    family = OKPKey if isinstance(key, Ed25519PrivateKey) else ECKey
    return dict(family.import_key(public_pem(key)).as_dict(private=False))


KEYS: Mapping[str, PublicKey] = {"ec": public_pem(ELLIPTIC), "ed": public_pem(EDWARDS).decode()}


def verify(token: str, now: int = NOW, **changes: Any) -> Assertion:
    arguments: dict[str, Any] = {"public_keys": KEYS, "audience": AUDIENCE, "now": now} | changes
    return verify_assertion(token, **arguments)


def code_of(token: str, now: int = NOW, **changes: Any) -> str:
    with pytest.raises(AssertionInvalid) as caught:
        verify(token, now, **changes)
    return caught.value.code


def made(header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """Make an assertion with other claims, or without those that are None; well signed."""
    values = {
        "iss": SYSTEM,
        "sub": SYSTEM,
        "aud": AUDIENCE,
        "iat": NOW,
        "exp": NOW + 60,
        "jti": "one",
    } | claims
    values = {name: each for name, each in values.items() if each is not None}
    head = {"alg": "EdDSA", "kid": "ed"} | dict(header or {})
    signed = b".".join(encode(json.dumps(each).encode()) for each in (head, values))
    return token_of(signed, EDWARDS.sign(signed))


@pytest.mark.parametrize(("key", "key_id"), [(ELLIPTIC, "ec"), (EDWARDS, "ed")])
@pytest.mark.parametrize("form", [public_pem, lambda key: public_pem(key).decode(), jwk])
def test_an_assertion_proves_its_system(
    key: Key, key_id: str, form: Callable[[Key], PublicKey]
) -> None:
    token = make_assertion(pem(key), key_id, SYSTEM, AUDIENCE, NOW, lifetime=90)
    assert peek_issuer(token) == SYSTEM
    found = verify(token, public_keys={key_id: form(key)})
    assert (found.system_id, found.expires_at) == (SYSTEM, NOW + 90)
    another = make_assertion(pem(key), key_id, SYSTEM, AUDIENCE, NOW)
    assert verify(another, public_keys={key_id: form(key)}).jti != found.jti


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_another_library_reads_and_makes_assertions() -> None:
    ours = make_assertion(pem(ELLIPTIC), "ec", SYSTEM, AUDIENCE, NOW)
    read = jwt.decode(ours, ECKey.import_key(public_pem(ELLIPTIC)), algorithms=["ES256"])
    assert read.claims["sub"] == SYSTEM
    claims = {
        "iss": SYSTEM,
        "sub": SYSTEM,
        "aud": AUDIENCE,
        "iat": NOW,
        "exp": NOW + 60,
        "jti": "x",
    }
    theirs = jwt.encode({"alg": "ES256", "kid": "ec"}, claims, ECKey.import_key(pem(ELLIPTIC)))
    assert verify(theirs) == Assertion(SYSTEM, "x", NOW + 60)


def test_other_keys_do_not_sign() -> None:
    for key in (new_rsa_key(), ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(ValueError, match="P-256 or Ed25519"):
            make_assertion(pem(key), "k", SYSTEM, AUDIENCE, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": None},
        {"iss": ""},
        {"iss": 7},
        {"iss": "x" * 300, "sub": "x" * 300},
        {"sub": None},
        {"sub": "another"},
        {"aud": None},
        {"aud": 7},
        {"iat": None},
        {"iat": "now"},
        {"iat": True},
        {"iat": NOW + 0.5},
        {"iat": -1},
        {"exp": None},
        {"exp": str(NOW + 60)},
        {"exp": NOW},
        {"exp": NOW + 601},
        {"exp": 2**60},
        {"nbf": "now"},
        {"jti": None},
        {"jti": ""},
        {"jti": 1},
        {"jti": "x" * 257},
    ],
)
def test_rule_A1_claims_are_there_and_of_their_type(claims: dict[str, Any]) -> None:
    token = made(**claims)
    assert code_of(token) == "assertion_malformed"
    with pytest.raises(AssertionInvalid, match="assertion_malformed"):
        peek_issuer(token)


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": None}, {"typ": "at+jwt"}, {"crit": ["x"]}]
)
def test_rule_A1_the_header_is_of_ours(header: dict[str, Any]) -> None:
    assert code_of(made(header)) == "assertion_malformed"


@pytest.mark.parametrize("token", ["", "a.b.c", "e30.e30.", made() + "="])
def test_rule_A1_it_is_in_the_one_form(token: str) -> None:
    assert code_of(token) == "assertion_malformed"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt"])
def test_rule_A1_both_types_are_known(typ: str) -> None:
    assert verify(made({"typ": typ})).jti == "one"


@pytest.mark.parametrize("kid", ["other", "", None, 7])
def test_rule_A2_the_key_is_one_of_the_systems(kid: object) -> None:
    assert code_of(made({"kid": kid})) == "assertion_unknown_key"


def test_rule_A2_the_key_fits_the_algorithm() -> None:
    assert code_of(made({"alg": "ES256"})) == "assertion_unknown_key"
    assert code_of(made({"kid": "ec"})) == "assertion_unknown_key"


def test_rule_A3_every_part_is_signed() -> None:
    for key, key_id in ((ELLIPTIC, "ec"), (EDWARDS, "ed")):
        token = make_assertion(pem(key), key_id, SYSTEM, AUDIENCE, NOW)
        header, payload, signature = token.split(".")
        claims = json.loads(decode(payload.encode()))
        other = encode(json.dumps(claims | {"jti": "other"}).encode()).decode()
        raw = bytearray(decode(signature.encode()))
        raw[5] ^= 1
        for changed in (
            f"{header}.{other}.{signature}",
            f"{header}.{payload}.",
            f"{header}.{payload}.{encode(bytes(64)).decode()}",
            f"{header}.{payload}.{encode(bytes(raw)).decode()}",
            f"{header}.{payload}.{encode(decode(signature.encode()) + bytes(1)).decode()}",
        ):
            assert code_of(changed) == "assertion_bad_signature"


def test_rule_A3_a_signature_has_one_length() -> None:
    shorter = None
    while shorter is None:
        token = make_assertion(pem(ELLIPTIC), "ec", SYSTEM, AUDIENCE, NOW)
        signed, _, signature = token.rpartition(".")
        raw = decode(signature.encode())
        if raw[32] == 0:  # One in 256: the same numbers in a byte less.
            shorter = f"{signed}.{encode(raw[:32] + raw[33:]).decode()}"
    assert verify(token).system_id == SYSTEM
    assert code_of(shorter) == "assertion_bad_signature"


def test_rule_A3_it_comes_before_time_and_audience() -> None:
    header, payload, _ = made(aud="elsewhere", iat=1, exp=2).split(".")
    assert code_of(f"{header}.{payload}.{encode(bytes(64)).decode()}") == "assertion_bad_signature"


@pytest.mark.parametrize(
    "audience", ["elsewhere", "", AUDIENCE + "/", [], ["elsewhere"], [7], [[AUDIENCE]]]
)
def test_rule_A4_it_is_for_us(audience: object) -> None:
    assert code_of(made(aud=audience)) == "assertion_wrong_audience"


def test_rule_A4_it_may_be_for_others_too() -> None:
    assert verify(made(aud=["elsewhere", AUDIENCE])).jti == "one"


def test_rule_A5_it_is_not_from_the_future() -> None:
    token = made(iat=NOW + 40, exp=NOW + 100)
    assert code_of(token) == "assertion_not_yet_valid"
    assert verify(token, now=NOW + 10).jti == "one", "within the leeway"
    assert code_of(token, now=NOW + 10, leeway=0) == "assertion_not_yet_valid"
    assert code_of(made(nbf=NOW + 31)) == "assertion_not_yet_valid"


def test_rule_A6_it_ends() -> None:
    token = made()
    assert verify(token, now=NOW + 89).jti == "one", "within the leeway"
    assert code_of(token, now=NOW + 90) == "assertion_expired"
    assert code_of(token, now=NOW + 60, leeway=0) == "assertion_expired"


@pytest.mark.parametrize(
    "key",
    [
        b"no key",
        public_pem(new_rsa_key()),
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        {
            "kty": "EC",
            "crv": "P-256",
            "x": encode(bytes(32)).decode(),
            "y": encode(bytes(32)).decode(),
        },
        {"kty": "oct", "k": "AAAA"},
        {},
    ],
)
def test_a_public_key_that_cannot_be_read_is_the_operators_fault(key: PublicKey) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        verify(made(), public_keys={"ed": key})
    assert not isinstance(caught.value, AssertionInvalid)
