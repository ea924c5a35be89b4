"""The registry's view `directory`; `queries` asks it.

Its rows are the states of the domain itself, folded by the same `evolve`; beside them stand the
fields that are searched. One view, so that a snapshot of systems and the codes beside them come
from one checkpoint.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

import msgspec

from docaxis_eventsourcing.decider import id_of, kind_of
from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.ports.read_store import Index, IndexType, IndexValue, Row, Table
from docaxis_eventsourcing.topics import Lane, ServiceTopics
from docaxis_eventsourcing.view import Rows, View
from docaxis_registry.codec import CODEC
from docaxis_registry.domain import (
    STATES,
    AccountState,
    AnyState,
    CodeState,
    LoginState,
    OrganisationState,
    RecipientGroupState,
    SystemState,
    evolve,
    initial,
    touched,
)

PARTITION = 0
"""Of everything in the registry (L3)."""
TOPICS = ServiceTopics("registry", (Lane.NORMAL, Lane.BULK))
"""Imports ride in the bulk lane: a lock does not wait behind a hundred thousand organisations."""
TABLES = {
    "organisation": "organisations",
    "code": "codes",
    "system": "systems",
    "group": "groups",
}
"""By kind of aggregate; those of accounts are in `account_views`."""
_WORD = re.compile(r"[^\W_]+(?:\.[^\W_]+)*")
DECODERS: dict[str, msgspec.msgpack.Decoder[Any]] = {
    kind: msgspec.msgpack.Decoder(of) for kind, of in STATES.items()
}


COMMON_WORDS = frozenset(
    ("ban", "dan", "huyen", "nhan", "phuong", "so", "tinh", "ubnd", "uy", "va", "xa")
)
"""In so many names that they find nothing: not indexed, for words are most of an import's work."""


def words_of(state: OrganisationState) -> set[str]:
    """All words that find an organisation: those of its name, code and aliases."""
    return search_words(" ".join((state.name, state.code, *(each.code for each in state.aliases))))


def search_words(text: str) -> set[str]:
    """Words without marks, đ as d, casefolded; what holds dots counts whole and by its parts."""
    bare = "".join(
        sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign)
    )
    whole = set(_WORD.findall(bare.replace("đ", "d").replace("Đ", "D").casefold()))
    return whole | {part for word in whole for part in word.split(".")}


def _keys(event: Any, envelope: Envelope) -> Iterable[tuple[str, str]]:
    return [(TABLES[kind_of(name)], id_of(name)) for name in _shown(event)]


def _shown(event: Any) -> Iterable[str]:
    """The aggregates that it touches and that have rows here: accounts have a view of their own."""
    return [name for name in touched(event) if kind_of(name) in TABLES]


def _project(rows: Rows, event: Any, envelope: Envelope) -> None:
    for name in _shown(event):
        kind, key = kind_of(name), id_of(name)
        row = rows.get(TABLES[kind], key)
        state = evolve(DECODERS[kind].decode(row.blob) if row else initial(name), event)
        rows.put(
            TABLES[kind], Row(key, msgspec.msgpack.encode(state), _fields(state, envelope.sequence))
        )


def _fields(state: AnyState, version: int) -> dict[str, IndexValue]:
    match state:
        case OrganisationState():
            words = words_of(state) - COMMON_WORDS
            return {"code": state.code, "words": tuple(sorted(words)), "version": version}
        case CodeState():
            return {"parent": parent_of(state.code)}
        case SystemState():
            return {}
        case RecipientGroupState():
            return {"owner": state.owner_organisation_id if state.exists else None}
        case AccountState() | LoginState():
            return {}  # not among the tables


DIRECTORY = View(
    service="registry",
    name="directory",
    version=2,
    topic=TOPICS.events,
    codec=CODEC,
    tables=(
        Table(
            "organisations",
            {"code": IndexType.TEXT, "words": IndexType.WORDS, "version": IndexType.INT},
            (
                Index("code", ("code",)),
                Index("words", ("words", "code")),
                # One writer gives the versions, and what changes again moves to the end (delta).
                Index("version", ("version",)),
            ),
        ),
        Table("codes", {"parent": IndexType.TEXT}, (Index("parent", ("parent",)),)),
        Table("systems"),
        Table("groups", {"owner": IndexType.TEXT}, (Index("owner", ("owner",)),)),
    ),
    keys=_keys,
    project=_project,
)


def parent_of(code: str) -> str:
    """A code without its last group; empty for one of the first level."""
    return code.rpartition(".")[0]
