import json

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_proto.registry_v1_pb2 import AddCredentialRequest
from docaxis_registry.credentials import read_credential, read_public_jwk, read_thumbprint
from tests.unit.docaxis_registry.samples import PUBLIC_JWK


def test_a_key_is_named_by_its_thumbprint() -> None:
    """The example of RFC 8037, appendix A.3."""
    thumbprint, jwk = read_public_jwk(PUBLIC_JWK)
    assert thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    assert json.loads(jwk) == {**json.loads(PUBLIC_JWK), "kid": thumbprint}


def test_the_same_key_has_one_name_and_one_form() -> None:
    key = ECKey.generate_key("P-256").as_dict(private=False)
    plain = read_public_jwk(json.dumps(key))
    adorned = {**key, "kid": "mine", "use": "sig", "alg": "ES256", "note": "x"}
    assert read_public_jwk(json.dumps(adorned)) == plain


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"kty":7}',
        '{"kty":"OKP","crv":"Ed25519"}',
        '{"kty":"OKP","crv":"Ed25519","x":5}',
        '{"kty":"OKP","crv":"Ed25519","x":"AAAA"}',
        '{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}',
        '{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}',
        PUBLIC_JWK.replace("HURo", "HURp"),  # the same 256 bits: a key has one form
        PUBLIC_JWK.replace("HURo", "HURo="),
        '{"kty":"oct","k":"AAAA"}',
        json.dumps(RSAKey.generate_key(2048).as_dict(private=False)),
        " " * 5000,
    ],
)
def test_what_is_no_public_key_is_refused(wrong: str) -> None:
    with pytest.raises(DocaxisError) as refused:
        read_public_jwk(wrong)
    assert refused.value.code == "field_invalid"
    assert refused.value.fields[0].pointer == "/public_jwk"


def test_a_private_key_is_refused_and_not_repeated() -> None:
    jwk = OKPKey.generate_key("Ed25519").as_dict(private=True)
    with pytest.raises(DocaxisError) as refused:
        read_public_jwk(json.dumps(jwk))
    assert str(jwk["d"]) not in repr(refused.value)
    assert "without private members" in refused.value.params["expected"]


def test_a_thumbprint_has_one_form_however_it_was_written() -> None:
    named = "Hi3vGJDbWBFkqEVhbuxVJCGHdmrrRjQ3UBJQ0qJFjZs"
    raw = bytes.fromhex("1e2def1890db581164a845616eec55242187766aeb463437501250d2a2458d9b")
    spelt = (named, named + "=", raw.hex(), raw.hex().upper(), raw.hex(":").upper())
    assert {read_thumbprint(each) for each in spelt} == {named}


@pytest.mark.parametrize("wrong", ["", "abc", "x" * 64, "0" * 62, "ế" * 43, "A" * 500, "\x00" * 43])
def test_what_is_no_thumbprint_is_refused(wrong: str) -> None:
    with pytest.raises(DocaxisError) as refused:
        read_credential(AddCredentialRequest(kind="certificate", thumbprint=wrong))
    assert refused.value.fields[0].pointer == "/thumbprint"


def test_a_secret_is_named_and_not_told() -> None:
    request = AddCredentialRequest(kind="hmac", credential_id="a" * 16, public_jwk="a secret")
    assert read_credential(request) == ("a" * 16, "")
    for wrong in ("", "short", "../../etc/passwd-xxxx", "a" * 65):
        with pytest.raises(DocaxisError) as refused:
            read_credential(AddCredentialRequest(kind="hmac", credential_id=wrong))
        assert refused.value.fields[0].pointer == "/credential_id"
