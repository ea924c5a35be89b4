import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jws
from joserfc.jwk import OKPKey

from docaxis_trust.compact_jws import decode, encode, signing_input, token_of
from docaxis_trust.jwk_set import find_key, jwk_set, public_jwk, thumbprint
from docaxis_trust.key_file_signer import KeyFileSigner
from docaxis_trust.receipts import RECEIPT_TYPE, ReceiptInvalid, sign_receipt, verify_receipt

CLAIMS: dict[str, object] = {
    "kind": "accepted",
    "document": "018f6f6e-0000-8000-8000-000000000001",
    "digest": "ab" * 32,
    "subject": "V/v kết nối, liên thông",
    "at": 1_760_000_000_000,
    "recipients": ["H29.12", "G22"],
}


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> KeyFileSigner:
    return KeyFileSigner.create(tmp_path_factory.mktemp("key") / "axis.pem")


@pytest.fixture(scope="module")
def jwks(signer: KeyFileSigner) -> dict[str, Any]:
    return dict(jwk_set([signer.public_jwk()]))


def forged(signer: KeyFileSigner, header: dict[str, Any], payload: bytes = b"{}") -> str:
    signed = signing_input(encode(json.dumps(header).encode()), payload)
    return token_of(signed, signer.sign(signed))


def code_of(token: str, jwks: dict[str, Any]) -> str:
    with pytest.raises(ReceiptInvalid) as caught:
        verify_receipt(token, jwks)
    return caught.value.code


def test_a_receipt_says_what_was_signed(signer: KeyFileSigner, jwks: dict[str, Any]) -> None:
    assert verify_receipt(sign_receipt(CLAIMS, signer), jwks) == CLAIMS


def test_the_same_statement_is_the_same_receipt(signer: KeyFileSigner) -> None:
    other_order = dict(reversed(CLAIMS.items()))
    assert sign_receipt(CLAIMS, signer) == sign_receipt(other_order, signer)
    header, payload, _ = sign_receipt(CLAIMS, signer).split(".")
    assert json.loads(decode(header.encode())) == {
        "alg": "EdDSA",
        "kid": signer.key_id,
        "typ": RECEIPT_TYPE,
    }
    assert decode(payload.encode()).startswith(b'{"at":1760000000000,"digest":')


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_another_library_reads_our_receipts(signer: KeyFileSigner) -> None:
    jwk: dict[str, str | list[str]] = {**signer.public_jwk()}
    key = OKPKey.import_key(jwk)
    assert key.thumbprint() == signer.key_id
    registry = jws.JWSRegistry(algorithms=["EdDSA"])
    read = jws.deserialize_compact(sign_receipt(CLAIMS, signer), key, registry=registry)
    assert json.loads(read.payload) == CLAIMS


@pytest.mark.parametrize("claim", [2**53, float("nan"), object(), b"bytes"])
def test_what_has_no_canonical_form_is_not_signed(signer: KeyFileSigner, claim: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        sign_receipt({"claim": claim}, signer)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30", "e30.e30.e30.e30"])
def test_rule_R1_malformed(jwks: dict[str, Any], token: str) -> None:
    assert code_of(token, jwks) == "receipt_malformed"


def test_rule_R1_unknown_extensions_are_refused(
    signer: KeyFileSigner, jwks: dict[str, Any]
) -> None:
    header = {"alg": "EdDSA", "kid": signer.key_id, "typ": RECEIPT_TYPE, "crit": ["exp"]}
    assert code_of(forged(signer, header), jwks) == "receipt_malformed"


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES256", "Ed448", "", None, ["EdDSA"]])
def test_rule_R2_no_other_algorithm(
    signer: KeyFileSigner, jwks: dict[str, Any], alg: object
) -> None:
    header = {"alg": alg, "kid": signer.key_id, "typ": RECEIPT_TYPE}
    assert code_of(forged(signer, header), jwks) == "receipt_wrong_type"


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", "", None, RECEIPT_TYPE.upper()])
def test_rule_R2_no_other_type(signer: KeyFileSigner, jwks: dict[str, Any], typ: object) -> None:
    header = {"alg": "EdDSA", "kid": signer.key_id, "typ": typ}
    assert code_of(forged(signer, header), jwks) == "receipt_wrong_type"


def test_rule_R3_the_key_is_among_those_published(
    signer: KeyFileSigner, jwks: dict[str, Any], tmp_path: Path
) -> None:
    stranger = KeyFileSigner.create(tmp_path / "stranger.pem")
    receipt = sign_receipt(CLAIMS, signer)
    assert code_of(sign_receipt(CLAIMS, stranger), jwks) == "receipt_unknown_key"
    assert code_of(receipt, {}) == "receipt_unknown_key"
    assert code_of(receipt, {"keys": "none"}) == "receipt_unknown_key"
    for kid in (None, 7, "", "x"):
        header = {"alg": "EdDSA", "kid": kid, "typ": RECEIPT_TYPE}
        assert code_of(forged(signer, header), jwks) == "receipt_unknown_key"


def test_rule_R3_an_id_stays_with_its_key(signer: KeyFileSigner, tmp_path: Path) -> None:
    stranger = KeyFileSigner.create(tmp_path / "stranger.pem")
    slipped_in = {**stranger.public_jwk(), "kid": signer.key_id}
    assert find_key({"keys": [slipped_in]}, signer.key_id) is None
    assert code_of(sign_receipt(CLAIMS, signer), {"keys": [slipped_in]}) == "receipt_unknown_key"


def test_rule_R3_a_key_in_the_header_is_not_looked_at(
    signer: KeyFileSigner, jwks: dict[str, Any], tmp_path: Path
) -> None:
    stranger = KeyFileSigner.create(tmp_path / "stranger.pem")
    header = {
        "alg": "EdDSA",
        "kid": signer.key_id,
        "typ": RECEIPT_TYPE,
        "jwk": stranger.public_jwk(),
    }
    assert code_of(forged(stranger, header), jwks) == "receipt_bad_signature"


def test_rule_R4_every_part_is_signed(signer: KeyFileSigner, jwks: dict[str, Any]) -> None:
    receipt = sign_receipt(CLAIMS, signer)
    header, payload, signature = receipt.split(".")
    other = encode(b'{"kind":"handed_over"}').decode()
    assert code_of(f"{header}.{other}.{signature}", jwks) == "receipt_bad_signature"
    assert (
        code_of(f"{header}.{payload}.{encode(bytes(64)).decode()}", jwks) == "receipt_bad_signature"
    )
    assert code_of(f"{header}.{payload}.", jwks) == "receipt_bad_signature"
    longer = encode(decode(signature.encode()) + b"\0").decode()
    assert code_of(f"{header}.{payload}.{longer}", jwks) == "receipt_bad_signature"


def test_keys_that_cannot_be_read_are_no_keys(signer: KeyFileSigner) -> None:
    jwk = signer.public_jwk()
    for broken in ({**jwk, "kty": "EC"}, {**jwk, "crv": "X25519"}, {**jwk, "x": 7}, "key", None):
        assert find_key({"keys": [broken]}, signer.key_id) is None
    assert (
        find_key({"keys": [{**jwk, "x": "AAAA", "kid": thumbprint("AAAA")}]}, thumbprint("AAAA"))
        is None
    )


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    # RFC 8037, appendix A.3.
    x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert thumbprint(x) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    key = public_jwk(Ed25519PrivateKey.generate().public_key())
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
