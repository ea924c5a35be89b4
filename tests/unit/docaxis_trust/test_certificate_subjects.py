import pytest
from asn1crypto import x509

from docaxis_trust.certificate_subjects import subject_of

AGENCY = "Bộ Tài chính (mẫu)"


def certificate(**names: str) -> x509.Certificate:
    """Make just enough of a certificate to read a subject from."""
    return x509.Certificate({"tbs_certificate": {"subject": x509.Name.build(names)}})


@pytest.mark.parametrize(
    "personal",
    [
        {"surname": "Nguyễn"},
        {"given_name": "Văn A"},
        {"pseudonym": "Chuyên viên"},
        {"user_id": "CCCD:001099000000"},
        {"user_id": "cmnd:012345678"},
    ],
)
def test_rule_N1_a_persons_name_or_number_makes_it_a_persons(personal: dict[str, str]) -> None:
    subject = subject_of(
        certificate(
            common_name=AGENCY,
            organization_name=AGENCY,
            organization_identifier="VATVN-0000000000",
            **personal,
        )
    )
    assert not subject.is_seal


@pytest.mark.parametrize(
    "of_organisation",
    [{"organization_identifier": "VATVN-0000000000"}, {"user_id": "MST:0000000000"}],
)
def test_rule_N2_an_organisations_number_makes_it_a_seal(of_organisation: dict[str, str]) -> None:
    subject = subject_of(certificate(common_name="Con dấu", **of_organisation))
    assert subject.is_seal


def test_rule_N3_an_organisation_under_its_own_name_is_a_seal() -> None:
    assert subject_of(certificate(common_name=AGENCY.upper(), organization_name=AGENCY)).is_seal


@pytest.mark.parametrize(
    "names",
    [
        {"common_name": "Người ký mẫu 1", "organization_name": AGENCY},
        {"organization_name": AGENCY},
        {"common_name": "Hệ thống QLVB"},
        {},
    ],
)
def test_rule_N4_a_seal_is_never_assumed(names: dict[str, str]) -> None:
    assert not subject_of(certificate(**names)).is_seal


def test_names_come_in_nfc_without_control_characters_and_bounded() -> None:
    decomposed = "Người ký\u202e\x00 " + "x" * 500
    subject = subject_of(certificate(common_name=decomposed, organization_name="Bộ"))
    assert subject.common_name.startswith("Người ký x")
    assert len(subject.common_name) <= 200
    assert subject.organisation_name == "Bộ"


def test_of_several_names_the_last_counts() -> None:
    name = x509.Name.build({"common_name": "một"})
    for more in ("hai", "ba"):
        name.chosen.append(x509.Name.build({"common_name": more}).chosen[0])
    subject = subject_of(x509.Certificate({"tbs_certificate": {"subject": name}}))
    assert subject.common_name == "ba"
