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
    OrganisationsRegistered,
    SignaturePolicySet,
    SystemLocked,
    SystemRegistered,
    SystemServes,
)
from docaxis_routing.codec import REGISTRY_EVENTS
from docaxis_routing.domain.facts import Resolved, RoutingFacts
from docaxis_routing.domain.messages import CheckDocument, ResolveSlice, SubmitDocument
from docaxis_routing.recipient_slices import RecipientSlices

ORGANISATIONS, CODES, SYSTEMS = "organisations", "codes", "systems"
_CHUNK = 500
_MOST_SUGGESTED = 20
"""Unknown codes of one command for which others are suggested: it is a search for each."""
REGISTRY_PARTITION = 0
"""The registry has one partition (rule L3)."""


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """An organisation as routing needs it. Policies are by document type; "" is the default."""

    organisation_id: str
    code: str
    name: str
    locked: bool = False
    policies: dict[str, str] = field(default_factory=dict)


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


_read_organisation = msgspec.msgpack.Decoder(OrganisationRow).decode
_read_claims = msgspec.msgpack.Decoder(tuple[CodeClaim, ...]).decode
_read_system = msgspec.msgpack.Decoder(SystemRow).decode


def _keys(event: Any, _: Envelope) -> Iterable[tuple[str, str]]:
    match event:
        case OrganisationsRegistered():
            return [key for entry in event.entries for key in _keys_of(entry)]
        case OrganisationLocked() | SignaturePolicySet():
            return ((ORGANISATIONS, event.organisation_id),)
        case SystemServes() | SystemLocked():
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
        case SystemServes() | SystemLocked():
            if row := rows.get(SYSTEMS, event.system_id):
                before_system = _read_system(row.blob)
                _put_system(
                    rows,
                    replace(before_system, locked=event.locked)
                    if isinstance(event, SystemLocked)
                    else replace(before_system, organisation_ids=tuple(event.organisation_ids)),
                )


def _register(rows: Rows, entry: OrganisationEntry) -> None:
    """What is registered again keeps its locks and policies; codes that it had stay its own."""
    row = rows.get(ORGANISATIONS, entry.organisation_id)
    before = (
        _read_organisation(row.blob)
        if row
        else OrganisationRow(entry.organisation_id, entry.code, entry.name)
    )
    _put(rows, replace(before, code=entry.code, name=entry.name))
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
    version=2,
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
        self._expire_after_ms = expire_after_ms
        self._slices = slices

    async def of(self, requests: Sequence[Request]) -> list[RoutingFacts]:
        """The facts of a batch of commands; raises `Unavailable` where they cannot be had."""
        return [await self._one(request) for request in requests]

    async def _one(self, request: Request) -> RoutingFacts:
        command = request.command
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
            command.recipient_codes, organisations, command.brief.type_name
        )
        return RoutingFacts(
            request.now,
            request.command_id,
            system_known=system is not None,
            system_locked=system is not None and system.locked,
            serves_sender=sender is not None
            and system is not None
            and sender.organisation_id in system.organisation_ids,
            sender_locked=sender is not None and sender.locked,
            recipients=recipients,
        )

    async def _slice(self, request: Request, command: ResolveSlice) -> RoutingFacts:
        codes = await self._slices.codes(
            command.brief.document_id, command.recipients_file, command.slice
        )
        try:
            organisations = await self.resolve(codes, request.now)
        except DocaxisError as error:
            raise Unavailable(f"the registry's view: {error.code}") from error
        recipients = await self._recipients(codes, organisations, command.brief.type_name)
        return RoutingFacts(request.now, request.command_id, recipients=recipients)

    async def _recipients(
        self,
        codes: Sequence[str],
        organisations: Mapping[str, OrganisationRow],
        document_type: str,
    ) -> dict[str, Resolved]:
        unknown = [code for code in codes if code not in organisations][:_MOST_SUGGESTED]
        suggestions = {code: await self._suggestions(code) for code in unknown}
        return {
            code: _resolved(organisations[code], document_type)
            if code in organisations
            else Resolved(suggestions=suggestions.get(code, ()))
            for code in codes
        }

    async def resolve(self, codes: Sequence[str], now: int) -> Mapping[str, OrganisationRow]:
        """The organisations that these codes or aliases name at a moment (Unix ms, UTC+7 days)."""
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
        rows = await self._get_many(ORGANISATIONS, sorted(set(by_code.values())))
        return {
            code: _read_organisation(rows[organisation_id].blob)
            for code, organisation_id in by_code.items()
            if organisation_id in rows
        }

    async def _get_many(self, table: str, keys: Sequence[str]) -> dict[str, Row]:
        found: dict[str, Row] = {}
        for start in range(0, len(keys), _CHUNK):
            found |= await self._reader.get_many(table, keys[start : start + _CHUNK])
        return found

    async def _system(self, system_id: str) -> SystemRow | None:
        row = await self._reader.get_passing_end(SYSTEMS, system_id, REGISTRY_PARTITION)
        return _read_system(row.blob) if row else None

    async def _suggestions(self, code: str) -> tuple[str, ...]:
        """Known codes that are like an unknown one."""
        near = await self._reader.range(
            CODES, RowRange("", at_least=code[:1], at_most=code[:1] + "\uffff", limit=500)
        )
        return tuple(get_close_matches(code, [row.key for row in near], n=3, cutoff=0.5))


def _resolved(organisation: OrganisationRow, document_type: str) -> Resolved:
    policy = organisation.policies.get(document_type, organisation.policies.get("", "advisory"))
    return Resolved(organisation.organisation_id, organisation.locked, policy == "required")
