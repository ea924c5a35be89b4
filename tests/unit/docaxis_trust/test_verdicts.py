import pytest

from docaxis_trust.verdicts import CODES, SignatureFound, Verdict, unreadable, verdict_of


def finding(code: str) -> SignatureFound:
    return SignatureFound(
        "cms", "Người ký", "Cơ quan", "ab" * 32, "", CODES[code], code, False, True
    )


def test_rule_V1_a_file_without_signatures_is_unsigned() -> None:
    verdict = verdict_of([], "00" * 32)
    assert (verdict.status, verdict.code, verdict.signatures) == ("unsigned", "file_unsigned", ())
    assert verdict.digest == "00" * 32


def test_rule_V2_it_is_valid_only_when_every_signature_is() -> None:
    both = [finding("signature_valid"), finding("signature_valid")]
    assert verdict_of(both, "").code == "signature_valid"
    for code in CODES:
        if code not in ("signature_valid", "file_unsigned"):
            assert verdict_of([*both, finding(code)], "").code == code


def test_rule_V3_the_worst_finding_decides_in_whatever_order_they_come() -> None:
    codes = [code for code in CODES if code != "file_unsigned"]
    for position, worst in enumerate(codes):
        others = [finding(code) for code in codes[position:]]
        assert verdict_of(others, "").code == worst
        assert verdict_of(reversed(others), "").code == worst
        assert verdict_of(others, "").status == CODES[worst]


def test_rule_V4_what_could_not_be_read_makes_valid_signatures_indeterminate() -> None:
    verdict = verdict_of([finding("signature_valid"), unreadable("pades")], "")
    assert (verdict.status, verdict.code) == ("indeterminate", "signature_unreadable")
    assert len(verdict.signatures) == 2


def test_status_and_code_cannot_disagree() -> None:
    with pytest.raises(ValueError, match="does not belong"):
        Verdict("valid", "file_tampered", (), "")
    with pytest.raises(ValueError, match="does not belong"):
        Verdict("valid", "made_up", (), "")
    with pytest.raises(ValueError, match="unknown kind"):
        SignatureFound("xml", "", "", "", "", "valid", "signature_valid", False, True)
