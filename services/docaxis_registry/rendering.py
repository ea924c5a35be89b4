"""Rows of the registry's view as the messages of its RPCs."""

from collections.abc import Iterable, Mapping, Sequence

from docaxis_proto import registry_v1_pb2 as rpc
from docaxis_registry.codec import CODEC
from docaxis_registry.domain import (
    AccountState,
    OrganisationState,
    RecipientGroupState,
    SystemState,
)
from docaxis_registry.domain.levels import level_on
from docaxis_registry.people import Card
from docaxis_registry.queries import Meant, SystemsSnapshot


def resolution(
    asked: str, meant: Meant | None, day: str, suggestions: Sequence[str] = ()
) -> rpc.Resolution:
    """What a code or id means on a day; where it is of a merged one, that is told beside."""
    if meant is None:
        return rpc.Resolution(asked=asked, suggestions=suggestions)
    merged = meant.merged_from
    return rpc.Resolution(
        asked=asked,
        organisation=organisation(Meant(meant.organisation), day),
        merged_from=organisation(Meant(meant.organisation, merged), day) if merged else None,
    )


def organisation(meant: Meant, day: str) -> rpc.Organisation:
    """An organisation itself; where it was merged by the day, with the one that it became."""
    state: OrganisationState = meant.merged_from or meant.organisation
    present = level_on(state.levels, day)
    merged = meant.merged_from is not None
    into = meant.organisation if merged else None
    return rpc.Organisation(
        organisation_id=state.organisation_id,
        code=state.code,
        name=state.name,
        level=present.level if present else 0,
        level_since=present.since if present else "",
        kind=state.kind,
        parent_code=state.parent_code,
        aliases=[CODEC.to_message(alias) for alias in state.aliases],
        locked=state.locked,
        signature_policies=state.policies,
        state="merged" if merged else "locked" if state.locked else "active",
        merged_into_id=into.organisation_id if into else "",
        merged_into_code=into.code if into else "",
        merged_on=state.merged_on,
        levels=[rpc.DatedLevel(level=each.level, since=each.since) for each in state.levels],
    )


def system(state: SystemState, snapshot: SystemsSnapshot) -> rpc.System:
    """A system with its credentials and the codes that it serves."""
    return rpc.System(
        system_id=state.system_id,
        name=state.name,
        connection=state.connection,
        organisation_ids=state.organisation_ids,
        credentials=[
            rpc.Credential(
                credential_id=each,
                public_jwk=jwk,
                kind=state.kinds.get(each, ""),
                not_before=state.validity.get(each, (0, 0))[0],
                not_after=state.validity.get(each, (0, 0))[1],
            )
            for each, jwk in state.credentials.items()
        ],
        locked=state.locked,
        organisation_codes=[snapshot.codes.get(each, "") for each in state.organisation_ids],
        onboarding=state.onboarding,
        security_level=state.security_level,
        security_level_since=state.security_level_since,
        last_seen=state.last_seen,
    )


def group(state: RecipientGroupState, known: Mapping[str, Meant], day: str) -> rpc.RecipientGroup:
    """A group with those whom its members are on a day, each once."""
    owner = known.get(state.owner_organisation_id)
    found = [known[each].organisation for each in state.member_ids if each in known]
    return rpc.RecipientGroup(
        group_id=state.group_id,
        owner_organisation_id=state.owner_organisation_id,
        name=state.name,
        member_ids=state.member_ids,
        owner_code=(owner.merged_from or owner.organisation).code if owner else "",
        members=[organisation(Meant(each), day) for each in _each_once(found)],
    )


def account(
    state: AccountState,
    card: Card | None,
    organisations: Mapping[str, OrganisationState],
    day: str,
) -> rpc.Account:
    """An account with its person, as far as there is one, and its roles as they are on a day."""
    codes = {id: each.code for id, each in organisations.items()}
    shut = {id for id, each in organisations.items() if each.locked}
    person = rpc.Person(name=card.name, email=card.email, phone=card.phone) if card else None
    return rpc.Account(
        account_id=state.account_id,
        organisation_id=state.organisation_id,
        organisation_code=codes.get(state.organisation_id, ""),
        login=card.login if card else "",
        person=person,
        state=state.state,
        roles=[
            rpc.HeldRole(
                role=each.role,
                organisation_id=each.organisation_id,
                organisation_code=codes.get(each.organisation_id, ""),
                valid_from=each.valid_from,
                valid_until=each.valid_until,
                in_force=state.in_force(each, day) and each.organisation_id not in shut,
            )
            for each in state.roles
        ],
    )


def _each_once(found: Iterable[OrganisationState]) -> Iterable[OrganisationState]:
    return {each.organisation_id: each for each in found}.values()
