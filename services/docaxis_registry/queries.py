"""The queries on the registry's view `directory`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.event_log import START, Position
from docaxis_eventsourcing.ports.read_store import ReadStore, Row, RowRange
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_registry.domain import (
    CodeState,
    OrganisationState,
    RecipientGroupState,
    SystemState,
)
from docaxis_registry.views import (
    COMMON_WORDS,
    DECODERS,
    PARTITION,
    TABLES,
    search_words,
    words_of,
)

_PAGE = 500
_MOST_READ = 5_000
"""Rows that one search reads; what lies behind comes with its cursor."""
_MOST_MERGERS = 32
"""That are followed from an organisation to the one that it is today."""


@dataclass(frozen=True, slots=True)
class OrganisationPage:
    """Organisations in the order of their codes; `after` continues, None at the end."""

    organisations: tuple[OrganisationState, ...]
    after: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class SystemsSnapshot:
    """All systems; following the events from `position` on misses nothing."""

    systems: tuple[SystemState, ...]
    codes: Mapping[str, str]
    """Code by id, of the organisations that they serve."""
    position: Position


@dataclass(frozen=True, slots=True)
class Meant:
    """The organisation that a code or id means on a day, and what it was before its mergers."""

    organisation: OrganisationState
    merged_from: OrganisationState | None = None


@dataclass(frozen=True, slots=True)
class ChangedPage:
    """Organisations in the order of the versions of their last changes."""

    organisations: tuple[OrganisationState, ...]
    after: tuple[int, str] | None
    version: int
    """The view's version before the page was read: all before it is told once `after` is None."""


async def find_organisations(
    reader: ViewReader, ids: Iterable[str]
) -> dict[str, OrganisationState]:
    """The organisations that are registered, by id."""
    return await _found(reader, "organisation", ids)


async def find_codes(reader: ViewReader, codes: Iterable[str]) -> dict[str, CodeState]:
    """Who holds each code, as far as anybody ever did."""
    return await _found(reader, "code", codes)


async def resolve_codes(
    reader: ViewReader, codes: Iterable[str], day: str
) -> dict[str, OrganisationState]:
    """The organisations that codes and aliases meant on a day; what meant none is left out."""
    holders = {
        code: holder
        for code, state in (await find_codes(reader, codes)).items()
        if (holder := state.holder(day))
    }
    organisations = await find_organisations(reader, holders.values())
    return {code: organisations[holder] for code, holder in holders.items()}


async def present(
    reader: ViewReader, organisations: Iterable[OrganisationState], day: str
) -> dict[str, Meant]:
    """What organisations are on a day, by their ids: those they were merged into, perhaps."""
    asked = {each.organisation_id: each for each in organisations}
    known = dict(asked)
    for _ in range(_MOST_MERGERS):
        missing = {
            successor
            for each in known.values()
            if (successor := each.successor_on(day)) and successor not in known
        }
        if not missing:
            break
        known.update(await find_organisations(reader, sorted(missing)))
    return {id: _meant(known, state, day) for id, state in asked.items()}


def _meant(known: Mapping[str, OrganisationState], asked: OrganisationState, day: str) -> Meant:
    found = asked
    for _ in range(_MOST_MERGERS):
        successor = known.get(found.successor_on(day))
        if successor is None:
            break
        found = successor
    return Meant(found, asked if found is not asked else None)


async def present_ids(reader: ViewReader, codes: Iterable[str]) -> dict[str, str]:
    """The organisations whose code (not alias) these are now, as far as the view has seen."""
    claims = {
        code: [claim.organisation_id for claim in state.claims if claim.is_code]
        for code, state in (await find_codes(reader, codes)).items()
    }
    organisations = await find_organisations(reader, [id for ids in claims.values() for id in ids])
    return {
        code: id for code, ids in claims.items() for id in ids if organisations[id].code == code
    }


async def list_organisations(
    reader: ViewReader, query: str, after: tuple[str, str] | None, limit: int
) -> OrganisationPage:
    """Organisations that have all words of the query, or all there are for an empty one."""
    wanted = search_words(query)
    # The rarest word finds the rows: one with digits (a code, a number), else the longest.
    words = sorted(wanted - COMMON_WORDS, key=lambda word: (not word.isalpha(), len(word), word))
    index, equals = ("words", (words[-1],)) if words else ("code", ())
    found: list[OrganisationState] = []
    read = 0
    while read < _MOST_READ:
        size = min(_PAGE, limit) if not wanted else _PAGE
        page = await reader.range("organisations", RowRange(index, equals, after=after, limit=size))
        read += len(page)
        for row in page:
            state: OrganisationState = DECODERS["organisation"].decode(row.blob)
            after = (state.code, state.organisation_id)
            if _has_words(row, words) and _has_common_words(state, wanted):
                found.append(state)
                if len(found) == limit:
                    return OrganisationPage(tuple(found), after)
        if len(page) < size:
            return OrganisationPage(tuple(found), None)
    return OrganisationPage(tuple(found), after)


async def changed_organisations(
    reader: ViewReader, store: ReadStore, since: int, after: tuple[int, str] | None, limit: int
) -> ChangedPage:
    """Organisations that changed after a version.

    What changes while it is paged moves behind the cursor's end and is told there: none is skipped.
    """
    version = await directory_version(reader, store)
    at_least = None if after else since + 1
    ranged = RowRange("version", after=after, at_least=at_least, limit=limit)
    rows = await reader.range("organisations", ranged)
    states = tuple(DECODERS["organisation"].decode(row.blob) for row in rows)
    more = len(rows) == limit
    last = (int(str(rows[-1].fields["version"])), rows[-1].key) if more else None
    return ChangedPage(states, last, version)


async def directory_version(reader: ViewReader, store: ReadStore) -> int:
    """The version that the view's rows, read from now on, are not older than."""
    await reader.get("systems", "")  # waits until a space serves
    position = await store.checkpoint(reader.space, PARTITION)
    return (position or START).version


async def find_groups(reader: ViewReader, ids: Iterable[str]) -> dict[str, RecipientGroupState]:
    """Recipient groups that exist, by id."""
    found: dict[str, RecipientGroupState] = await _found(reader, "group", ids)
    return {id: each for id, each in found.items() if each.exists}


async def groups_of(reader: ViewReader, owners: Iterable[str]) -> list[RecipientGroupState]:
    """The recipient groups of some organisations."""
    rows = [row for owner in owners for row in await reader.every("groups", "owner", (owner,))]
    return [DECODERS["group"].decode(row.blob) for row in rows]


async def snapshot_systems(reader: ViewReader, store: ReadStore) -> SystemsSnapshot:
    """All systems, and a position that is not behind any of the rows read (L29).

    The checkpoint is read before the rows, of the space that they come from: what was applied in
    between is told again by the events, never left out. A space that a rebuild has exchanged
    meanwhile does not count.
    """
    for _ in range(3):
        await reader.get("systems", "")  # waits until a space serves
        space = reader.space
        position = await store.checkpoint(space, PARTITION) or START
        rows = await reader.every("systems")
        systems = tuple(DECODERS["system"].decode(row.blob) for row in rows)
        served = {id for system in systems for id in system.organisation_ids}
        organisations = await find_organisations(reader, sorted(served))
        if reader.space == space:
            codes = {id: organisation.code for id, organisation in organisations.items()}
            return SystemsSnapshot(systems, codes, position)
    raise DocaxisError("read_stale", retry_after_s=1.0)


def _has_words(row: Row, words: Sequence[str]) -> bool:
    found = row.fields.get("words")
    return isinstance(found, tuple) and set(words) <= set(found)


def _has_common_words(state: OrganisationState, wanted: set[str]) -> bool:
    """Those that are not indexed."""
    common = wanted & COMMON_WORDS
    return not common or common <= words_of(state)


async def _found(reader: ViewReader, kind: str, keys: Iterable[str]) -> dict[str, Any]:
    wanted = list(dict.fromkeys(keys))
    decode: Callable[[bytes], Any] = DECODERS[kind].decode
    found: dict[str, Any] = {}
    for start in range(0, len(wanted), _PAGE):
        rows = await reader.get_many(TABLES[kind], wanted[start : start + _PAGE])
        found.update((key, decode(row.blob)) for key, row in rows.items())
    return found
