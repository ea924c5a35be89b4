import msgspec
import pytest

from docaxis_proto import registry_events_v1_pb2
from docaxis_registry.codec import CODEC
from docaxis_registry.domain import STATES
from docaxis_registry.domain import account_messages as a
from docaxis_registry.domain import messages as m
from tests.unit.docaxis_registry.samples import PUBLIC_JWK, Registry, entry

ENTRY = entry("H29", aliases=[("H06", "2025-07-01", "")], parent_code="G22", kind="province")


@pytest.mark.parametrize(
    "told",
    [
        m.OrganisationsRegistered((ENTRY, entry("G22"))),
        m.OrganisationLocked("o", True),
        m.SignaturePolicySet("o", "Công văn", "required"),
        m.SystemRegistered("s", "QLVB", "direct", ("o", "p")),
        m.SystemServes("s", ()),
        m.CredentialAdded("s", "k", PUBLIC_JWK),
        m.CredentialAdded("s", "k", "", 1, 2, "hmac"),
        m.CredentialRevoked("s", "k"),
        m.SystemLocked("s", False),
        m.RegisterOrganisations((ENTRY,)),
        m.OrganisationsAnswer((m.EntryResult("H29", "o", "registered"),)),
        m.LockOrganisation("o", True),
        m.SetSignaturePolicy("o", "", "advisory"),
        m.RegisterSystem("s", "QLVB", "lgsp", ("o",)),
        m.SetServedOrganisations("s", ("o",)),
        m.AddCredential("s", "k", PUBLIC_JWK),
        m.AddCredential("s", "k", "", 1, 2, "certificate"),
        m.RevokeCredential("s", "k"),
        m.LockSystem("s", True),
        a.AccountRegistered("a", "o", "l"),
        a.AccountPersonChanged("a"),
        a.AccountLocked("a", True),
        a.RoleGranted("a", "clerk", "o", "2026-11-22", ""),
        a.RoleEnded("a", "clerk", "", "2026-11-22"),
        a.AccountErased("a", "l"),
        a.RegisterAccount("a", "o", "l"),
        a.NotePersonChanged("a"),
        a.LockAccount("a", False),
        a.GrantRole("a", "auditor", "", "", "2026-11-22"),
        a.EndRole("a", "clerk", "o", ""),
        a.EraseAccount("a"),
    ],
    ids=lambda told: type(told).__name__,
)
def test_what_is_written_is_read_back(told: object) -> None:
    name, data = CODEC.encode(told)
    assert name == f"docaxis.registry.v1.{type(told).__name__}"
    assert CODEC.decode(name, data) == told


def test_every_event_of_the_protocol_is_known() -> None:
    for name in registry_events_v1_pb2.DESCRIPTOR.message_types_by_name:
        assert CODEC.knows(f"docaxis.registry.v1.{name}")


def test_states_are_kept_as_they_are() -> None:
    registry = Registry()
    registry.results(ENTRY, entry("G22", aliases=[("000.00.00.G22",)]))
    registry.do(m.RegisterSystem("s", "QLVB", "direct", ()))
    registry.do(m.AddCredential("s", "k", PUBLIC_JWK))
    registry.do(a.RegisterAccount("a", entry("G22").organisation_id, "l"))
    registry.do(a.GrantRole("a", "clerk", entry("G22").organisation_id))
    assert {"account/a", "login/l"} <= registry.states.keys()
    for name, state in registry.states.items():
        of = STATES[name.partition("/")[0]]
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=of) == state
