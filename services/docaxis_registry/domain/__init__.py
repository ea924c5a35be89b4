"""The rules of the registry: `decide` and `evolve`, and what they work on.

Organisations (`organisations`) and who holds which code (`codes`):

1.  A code is groups of A-Z and 0-9 joined by dots, at most 35 characters. The reversed form of
    QCVN 102 (`000.00.00.H29`) may be an alias, never the code.
2.  A name has 1-200 characters, a level is 1-4, dates are full-dates, an alias does not end before
    it begins, and an entry names a code once: else `field_invalid`.
3.  The id of a new organisation is computed from its first code and never changes; codes do. An
    entry that names the id of an organisation changes it.
4.  A code belongs to one organisation: `code_taken` where another has it as its code, or as an
    alias that has not ended.
5.  Aliases of different organisations with the same code never overlap in time, and an alias that
    is another's code has ended: else `alias_taken`.
6.  A parent's code is held by another organisation today, perhaps by one that came earlier in the
    same command: else `parent_unknown`.
7.  Each entry is answered for itself: one that does not hold keeps none of the others back. What
    holds makes one event.
8.  An entry that tells nothing new is `unchanged` and makes no event.
9.  A code that an organisation leaves stays its alias and is not taken up again, so that an old
    import file undoes no change. Aliases are never forgotten: they end.
10. Locking what is locked, or unlocking what is not, changes nothing.
11. A signature policy is `advisory` or `required`: else `policy_unknown`.

Systems (`systems`):

12. A system has a name and is connected `direct` or by `lgsp`, or is an administrator
    (`administration`); registering it again changes nothing.
13. It serves organisations that are registered, each named once, at most 4,000.
14. It has at most 16 credentials; one that it has is not added again.
15. A credential that was revoked never comes back.
16. Locking what is locked, or unlocking what is not, changes nothing.
17. A credential is a public key, a client certificate's thumbprint or the name of a shared secret.
    Of a kind that is no key, nothing but id and kind is told.
18. An administrator serves no organisation.
"""

from collections.abc import Mapping

from docaxis_eventsourcing.decider import Decider, Decision, Moment, State, id_of, kind_of
from docaxis_eventsourcing.moments import day_in_vietnam
from docaxis_registry.domain import codes, organisations, systems
from docaxis_registry.domain.codes import CodeState
from docaxis_registry.domain.messages import (
    Command,
    Event,
    LockOrganisation,
    OrganisationLocked,
    OrganisationsRegistered,
    RegisterOrganisations,
    SetSignaturePolicy,
    SignaturePolicySet,
)
from docaxis_registry.domain.organisations import OrganisationState
from docaxis_registry.domain.systems import SystemState

AnyState = OrganisationState | CodeState | SystemState
STATES: Mapping[str, type] = {
    "organisation": OrganisationState,
    "code": CodeState,
    "system": SystemState,
}


def initial(name: str) -> AnyState:
    """The state of an aggregate to which nothing has happened."""
    state: AnyState = STATES[kind_of(name)](id_of(name))
    return state


def aggregates(command: Command) -> tuple[str, ...]:
    """The aggregates that a command names."""
    match command:
        case RegisterOrganisations():
            return organisations.aggregates(command)
        case LockOrganisation() | SetSignaturePolicy():
            return (f"organisation/{command.organisation_id}",)
        case _:
            return systems.aggregates(command)


def touched(event: Event) -> tuple[str, ...]:
    """The aggregates that an event names."""
    match event:
        case OrganisationsRegistered():
            return organisations.touched(event)
        case OrganisationLocked() | SignaturePolicySet():
            return (f"organisation/{event.organisation_id}",)
        case _:
            return (f"system/{event.system_id}",)


def decide(states: Mapping[str, State], facts: Moment, command: Command) -> Decision:
    """What a command does to these states."""
    match command:
        case RegisterOrganisations():
            return organisations.register(states, day_in_vietnam(facts.now), command)
        case LockOrganisation():
            return organisations.lock(states[f"organisation/{command.organisation_id}"], command)
        case SetSignaturePolicy():
            state = states[f"organisation/{command.organisation_id}"]
            return organisations.set_policy(state, command)
        case _:
            return systems.decide(states, command)


def evolve(state: AnyState, event: Event) -> AnyState:
    """One aggregate after an event that names it."""
    match event:
        case OrganisationsRegistered() | OrganisationLocked() | SignaturePolicySet():
            if isinstance(state, SystemState):
                return state
            return organisations.evolve_any(state, event)
        case _:
            return systems.evolve(state, event) if isinstance(state, SystemState) else state


DECIDER = Decider(
    service="registry",
    fold_version=2,
    states=STATES,
    aggregates=aggregates,
    touched=touched,
    initial=initial,
    decide=decide,
    evolve=evolve,
)

__all__ = [
    "DECIDER",
    "STATES",
    "AnyState",
    "CodeState",
    "OrganisationState",
    "SystemState",
    "aggregates",
    "codes",
    "decide",
    "evolve",
    "initial",
    "touched",
]
