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
14. It has at most 16 credentials; one that it has is not added again (rule 27: unless its dates
    change).
15. A credential that was revoked never comes back.
16. Locking what is locked, or unlocking what is not, changes nothing.
17. A credential is a public key, a client certificate's thumbprint or the name of a shared secret.
    Of a kind that is no key, nothing but id and kind is told. Its kind never changes.
18. An administrator serves no organisation.

What came later (`levels`, `organisations`, `entries`; `systems`; `groups`):

21. Levels are dated and all are kept: the level on a day is the latest that began by then. An entry
    with another level and no date tells it from today; with the level that holds, nothing new.
22. Organisations are merged into one that is registered and not merged itself, from a full-date on
    (today where none is told). So successors never run in a circle.
23. A merged organisation keeps its codes, for history and replies, and is not changed any more:
    `organisation_merged`.
24. A system comes from `registered` to `testing` to `connected`, and may be tested again: else
    `onboarding_step_invalid`.
25. For `testing` it has a credential, for `connected` also an organisation that it serves: else
    `onboarding_incomplete`.
26. From everywhere it may be `suspended`, and from there tested again, or let back to where it was.
27. A credential counts from one moment to another, which is to come; adding it again with other
    dates changes them.
28. An information-security level is 1-5, with the full-date of its approval.
29. A system is recorded as seen at most once an hour.
30. A recipient group has a name of 1-200 characters, an owner and 1-500 members, all registered,
    each named once.
31. Its owner never changes: another organisation's group is `recipient_group_unknown`.
32. A group that was removed never comes back.

People's accounts (`accounts`); who they are is no part of a command or event:

33. An account belongs to an organisation that is registered and not merged, and stays with it.
34. A login is one account's for ever: else `login_taken`. After an erasure the same name, typed in
    anew, is another login.
35. Registering an account again, with the same organisation and login, changes nothing.
36. A role is one of `ROLES` and is held for an organisation as in rule 33; an auditor's may be for
    the whole axis.
37. It is held from a full-date (today where none is told) until another, both inclusive, or open.
38. Periods of one role for one organisation never overlap (`role_held`); telling one again changes
    nothing. An account has at most 64 of them.
39. Ending a role sets its last day, yesterday where none is told: what was to begin later never
    begins. What ends earlier anyway stays as it is.
40. No role of a locked or erased account counts. Locking what is locked changes nothing.
41. An erased account stays erased, and is not changed any more: `account_erased`.
"""

from collections.abc import Mapping

from docaxis_eventsourcing.decider import Decider, Decision, Moment, State, id_of, kind_of
from docaxis_eventsourcing.moments import day_in_vietnam
from docaxis_registry.domain import accounts, codes, entries, groups, organisations, systems
from docaxis_registry.domain.account_messages import AccountCommand, AccountEvent
from docaxis_registry.domain.accounts import AccountState, LoginState
from docaxis_registry.domain.codes import CodeState
from docaxis_registry.domain.groups import RecipientGroupState
from docaxis_registry.domain.messages import (
    Command,
    Event,
    LockOrganisation,
    MergeOrganisations,
    NoteSystemsSeen,
    OrganisationLocked,
    OrganisationsMerged,
    OrganisationsRegistered,
    RecipientGroupRemoved,
    RecipientGroupSet,
    RegisterOrganisations,
    RemoveRecipientGroup,
    SetRecipientGroup,
    SetSignaturePolicy,
    SignaturePolicySet,
    SystemsSeen,
)
from docaxis_registry.domain.organisations import OrganisationState
from docaxis_registry.domain.systems import SystemState

AnyState = (
    OrganisationState | CodeState | SystemState | RecipientGroupState | AccountState | LoginState
)
STATES: Mapping[str, type] = {
    "organisation": OrganisationState,
    "code": CodeState,
    "system": SystemState,
    "group": RecipientGroupState,
    "account": AccountState,
    "login": LoginState,
}


def initial(name: str) -> AnyState:
    """The state of an aggregate to which nothing has happened."""
    state: AnyState = STATES[kind_of(name)](id_of(name))
    return state


def aggregates(command: Command) -> tuple[str, ...]:
    """The aggregates that a command names."""
    if isinstance(command, AccountCommand):
        return accounts.aggregates(command)
    match command:
        case RegisterOrganisations():
            return organisations.aggregates(command)
        case LockOrganisation() | SetSignaturePolicy():
            return (f"organisation/{command.organisation_id}",)
        case MergeOrganisations():
            named = dict.fromkeys((command.into_organisation_id, *command.organisation_ids))
            return tuple(f"organisation/{each}" for each in named)
        case NoteSystemsSeen():
            return tuple(f"system/{each}" for each in dict.fromkeys(command.system_ids))
        case SetRecipientGroup() | RemoveRecipientGroup():
            return groups.aggregates(command)
        case _:
            return systems.aggregates(command)


def touched(event: Event) -> tuple[str, ...]:
    """The aggregates that an event names."""
    if isinstance(event, AccountEvent):
        return accounts.touched(event)
    match event:
        case OrganisationsRegistered():
            return organisations.touched(event)
        case OrganisationLocked() | SignaturePolicySet():
            return (f"organisation/{event.organisation_id}",)
        case OrganisationsMerged():
            return tuple(f"organisation/{each}" for each in event.organisation_ids)
        case SystemsSeen():
            return tuple(f"system/{each}" for each in event.system_ids)
        case RecipientGroupSet() | RecipientGroupRemoved():
            return (f"group/{event.group_id}",)
        case _:
            return (f"system/{event.system_id}",)


def decide(states: Mapping[str, State], facts: Moment, command: Command) -> Decision:
    """What a command does to these states."""
    if isinstance(command, AccountCommand):
        return accounts.decide(states, day_in_vietnam(facts.now), command)
    match command:
        case RegisterOrganisations():
            return entries.register(states, day_in_vietnam(facts.now), command)
        case MergeOrganisations():
            return organisations.merge(states, day_in_vietnam(facts.now), command)
        case LockOrganisation():
            return organisations.lock(states[f"organisation/{command.organisation_id}"], command)
        case SetSignaturePolicy():
            state = states[f"organisation/{command.organisation_id}"]
            return organisations.set_policy(state, command)
        case NoteSystemsSeen():
            return systems.note_seen(states, facts.now, command)
        case SetRecipientGroup() | RemoveRecipientGroup():
            return groups.decide(states, command)
        case _:
            return systems.decide(states, facts.now, command)


def evolve(state: AnyState, event: Event) -> AnyState:
    """One aggregate after an event that names it."""
    if isinstance(event, AccountEvent):
        if isinstance(state, LoginState):
            return accounts.evolve_login(state, event)
        return accounts.evolve(state, event) if isinstance(state, AccountState) else state
    match event:
        case RecipientGroupSet() | RecipientGroupRemoved():
            return groups.evolve(state, event) if isinstance(state, RecipientGroupState) else state
        case (
            OrganisationsRegistered()
            | OrganisationLocked()
            | SignaturePolicySet()
            | OrganisationsMerged()
        ):
            if isinstance(state, OrganisationState | CodeState):
                return organisations.evolve_any(state, event)
            return state
        case _:
            return systems.evolve(state, event) if isinstance(state, SystemState) else state


DECIDER = Decider(
    service="registry",
    fold_version=3,
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
    "AccountState",
    "AnyState",
    "CodeState",
    "LoginState",
    "OrganisationState",
    "RecipientGroupState",
    "SystemState",
    "aggregates",
    "codes",
    "decide",
    "evolve",
    "initial",
    "touched",
]
