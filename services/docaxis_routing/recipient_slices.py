"""Recipients above 500 are a file of their document: their codes, in slices (L9, ADR 0026).

A slice holds at most 500 codes whose organisations, by the registry as the door saw it, lie on one
partition; codes that nobody has come last. That only keeps a slice's deliveries together: whoever
decides a slice resolves its codes anew, and who has moved meanwhile is sent where it lies then.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec
from cachetools import LRUCache

from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_eventsourcing.topics import organisation_partition

MOST_RIDING = 500
"""Up to so many recipients ride in the command; a slice has no more."""

_decode = msgspec.json.Decoder(tuple[tuple[str, ...], ...]).decode


@dataclass(frozen=True, slots=True)
class SlicedFile:
    """The file as it is stored: its digest (lower-case hex SHA-256), bytes, number of slices."""

    digest: str
    content: bytes
    slices: int


def arrange(
    codes: Iterable[str], organisation_ids: Mapping[str, str], partitions: int
) -> SlicedFile:
    """Arrange codes, each once; those without an organisation come last."""
    known: dict[int, list[str]] = defaultdict(list)
    unknown: list[str] = []
    for code in codes:
        organisation_id = organisation_ids.get(code)
        if organisation_id is None:
            unknown.append(code)
        else:
            known[organisation_partition(organisation_id, partitions)].append(code)
    groups = [*(known[at] for at in sorted(known)), unknown]
    slices = [
        group[start : start + MOST_RIDING]
        for group in groups
        for start in range(0, len(group), MOST_RIDING)
    ]
    content = msgspec.json.encode(slices)
    return SlicedFile(sha256(content).hexdigest(), content, len(slices))


class RecipientSlices:
    """Reads the files of slices, keeping the last ones in memory: a few MB each at most."""

    def __init__(self, files: FileStore, kept: int = 4) -> None:
        self._files = files
        self._kept: LRUCache[tuple[str, str], Sequence[Sequence[str]]] = LRUCache(kept)

    async def codes(self, document_id: str, digest: str, number: int) -> Sequence[str]:
        """The codes of one slice.

        Raises `FileNotFoundError`, `OSError` where the bytes are damaged, `Unavailable`.
        """
        slices = self._kept.get((document_id, digest))
        if slices is None:
            chunks = [chunk async for chunk in self._files.read(document_id, digest)]
            slices = self._kept[document_id, digest] = _decode(b"".join(chunks))
        return slices[number]
