"""The registry's part that routing decides with: codes, locks, policies, who serves whom.

A local view of `docaxis.registry.events` (design section 4), and the facts of `SubmitDocument`
made of it. Before a code is called unknown the view has passed the registry's end, so that an
organisation registered a moment ago is found (rule L28).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import msgspec

from docaxis_eventsourcing.decider import Request
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import DocaxisError, Unavailable
from docaxis_eventsourcing.moments import day_in_vietnam
from docaxis_eventsourcing.ports.read_store import Row, RowRange, Table
from docaxis_eventsourcing.view import Rows, View
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_proto.registry_events_v1_pb2 import (
    OrganisationEntry,
    OrganisationLocked,
    OrganisationsMerged,
    OrganisationsRegistered,
    SignaturePolicySet,
    SystemLocked,
    SystemOnboarded,
    SystemRegistered,
    SystemServes,
)
from docaxis_routing.codec import REGISTRY_EVENTS
from docaxis_routing.domain.facts import Resolved, RoutingFacts
from docaxis_routing.domain.messages import (
    AcknowledgeDeliveries,
    CheckDocument,
    ResolveSlice,
    SubmitDocument,
)
from docaxis_routing.recipient_slices import RecipientSlices
from docaxis_routing.registry_rows import RegistryRows

ORGANISATIONS, CODES, SYSTEMS = "organisations", "codes", "systems"
_CHUNK = 500
_MOST_SUGGESTED = 20
"""Unknown codes of one command for which others are suggested: it is a search for each."""
REGISTRY_PARTITION = 0
"""The registry has one partition (rule L3)."""


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """An organisation as routing needs it. Policies are by document type; "" is the default.

    `levels` are (full-date since when, level), by date; "" is from the beginning.
    """

    organisation_id: str
    code: str
    name: str
    locked: bool = False
    policies: dict[str, str] = field(default_factory=dict)
    levels: tuple[tuple[str, int], ...] = ()
    merged_into: str = ""
    """Id of the organisation that it is part of, from `merged_on` (full-date) on."""
    merged_on: str = ""
    is_successor: bool = False
    """Never stored: it stands here for one that was merged into it."""

    def level_on(self, day: str) -> int:
        """Its level on a day; before the first known one, that one; 0 where none is known."""
        held = [level for since, level in self.levels if since <= day]
        return held[-1] if held else next((level for _, level in self.levels), 0)


@dataclass(frozen=True, slots=True)
class CodeClaim:
    """One organisation's hold on a code, within dates (RFC 3339 full-date; empty: open).

    A code's row holds the claims of all organisations, at most one each: today's holder, and those
    whom it meant before.
    """

    organisation_id: str
    is_code: bool = True
    """Its own code; else an alias."""
    valid_from: str = ""
    valid_until: str = ""

    def valid_on(self, day: str) -> bool:
        """Whether the code names its organisation on a day, both ends included."""
        return self.valid_from <= day and (not self.valid_until or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class SystemRow:
    """A system: whether locked, and whom it serves."""

    system_id: str
    organisation_ids: tuple[str, ...]
    locked: bool = False
    suspended: bool = False

    @property
    def shut_out(self) -> bool:
        """Whether it may not act."""
        return self.locked or self.suspended


_read_organisation = msgspec.msgpack.Decoder(OrganisationRow).decode
_read_claims = msgspec.msgpack.Decoder(tuple[CodeClaim, ...]).decode
_read_system = msgspec.msgpack.Decoder(SystemRow).decode


def _keys(event: Any, _: Envelope) -> Iterable[tuple[str, str]]:
    match event:
        case OrganisationsRegistered():
            return [key for entry in event.entries for key in _keys_of(entry)]
        case OrganisationLocked() | SignaturePolicySet():
            return ((ORGANISATIONS, event.organisation_id),)
        case OrganisationsMerged():
            return [(ORGANISATIONS, each) for each in event.organisation_ids]
        case SystemServes() | SystemLocked() | SystemOnboarded():
            return ((SYSTEMS, event.system_id),)
    return ()


def _keys_of(entry: OrganisationEntry) -> Iterable[tuple[str, str]]:
    yield (ORGANISATIONS, entry.organisation_id)
    yield (CODES, entry.code)
    for alias in entry.aliases:
        yield (CODES, alias.code)


def _project(rows: Rows, event: Any, _: Envelope) -> None:
    match event:
        case OrganisationsRegistered():
            for entry in event.entries:
                _register(rows, entry)
        case OrganisationLocked():
            if row := rows.get(ORGANISATIONS, event.organisation_id):
                _put(rows, replace(_read_organisation(row.blob), locked=event.locked))
        case SignaturePolicySet():
            if row := rows.get(ORGANISATIONS, event.organisation_id):
                before = _read_organisation(row.blob)
                policies = dict(
                    sorted({**before.policies, event.document_type: event.policy}.items())
                )
                _put(rows, replace(before, policies=policies))
        case SystemRegistered():
            _put_system(rows, SystemRow(event.system_id, tuple(event.organisation_ids)))
        case OrganisationsMerged():
            into, day = event.into_organisation_id, event.merged_on
            for each in event.organisation_ids:
                if row := rows.get(ORGANISATIONS, each):
                    merged = _read_organisation(row.blob)
                    _put(rows, replace(merged, merged_into=into, merged_on=day))
        case SystemServes() | SystemLocked() | SystemOnboarded():
            if row := rows.get(SYSTEMS, event.system_id):
                _put_system(rows, _changed(_read_system(row.blob), event))


def _changed(row: SystemRow, event: SystemServes | SystemLocked | SystemOnboarded) -> SystemRow:
    match event:
        case SystemServes():
            return replace(row, organisation_ids=tuple(event.organisation_ids))
        case SystemLocked():
            return replace(row, locked=event.locked)
        case SystemOnboarded():
            return replace(row, suspended=event.state == "suspended")


def _register(rows: Rows, entry: OrganisationEntry) -> None:
    """What is registered again keeps its locks and policies; codes that it had stay its own."""
    row = rows.get(ORGANISATIONS, entry.organisation_id)
    before = (
        _read_organisation(row.blob)
        if row
        else OrganisationRow(entry.organisation_id, entry.code, entry.name)
    )
    levels = tuple(sorted({**dict(before.levels), entry.level_since: entry.level}.items()))
    _put(rows, replace(before, code=entry.code, name=entry.name, levels=levels))
    _claim(rows, entry.code, CodeClaim(entry.organisation_id))
    for alias in entry.aliases:
        claim = CodeClaim(entry.organisation_id, False, alias.valid_from, alias.valid_until)
        _claim(rows, alias.code, claim)


def _claim(rows: Rows, code: str, claim: CodeClaim) -> None:
    """An organisation's newest word on a code replaces its former, and nobody else's."""
    row = rows.get(CODES, code)
    others = (
        each
        for each in (_read_claims(row.blob) if row else ())
        if each.organisation_id != claim.organisation_id
    )
    rows.put(CODES, Row(code, msgspec.msgpack.encode((*others, claim))))


def holder_on(claims: Sequence[CodeClaim], day: str) -> str | None:
    """Whom a code meant on a day; a dated alias before an undated code, as in the registry."""
    valid = [each for each in claims if each.valid_on(day)]
    first = min(valid, key=lambda each: each.is_code, default=None)
    return first.organisation_id if first else None


def _put(rows: Rows, organisation: OrganisationRow) -> None:
    rows.put(ORGANISATIONS, Row(organisation.organisation_id, msgspec.msgpack.encode(organisation)))


def _put_system(rows: Rows, system: SystemRow) -> None:
    rows.put(SYSTEMS, Row(system.system_id, msgspec.msgpack.encode(system)))


REGISTRY_VIEW = View(
    service="routing",
    name="registry",
    version=3,
    topic="docaxis.registry.events",
    codec=REGISTRY_EVENTS,
    tables=(Table(ORGANISATIONS), Table(CODES), Table(SYSTEMS)),
    keys=_keys,
    project=_project,
)


class RegistryFacts:
    """Resolves codes and locks for decisions and doors."""

    def __init__(
        self, reader: ViewReader, slices: RecipientSlices, expire_after_ms: int = 0
    ) -> None:
        self._reader = reader
        self._rows = RegistryRows(reader)
        self._expire_after_ms = expire_after_ms
        self._slices = slices

    async def of(self, requests: Sequence[Request]) -> list[RoutingFacts]:
        """The facts of a batch of commands; raises `Unavailable` where they cannot be had."""
        return [await self._one(request) for request in requests]

    async def _one(self, request: Request) -> RoutingFacts:
        command = request.command
        if isinstance(command, AcknowledgeDeliveries):
            level = await self._level(command.organisation_id, request.now)
            return RoutingFacts(request.now, request.command_id, level=level)
        if isinstance(command, ResolveSlice):
            return await self._slice(request, command)
        if isinstance(command, CheckDocument):
            command = command.submission
        if not isinstance(command, SubmitDocument):
            return RoutingFacts(
                request.now, request.command_id, expire_after_ms=self._expire_after_ms
            )
        try:
            system = await self._system(command.brief.system_id)
            organisations = await self.resolve(
                (command.brief.sender_code, *command.recipient_codes), request.now
            )
        except DocaxisError as error:
            raise Unavailable(f"the registry's view: {error.code}") from error
        sender = organisations.get(command.brief.sender_code)
        recipients = await self._recipients(
            command.recipient_codes, organisations, command.brief.type_name, request.now
        )
        return RoutingFacts(
            request.now,
            request.command_id,
            system_known=system is not None,
            system_locked=system is not None and system.shut_out,
            serves_sender=sender is not None
            and system is not None
            and sender.organisation_id in system.organisation_ids,
            sender_locked=sender is not None and sender.locked,
            recipients=recipients,
            level=sender.level_on(day_in_vietnam(request.now)) if sender else 0,
        )

    async def _level(self, organisation_id: str, now: int) -> int:
        """An organisation's level at a moment. Its deliveries exist, so the view has had it."""
        try:
            rows = await self._rows.get_many(ORGANISATIONS, (organisation_id,))
        except DocaxisError as error:
            raise Unavailable(f"the registry's view: {error.code}") from error
        row = rows.get(organisation_id)
        return _read_organisation(row.blob).level_on(day_in_vietnam(now)) if row else 0

    async def _slice(self, request: Request, command: ResolveSlice) -> RoutingFacts:
        codes = await self._slices.codes(
            command.brief.document_id, command.recipients_file, command.slice
        )
        try:
            organisations = await self.resolve(codes, request.now)
        except DocaxisError as error:
            raise Unavailable(f"the registry's view: {error.code}") from error
        recipients = await self._recipients(
            codes, organisations, command.brief.type_name, request.now
        )
        return RoutingFacts(request.now, request.command_id, recipients=recipients)

    async def _recipients(
        self,
        codes: Sequence[str],
        organisations: Mapping[str, OrganisationRow],
        document_type: str,
        now: int,
    ) -> dict[str, Resolved]:
        unknown = [code for code in codes if code not in organisations][:_MOST_SUGGESTED]
        suggestions = {code: await self._suggestions(code, now) for code in unknown}
        return {
            code: _resolved(organisations[code], document_type)
            if code in organisations
            else Resolved(suggestions=suggestions.get(code, ()))
            for code in codes
        }

    async def resolve(self, codes: Sequence[str], now: int) -> Mapping[str, OrganisationRow]:
        """The organisations that these codes or aliases name at a moment (Unix ms, UTC+7 days).

        Instead of one that was merged by then, the organisation that it became.
        """
        wanted = list(dict.fromkeys(codes))
        ids = await self._get_many(CODES, wanted)
        if missing := [code for code in wanted if code not in ids]:
            await self._reader.pass_end(REGISTRY_PARTITION)
            ids |= await self._get_many(CODES, missing)
        day = day_in_vietnam(now)
        by_code = {
            code: holder
            for code, row in ids.items()
            if (holder := holder_on(_read_claims(row.blob), day))
        }
        found = await self._present(set(by_code.values()), day)
        return {code: found[id] for code, id in by_code.items() if id in found}

    async def _present(self, ids: Iterable[str], day: str) -> dict[str, OrganisationRow]:
        """What organisations are on a day, by the ids asked; mergers are followed."""
        known: dict[str, OrganisationRow] = {}
        wanted = set(ids)
        while wanted:
            rows = await self._get_many(ORGANISATIONS, sorted(wanted))
            known |= {id: _read_organisation(row.blob) for id, row in rows.items()}
            successors = (_successor(known[id], day) for id in wanted if id in known)
            wanted = {id for id in successors if id and id not in known}
        found = {}
        for id in ids:
            while id in known and (successor := _successor(known[id], day)) in known:
                known[id] = replace(known[successor], is_successor=True)
            if id in known:
                found[id] = known[id]
        return found

    async def _get_many(self, table: str, keys: Sequence[str]) -> dict[str, Row]:
        found: dict[str, Row] = {}
        for start in range(0, len(keys), _CHUNK):
            found |= await self._rows.get_many(table, keys[start : start + _CHUNK])
        return found

    async def _system(self, system_id: str) -> SystemRow | None:
        row = await self._rows.get_passing_end(SYSTEMS, system_id, REGISTRY_PARTITION)
        return _read_system(row.blob) if row else None

    async def _suggestions(self, code: str, now: int) -> tuple[str, ...]:
        """Codes of today that an unknown one may mean: in capitals, in QCVN 102's order, alike."""
        wanted = code.strip().upper()
        turned = ".".join(each for each in reversed(wanted.split(".")) if each.strip("0"))
        parent, dot, _ = wanted.rpartition(".")
        begin = f"{parent}{dot}" or wanted[:1]
        near = await self._reader.range(
            CODES, RowRange("", at_least=begin, at_most=begin + "\uffff", limit=500)
        )
        alike = get_close_matches(wanted, [row.key for row in near], n=3, cutoff=0.5)
        candidates = [each for each in dict.fromkeys((wanted, turned, *alike)) if each != code]
        held = await self.resolve(candidates, now)
        present = (held[each].code for each in candidates if each in held)
        return tuple(dict.fromkeys(present))[:3]


def _successor(organisation: OrganisationRow, day: str) -> str:
    return organisation.merged_into if organisation.merged_on <= day else ""


def _resolved(organisation: OrganisationRow, document_type: str) -> Resolved:
    policy = organisation.policies.get(document_type, organisation.policies.get("", "advisory"))
    return Resolved(
        organisation.organisation_id,
        organisation.locked,
        policy == "required",
        successor_code=organisation.code if organisation.is_successor else "",
    )
