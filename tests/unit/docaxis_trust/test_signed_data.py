from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import algos, cms, core, tsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from docaxis_trust.cms import FileDigests, verify_detached
from docaxis_trust.demo_certificates import Issued, new_rsa_key
from docaxis_trust.verdicts import SignatureFound
from tests.unit.docaxis_trust.samples import NOW, Authority

Change = Callable[[dict[str, Any]], object]


class Forge:
    """Makes signatures by hand, so that every part of one can be made wrong."""

    def __init__(self, authority: Authority, letter: Path) -> None:
        self.authority = authority
        self.letter = letter
        self.signer = authority.issue()

    def make(
        self,
        *,
        attributes: Change = lambda _: None,
        signer_info: Change = lambda _: None,
        signed_data: Change = lambda _: None,
        digest: str = "sha256",
        mechanism: str = "sha256_ecdsa",
        signer: Issued | None = None,
        sign: Callable[[bytes], bytes] | None = None,
    ) -> bytes:
        signer = signer or self.signer
        certificate = _der(signer)
        values: dict[str, Any] = {
            "content_type": "data",
            "message_digest": FileDigests(self.letter)(digest),
        }
        attributes(values)
        attrs = cms.CMSAttributes(
            [
                cms.CMSAttribute(
                    {"type": name, "values": each if isinstance(each, list) else [each]}
                )
                for name, each in values.items()
            ]
        )
        key: Any = signer.key
        sign = sign or (lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())))
        info: dict[str, Any] = {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                        {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                    )
                }
            ),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": digest}),
            "signed_attrs": attrs,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": mechanism}),
            "signature": sign(attrs.dump()),
        }
        signer_info(info)
        data: dict[str, Any] = {
            "version": "v1",
            "digest_algorithms": [info["digest_algorithm"]],
            "encap_content_info": {"content_type": "data"},
            "certificates": [
                certificate,
                *(x509.Certificate.load(each.public_bytes(Encoding.DER)) for each in signer.chain),
            ],
            "signer_infos": [cms.SignerInfo(info)],
        }
        signed_data(data)
        content = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(data)})
        return bytes(content.dump())

    def check(self, **changes: Any) -> str:
        return self.find(**changes).code

    def find(self, **changes: Any) -> SignatureFound:
        signature = self.make(**changes)
        return verify_detached(self.letter, signature, [self.authority.root_path], NOW)


def _der(issued: Issued) -> x509.Certificate:
    return x509.Certificate.load(issued.certificate.public_bytes(Encoding.DER))


@pytest.fixture
def forge(authority: Authority, letter: Path) -> Forge:
    return Forge(authority, letter)


def test_the_forge_makes_good_signatures_when_nothing_is_changed(forge: Forge) -> None:
    found = forge.find()
    assert (found.code, found.claimed_at) == ("signature_valid", "")


def test_rule_S1_exactly_one_signer(forge: Forge) -> None:
    def two(data: dict[str, Any]) -> None:
        data["signer_infos"] = data["signer_infos"] * 2

    def none(data: dict[str, Any]) -> None:
        data["signer_infos"] = []

    assert forge.check(signed_data=two) == "signature_unreadable"
    assert forge.check(signed_data=none) == "signature_unreadable"


def test_rule_S1_no_content_of_its_own(forge: Forge) -> None:
    def inside(data: dict[str, Any]) -> None:
        data["encap_content_info"] = {"content_type": "data", "content": b"something else"}

    assert forge.check(signed_data=inside) == "signature_unreadable"


def test_rule_S1_the_signers_certificate_is_there(forge: Forge) -> None:
    def without(data: dict[str, Any]) -> None:
        data["certificates"] = data["certificates"][1:]

    def many(data: dict[str, Any]) -> None:
        data["certificates"] = data["certificates"] * 20

    assert forge.check(signed_data=without) == "signature_unreadable"
    assert forge.check(signed_data=many) == "signature_unreadable"


def test_rule_S1_the_signer_may_be_named_by_key(forge: Forge) -> None:
    def by_key(info: dict[str, Any]) -> None:
        named = _der(forge.signer).key_identifier
        info["sid"] = cms.SignerIdentifier("subject_key_identifier", core.OctetString(named))
        info["version"] = "v3"

    assert forge.check(signer_info=by_key) == "signature_valid"


def test_rule_S2_signed_attributes_are_needed(forge: Forge) -> None:
    key: Any = forge.signer.key

    def bare(info: dict[str, Any]) -> None:
        del info["signed_attrs"]
        info["signature"] = key.sign(forge.letter.read_bytes(), ec.ECDSA(hashes.SHA256()))

    assert forge.check(signer_info=bare) == "signature_unreadable"


def test_rule_S2_attributes_cannot_pass_for_a_file(forge: Forge) -> None:
    signed = cms.ContentInfo.load(forge.make())["content"]["signer_infos"][0]
    forge.letter.write_bytes(b"\x31" + signed["signed_attrs"].dump()[1:])

    def bare(info: dict[str, Any]) -> None:
        del info["signed_attrs"]
        info["signature"] = signed["signature"].native

    assert forge.check(signer_info=bare) == "signature_unreadable"


@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_rule_S3_a_weak_digest_proves_nothing(forge: Forge, digest: str) -> None:
    assert forge.check(digest=digest) == "signature_unreadable"


def test_rule_S3_a_weak_digest_taken_over_by_rsa_proves_nothing(forge: Forge) -> None:
    key = new_rsa_key()
    code = forge.check(
        signer=forge.authority.issue(key=key),
        digest="sha1",
        mechanism="rsassa_pkcs1v15",
        sign=lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA1()),
    )
    assert code == "signature_unreadable"


def test_rule_S3_a_weak_digest_in_the_signature_proves_nothing(forge: Forge) -> None:
    key: Any = forge.signer.key
    code = forge.check(
        mechanism="sha1_ecdsa", sign=lambda data: key.sign(data, ec.ECDSA(hashes.SHA1()))
    )
    assert code == "signature_unreadable"


def test_rule_S3_a_short_key_proves_nothing(forge: Forge) -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    code = forge.check(
        signer=forge.authority.issue(key=short),
        mechanism="sha256_rsa",
        sign=lambda data: short.sign(data, padding.PKCS1v15(), hashes.SHA256()),
    )
    assert code == "signature_unreadable"


def test_rule_S3_both_digests_are_the_same(forge: Forge) -> None:
    key: Any = forge.signer.key
    code = forge.check(
        digest="sha512",
        mechanism="sha256_ecdsa",
        sign=lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())),
    )
    assert code == "signature_unreadable"


@pytest.mark.parametrize(
    ("protected", "code"), [("sha256", "signature_valid"), ("sha512", "signature_unreadable")]
)
def test_rule_S3_the_algorithms_are_those_protected(
    forge: Forge, protected: str, code: str
) -> None:
    def protect(values: dict[str, Any]) -> None:
        values["cms_algorithm_protection"] = cms.CMSAlgorithmProtection(
            {
                "digest_algorithm": algos.DigestAlgorithm({"algorithm": protected}),
                "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
            }
        )

    assert forge.check(attributes=protect) == code


def test_rule_S3_rsa_in_its_forms_is_accepted(forge: Forge) -> None:
    key = new_rsa_key()
    signer = forge.authority.issue(key=key)
    for mechanism in ("sha256_rsa", "rsassa_pkcs1v15"):
        code = forge.check(
            signer=signer,
            mechanism=mechanism,
            sign=lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256()),
        )
        assert code == "signature_valid"

    def pss(info: dict[str, Any]) -> None:
        parameters = algos.RSASSAPSSParams(
            {
                "hash_algorithm": {"algorithm": "sha256"},
                "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": {"algorithm": "sha256"}},
                "salt_length": 32,
            }
        )
        info["signature_algorithm"] = algos.SignedDigestAlgorithm(
            {"algorithm": "rsassa_pss", "parameters": parameters}
        )

    code = forge.check(
        signer=signer,
        signer_info=pss,
        sign=lambda data: key.sign(
            data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()
        ),
    )
    assert code == "signature_valid"


def test_rule_S3_ed25519_is_accepted(forge: Forge) -> None:
    key: Any = ed25519.Ed25519PrivateKey.generate()
    code = forge.check(
        signer=forge.authority.issue(key=key),
        digest="sha512",
        mechanism="ed25519",
        sign=key.sign,
    )
    assert code == "signature_valid"


def test_rule_S4_the_content_type_is_signed(forge: Forge) -> None:
    def other(values: dict[str, Any]) -> None:
        values["content_type"] = "tst_info"

    def missing(values: dict[str, Any]) -> None:
        del values["content_type"]

    assert forge.check(attributes=other) == "file_tampered"
    assert forge.check(attributes=missing) == "signature_unreadable"


def test_rule_S4_the_digest_is_signed_once(forge: Forge) -> None:
    def wrong(values: dict[str, Any]) -> None:
        values["message_digest"] = bytes(32)

    def missing(values: dict[str, Any]) -> None:
        del values["message_digest"]

    def twice(values: dict[str, Any]) -> None:
        values["message_digest"] = [bytes(32), values["message_digest"]]

    assert forge.check(attributes=wrong) == "file_tampered"
    assert forge.check(attributes=missing) == "signature_unreadable"
    assert forge.check(attributes=twice) == "signature_unreadable"


def test_rule_S5_the_signature_is_the_named_keys(forge: Forge) -> None:
    other: Any = forge.authority.issue().key
    code = forge.check(sign=lambda data: other.sign(data, ec.ECDSA(hashes.SHA256())))
    assert code == "file_tampered"


def test_rule_S5_attributes_added_later_break_it(forge: Forge) -> None:
    def later(info: dict[str, Any]) -> None:
        time = cms.Time({"utc_time": NOW})
        attribute = cms.CMSAttribute({"type": "signing_time", "values": [time]})
        info["signed_attrs"] = cms.CMSAttributes([*info["signed_attrs"], attribute])

    assert forge.check(signer_info=later) == "file_tampered"


@pytest.mark.parametrize(
    ("same", "code"), [(True, "signature_valid"), (False, "certificate_untrusted")]
)
@pytest.mark.parametrize("version", ["v1", "v2", "v2-sha512"])
def test_rule_S6_the_certificate_is_the_one_signed(
    forge: Forge, version: str, same: bool, code: str
) -> None:
    named = _der(forge.signer if same else forge.authority.issue())

    def name(values: dict[str, Any]) -> None:
        if version == "v1":
            values["signing_certificate"] = tsp.SigningCertificate(
                {"certs": [{"cert_hash": named.sha1}]}
            )
        elif version == "v2":
            values["signing_certificate_v2"] = tsp.SigningCertificateV2(
                {"certs": [{"cert_hash": named.sha256}]}
            )
        else:
            digest = hashes.Hash(hashes.SHA512())
            digest.update(named.dump())
            values["signing_certificate_v2"] = tsp.SigningCertificateV2(
                {
                    "certs": [
                        {
                            "hash_algorithm": {"algorithm": "sha512"},
                            "cert_hash": digest.finalize(),
                        }
                    ]
                }
            )

    assert forge.check(attributes=name) == code


def test_rule_S7_the_certificate_is_judged_last(forge: Forge, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "CA lạ").issue()
    key: Any = stranger.key
    sign = lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))  # noqa: E731
    assert forge.check(signer=stranger, sign=sign) == "certificate_untrusted"

    def wrong(values: dict[str, Any]) -> None:
        values["message_digest"] = bytes(32)

    assert forge.check(signer=stranger, sign=sign, attributes=wrong) == "file_tampered"
