"""What a sender of an unknown code may have meant: codes that are held today, the likeliest first.

In order: the same letters in capitals; the present code of whoever held it once; the older form of
QCVN 102 read backwards (it works for simple cases only); codes under the same parent that look
alike; the same last group under parents that look alike; organisations named so. Instead of an
organisation that was merged its successor is told.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from difflib import get_close_matches

from docaxis_eventsourcing.view_reader import ViewReader
from docaxis_registry.domain.codes import CodeState, is_code, is_qcvn_form
from docaxis_registry.queries import (
    find_codes,
    find_organisations,
    list_organisations,
    present,
    resolve_codes,
)
from docaxis_registry.views import parent_of

MOST = 3
_LIKE = 0.6
"""The least likeness (0-1) of `difflib` that is worth telling."""
_MOST_SIBLINGS = 2_000
_PARENTS = 50


async def suggest(reader: ViewReader, asked: str, day: str) -> tuple[str, ...]:
    """Up to three codes that are held on the day, for one that is not."""
    found: list[str] = []
    async for candidates in _candidates(reader, asked.strip().upper()):
        new = [code for code in candidates if code not in found and code != asked]
        found += [code for code in await _usable(reader, new, day) if code not in found]
        if len(found) >= MOST:
            break
    return tuple(found[:MOST])


async def _usable(reader: ViewReader, candidates: Sequence[str], day: str) -> list[str]:
    """Candidates that are held on the day; for those of merged organisations their successors'."""
    held = await resolve_codes(reader, candidates, day)
    meant = await present(reader, held.values(), day)
    usable = []
    for code in dict.fromkeys(candidates):
        if code in held:
            became = meant[held[code].organisation_id]
            usable.append(became.organisation.code if became.merged_from else code)
    return list(dict.fromkeys(usable))


async def _candidates(reader: ViewReader, wanted: str) -> AsyncIterator[Iterable[str]]:
    if is_code(wanted):
        yield (wanted,)
        known = await find_codes(reader, (wanted,))
        if wanted in known:
            yield await _present_codes(reader, known[wanted])
        if is_qcvn_form(wanted):
            yield (_from_qcvn(wanted),)
        yield await _siblings(reader, wanted, MOST)
        parent, tail = parent_of(wanted), wanted.rpartition(".")[2]
        if parent:
            yield [f"{alike}.{tail}" for alike in await _siblings(reader, parent, _PARENTS)]
    elif wanted:
        page = await list_organisations(reader, wanted, None, MOST)
        yield [organisation.code for organisation in page.organisations]


async def _present_codes(reader: ViewReader, state: CodeState) -> list[str]:
    latest = sorted(state.claims, key=lambda claim: claim.valid_until, reverse=True)
    holders = await find_organisations(reader, [claim.organisation_id for claim in latest])
    return [organisation.code for organisation in holders.values()]


async def _siblings(reader: ViewReader, wanted: str, most: int) -> list[str]:
    rows = await reader.every("codes", "parent", (parent_of(wanted),), _MOST_SIBLINGS)
    codes = [row.key for row in rows if not is_qcvn_form(row.key)]
    return get_close_matches(wanted, codes, most, _LIKE)


def _from_qcvn(code: str) -> str:
    return ".".join(group for group in reversed(code.split(".")) if group.strip("0"))
