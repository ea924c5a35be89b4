"""The registry's view `directory`, and the queries on it.

Its rows are the states of the domain itself, folded by the same `evolve`; beside them stand the
fields that are searched. One view, so that a snapshot of systems and the codes beside them come
from one checkpoint.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from docaxis_eventsourcing.decider import id_of, kind_of
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.errors import DocaxisError
from docaxis_eventsourcing.ports.event_log import START, Position
from docaxis_eventsourcing.ports.read_store import (
    Index,
    IndexType,
    IndexValue,
    ReadStore,
    Row,
    RowRange,
    Table,
)
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_eventsourcing.view import Rows, View
from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_registry.codec import CODEC
from docaxis_registry.domain import (
    STATES,
    AnyState,
    CodeState,
    OrganisationState,
    SystemState,
    evolve,
    initial,
    touched,
)

PARTITION = 0
"""Of everything in the registry (L3)."""
TOPICS = ServiceTopics("registry")
_TABLES = {"organisation": "organisations", "code": "codes", "system": "systems"}
_PAGE = 500
_MOST_READ = 5_000
"""Rows that one search reads; what lies behind comes with its cursor."""
_WORD = re.compile(r"[^\W_]+(?:\.[^\W_]+)*")
_decoders: dict[str, msgspec.msgpack.Decoder[Any]] = {
    kind: msgspec.msgpack.Decoder(of) for kind, of in STATES.items()
}


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


def search_words(text: str) -> set[str]:
    """Words without marks, đ as d, casefolded; what holds dots counts whole and by its parts."""
    bare = "".join(
        sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign)
    )
    whole = set(_WORD.findall(bare.replace("đ", "d").replace("Đ", "D").casefold()))
    return whole | {part for word in whole for part in word.split(".")}


def _keys(event: Any, envelope: Envelope) -> Iterable[tuple[str, str]]:
    return [(_TABLES[kind_of(name)], id_of(name)) for name in touched(event)]


def _project(rows: Rows, event: Any, envelope: Envelope) -> None:
    for name in touched(event):
        kind, key = kind_of(name), id_of(name)
        row = rows.get(_TABLES[kind], key)
        state = evolve(_decoders[kind].decode(row.blob) if row else initial(name), event)
        rows.put(_TABLES[kind], Row(key, msgspec.msgpack.encode(state), _fields(state)))


def _fields(state: AnyState) -> dict[str, IndexValue]:
    match state:
        case OrganisationState():
            codes = (state.code, *(alias.code for alias in state.aliases))
            words = search_words(" ".join((state.name, *codes)))
            return {"code": state.code, "words": tuple(sorted(words)), "level": state.level}
        case CodeState():
            return {"parent": parent_of(state.code)}
        case SystemState():
            return {}


DIRECTORY = View(
    service="registry",
    name="directory",
    version=2,
    topic=TOPICS.events,
    codec=CODEC,
    tables=(
        Table(
            "organisations",
            {"code": IndexType.TEXT, "words": IndexType.WORDS, "level": IndexType.INT},
            (Index("code", ("code",)), Index("words", ("words", "code"))),
        ),
        Table("codes", {"parent": IndexType.TEXT}, (Index("parent", ("parent",)),)),
        Table("systems"),
    ),
    keys=_keys,
    project=_project,
)


def parent_of(code: str) -> str:
    """A code without its last group; empty for one of the first level."""
    return code.rpartition(".")[0]


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
    # The rarest word finds the rows: one with digits (a code, a number), else the longest.
    words = sorted(search_words(query), key=lambda word: (not word.isalpha(), len(word), word))
    index, equals = ("words", (words[-1],)) if words else ("code", ())
    found: list[OrganisationState] = []
    read = 0
    while read < _MOST_READ:
        size = min(_PAGE, limit) if not words else _PAGE
        page = await reader.range("organisations", RowRange(index, equals, after=after, limit=size))
        read += len(page)
        for row in page:
            state: OrganisationState = _decoders["organisation"].decode(row.blob)
            after = (state.code, state.organisation_id)
            if _has_words(row, words):
                found.append(state)
                if len(found) == limit:
                    return OrganisationPage(tuple(found), after)
        if len(page) < size:
            return OrganisationPage(tuple(found), None)
    return OrganisationPage(tuple(found), after)


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
        systems = tuple(_decoders["system"].decode(row.blob) for row in rows)
        served = {id for system in systems for id in system.organisation_ids}
        organisations = await find_organisations(reader, sorted(served))
        if reader.space == space:
            codes = {id: organisation.code for id, organisation in organisations.items()}
            return SystemsSnapshot(systems, codes, position)
    raise DocaxisError("read_stale", retry_after_s=1.0)


def _has_words(row: Row, words: Sequence[str]) -> bool:
    found = row.fields.get("words")
    return isinstance(found, tuple) and set(words) <= set(found)


async def _found(reader: ViewReader, kind: str, keys: Iterable[str]) -> dict[str, Any]:
    wanted = list(dict.fromkeys(keys))
    decode: Callable[[bytes], Any] = _decoders[kind].decode
    found: dict[str, Any] = {}
    for start in range(0, len(wanted), _PAGE):
        rows = await reader.get_many(_TABLES[kind], wanted[start : start + _PAGE])
        found.update((key, decode(row.blob)) for key, row in rows.items())
    return found
