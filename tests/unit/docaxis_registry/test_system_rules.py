import pytest

from docaxis_eventsourcing.decider import AlreadyDecided, Decided, Refused
from docaxis_registry.domain.messages import (
    AddCredential,
    CredentialAdded,
    CredentialRevoked,
    LockSystem,
    RegisterSystem,
    RevokeCredential,
    SetServedOrganisations,
    SystemLocked,
    SystemRegistered,
    SystemServes,
)
from docaxis_registry.domain.organisations import first_id
from docaxis_registry.domain.systems import MOST_CREDENTIALS, MOST_ORGANISATIONS
from tests.unit.docaxis_registry.samples import PUBLIC_JWK, Registry, entry

H29, H57 = first_id("H29"), first_id("H57")


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.results(entry("H29"), entry("H57"))
    return registry


def connected(registry: Registry) -> Registry:
    registry.do(RegisterSystem("s", "QLVB", "direct", (H29,)))
    return registry


def test_rule_12_a_system_is_connected_directly_or_by_a_platform(registry: Registry) -> None:
    for connection in ("direct", "lgsp"):
        command = RegisterSystem(f"s-{connection}", "QLVB", connection, (H29,))
        event = SystemRegistered(f"s-{connection}", "QLVB", connection, (H29,))
        assert registry.do(command) == Decided((event,))
    wrong = registry.do(RegisterSystem("t", "QLVB", "radio", ()))
    assert isinstance(wrong, Refused)
    assert (wrong.code, wrong.pointer) == ("field_invalid", "/connection")
    nameless = registry.do(RegisterSystem("t", " ", "direct", ()))
    assert isinstance(nameless, Refused)
    assert (nameless.code, nameless.pointer) == ("field_invalid", "/name")


def test_rule_12_registering_again_changes_nothing(registry: Registry) -> None:
    connected(registry)
    assert registry.do(RegisterSystem("s", "Khác", "lgsp", (H57,))) == AlreadyDecided()
    assert registry.state("system/s").organisation_ids == (H29,)


def test_rule_12_an_unknown_system_has_no_credentials(registry: Registry) -> None:
    for command in (
        AddCredential("s", "k", PUBLIC_JWK),
        RevokeCredential("s", "k"),
        LockSystem("s", True),
        SetServedOrganisations("s", (H29,)),
    ):
        assert registry.do(command) == Refused("system_unknown", pointer="/system_id")


def test_rule_13_it_serves_registered_organisations_each_named_once(registry: Registry) -> None:
    unknown = Refused("unknown_organisation", {"organisation": "x"}, "/organisation_ids/1")
    assert registry.do(RegisterSystem("s", "QLVB", "direct", (H29, "x"))) == unknown
    connected(registry)
    assert registry.do(SetServedOrganisations("s", (H29, "x"))) == unknown
    twice = registry.do(SetServedOrganisations("s", (H29, H57, H29)))
    assert isinstance(twice, Refused)
    assert (twice.code, twice.pointer) == ("field_invalid", "/organisation_ids/2")
    many = registry.do(SetServedOrganisations("s", (H29,) * (MOST_ORGANISATIONS + 1)))
    assert isinstance(many, Refused)
    assert many.code == "too_many_items"


def test_rule_13_what_it_serves_is_replaced(registry: Registry) -> None:
    connected(registry)
    change = SetServedOrganisations("s", (H57, H29))
    assert registry.do(change) == Decided((SystemServes("s", (H57, H29)),))
    assert registry.do(change) == AlreadyDecided()


def test_rule_14_a_credential_is_added_once(registry: Registry) -> None:
    connected(registry)
    add = AddCredential("s", "k", PUBLIC_JWK)
    assert registry.do(add) == Decided((CredentialAdded("s", "k", PUBLIC_JWK),))
    assert registry.do(add) == AlreadyDecided()
    for number in range(1, MOST_CREDENTIALS):
        registry.do(AddCredential("s", f"k{number}", PUBLIC_JWK))
    more = registry.do(AddCredential("s", "more", PUBLIC_JWK))
    assert isinstance(more, Refused)
    assert more.code == "too_many_items"


def test_rule_15_a_revoked_credential_never_comes_back(registry: Registry) -> None:
    connected(registry)
    revoke = RevokeCredential("s", "k")
    assert registry.do(revoke) == Refused("credential_unknown", pointer="/credential_id")
    registry.do(AddCredential("s", "k", PUBLIC_JWK))
    assert registry.do(revoke) == Decided((CredentialRevoked("s", "k"),))
    assert registry.do(revoke) == AlreadyDecided()
    again = registry.do(AddCredential("s", "k", PUBLIC_JWK))
    assert again == Refused("credential_revoked", pointer="/public_jwk")
    assert registry.state("system/s").credentials == {}


def test_rule_16_locking_is_told_once(registry: Registry) -> None:
    connected(registry)
    assert registry.do(LockSystem("s", False)) == AlreadyDecided()
    assert registry.do(LockSystem("s", True)) == Decided((SystemLocked("s", True),))
    assert registry.do(LockSystem("s", True)) == AlreadyDecided()


def test_rule_17_of_a_secret_or_certificate_only_id_and_kind_are_told(registry: Registry) -> None:
    connected(registry)
    for kind in ("hmac", "certificate"):
        add = AddCredential("s", kind, "what a client slipped in", kind=kind)
        assert registry.do(add) == Decided((CredentialAdded("s", kind, "", kind=kind),))
    assert registry.state("system/s").kinds == {"hmac": "hmac", "certificate": "certificate"}
    for kind in ("", "certificate"):
        other = registry.do(AddCredential("s", "hmac", PUBLIC_JWK, not_after=2**50, kind=kind))
        assert isinstance(other, Refused), "the kind never changes, not even with other dates"
        assert (other.code, other.pointer) == ("field_invalid", "/kind")
    longer = AddCredential("s", "hmac", "", not_after=2**50, kind="hmac")
    assert registry.do(longer) == Decided(
        (CredentialAdded("s", "hmac", "", not_after=2**50, kind="hmac"),)
    ), "rule 27 holds for all kinds"
    wrong = registry.do(AddCredential("s", "x", "", kind="password"))
    assert isinstance(wrong, Refused)
    assert (wrong.code, wrong.pointer) == ("field_invalid", "/kind")
    registry.do(RevokeCredential("s", "hmac"))
    assert registry.state("system/s").kinds == {"certificate": "certificate"}
    again = registry.do(AddCredential("s", "hmac", "", kind="hmac"))
    assert isinstance(again, Refused), "rule 15 holds for all kinds"


def test_rule_18_an_administrator_serves_no_organisation(registry: Registry) -> None:
    serving = registry.do(RegisterSystem("a", "Quản trị", "administration", (H29,)))
    assert isinstance(serving, Refused)
    assert (serving.code, serving.pointer) == ("field_invalid", "/organisation_ids")
    registry.do(RegisterSystem("a", "Quản trị", "administration", ()))
    later = registry.do(SetServedOrganisations("a", (H29,)))
    assert isinstance(later, Refused)
    assert later.pointer == "/organisation_ids"
