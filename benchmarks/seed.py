"""`python -m benchmarks.seed --documents 1000000 DATA`: an axis that has taken many documents.

It does not send them. An axis takes two real documents (100 KB, with a CMS signature) of the
demonstration's G22, one for H26 and one for H27, hands them over and seals their receipts. Then it
is stopped, and copies of what it wrote (`seed_pattern`) go **directly into its log** (`seed_log`)
and its folder of files, where a copy's files are hard links to the pattern's. Views and states are
made by the axis itself at its next start, or here with `--derive`.

A seeded axis answers as one that took these documents: sent again, `seed-00000007-0` is the same
document; its files, deliveries, timeline and receipts are there, and the receipts are genuine. What
it lacks is what an axis removes in time: decided commands, and outcomes older than a day. DATA may
hold an axis with the demonstration's systems; a second seeding goes on from the first.
"""

import argparse
import asyncio
import errno
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count, cycle
from pathlib import Path

import msgspec

from benchmarks.exchange import Prepared, prepare
from benchmarks.seed_log import SeededLog, ends_of, read_behind
from benchmarks.seed_pattern import Pattern, Stored
from docaxis_eventsourcing.parts import PartState
from docaxis_eventsourcing.topics import DEFAULT_PARTITIONS
from docaxis_standalone.composition import running_axis
from docaxis_standalone.data_folder import DataFolder
from docaxis_trust.key_file_signer import KeyFileSigner
from tests.system.axis_process import AxisProcess

RECEIVERS = (("hanoi", "H26"), ("hatinh", "H27"))
_AT_ONCE = 1000
_WITHIN_S = 60.0
_DERIVING_S = 3600.0
_EVENTS = 9
"""Of one document: submitted, verified, verdict noted, delivered, handed over, two receipts sealed,
timeline opened, arrived."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A document that a real axis took, and where its files lie."""

    pattern: Pattern
    folder: Path


async def seed(data: Path, documents: int, progress: Callable[[int], None]) -> int:
    """Seed so many documents; tells the events written. `progress` is told the documents so far."""
    axis = AxisProcess(data, start_s=_DERIVING_S)
    ends = await asyncio.to_thread(ends_of, axis.folder.log, DEFAULT_PARTITIONS)
    number = count(sum(ends.values()))  # no seeding before came so far
    await axis.start()
    try:
        await axis.bootstrap()
        taken = [await _take_one(axis, each, next(number), ends) for each in RECEIVERS]
    finally:
        await axis.stop()
    return await asyncio.to_thread(_copy, axis.folder, taken, number, documents, progress)


async def _take_one(
    axis: AxisProcess, receiver: tuple[str, str], number: int, ends: Mapping[int, int]
) -> _Taken:
    """One document through the axis, to its end."""
    name, code = receiver
    (each,) = prepare(axis.folder.demo_pki, 1, f"seed-{number:08}")
    document = msgspec.structs.replace(each.document, recipients=[code])
    async with axis.client("office") as office, axis.client(name) as receiving:
        sent = await office.submit(document, [each.file])
        cursor = None
        while True:
            page = await receiving.inbox(cursor=cursor, wait=5)
            cursor = page.next
            found = [item for item in page.items if item.document.id == sent.id]
            if found:
                break
        await receiving.acknowledge([found[0].delivery_id])
    until = time.monotonic() + _WITHIN_S
    while True:
        records = await asyncio.to_thread(read_behind, axis.folder.log, DEFAULT_PARTITIONS, ends)
        events = _events_of(records, sent.id)
        if len(events) == _EVENTS:
            break
        if time.monotonic() > until:
            raise TimeoutError(f"{len(events)} of {_EVENTS} events")
        await asyncio.sleep(0.1)
    commands = {one.envelope.id: one for one in records if ".commands." in one.topic}
    signer = KeyFileSigner(axis.folder.receipt_key)
    metadata, files = _metadata(each)
    pattern = Pattern(events, commands, metadata, files, signer)
    return _Taken(pattern, _folder(axis.folder, sent.id))


def _events_of(records: Sequence[Stored], document_id: str) -> list[Stored]:
    """The document's events: causes first, and those of a stream in its order."""
    named = document_id.encode()
    left = [one for one in records if one.topic.endswith(".events") and named in one.data]
    causes = {one.envelope.id: one.envelope.causation_id for one in records}
    ordered: list[Stored] = []
    while left:
        waiting = {one.envelope.id for one in left}
        following = {one.topic: one for one in reversed(left)}.values()
        first = next(
            one for one in following if causes.get(one.envelope.causation_id) not in waiting
        )
        left.remove(first)
        ordered.append(first)
    return ordered


def _metadata(each: Prepared) -> tuple[dict[str, object], list[dict[str, str]]]:
    """What identifies the document (L1), as `docaxis_routing.content` takes it."""
    document = each.document
    metadata = {
        "id": document.id,
        "business_type": "new",
        "number": document.number,
        "notation": document.notation,
        "place": document.place,
        "promulgated_on": document.promulgated_on,
        "type": {
            "group": document.type.group,
            "code": document.type.code,
            "name": document.type.name,
        },
        "subject": document.subject,
        "signer": {
            "competence": document.signer.competence,
            "position": document.signer.position,
            "full_name": document.signer.full_name,
        },
        "priority": document.priority,
    }
    file = {"name": each.file.name, "media_type": each.file.media_type, "digest": each.digest}
    return metadata, [file]


def _copy(
    data: DataFolder,
    taken: Sequence[_Taken],
    number: Iterator[int],
    documents: int,
    progress: Callable[[int], None],
) -> int:
    log = SeededLog(data.log, DEFAULT_PARTITIONS)
    mailboxes = [count(one.pattern.mailbox_number + 1) for one in taken]
    sources = [_Files(one.folder) for one in taken]
    turns = cycle(range(len(taken)))
    written = done = 0
    try:
        while done < documents:
            records: list[Stored] = []
            for _ in range(min(_AT_ONCE, documents - done)):
                turn = next(turns)
                copy = taken[turn].pattern.copy(
                    f"seed-{next(number):08}-0", next(mailboxes[turn]), DEFAULT_PARTITIONS
                )
                sources[turn].link_into(_folder(data, copy.document_id))
                records += copy.events
                done += 1
            written += log.add(records)
            progress(done)
    finally:
        log.close()
        os.sync()
    return written


class _Files:
    """A document's files, linked as often as the file system allows, then copied once more."""

    def __init__(self, folder: Path) -> None:
        self._files = sorted(folder.iterdir())

    def link_into(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        for at, file in enumerate(self._files):
            own = folder / file.name
            try:
                os.link(file, own)
            except OSError as error:
                if error.errno != errno.EMLINK:
                    raise
                shutil.copy2(file, own)
                self._files[at] = own


def _folder(data: DataFolder, document_id: str) -> Path:
    """Where a document's files lie (`docaxis_adapters.local_documents`)."""
    shard = sha256(document_id.encode()).hexdigest()[:2]
    return data.files / "documents" / shard / document_id


async def derive(data: Path) -> None:
    """Let an axis make states and views of all that is in its log."""
    async with running_axis(data) as axis:
        for service in axis.services.values():
            for view in service.views.values():
                for partition in range(axis.ports.log.partitions):
                    await view.reader.pass_end(partition, _DERIVING_S)
            for part in service.parts:
                while part.health.state is not PartState.WORKING:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)


def main() -> None:
    """Parse the command line, seed, say what was done."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.seed",
        description="Writes documents directly into the log and the files of a stopped axis.",
    )
    parser.add_argument("data", type=Path, metavar="DATA", help="the axis's data folder")
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--derive", action="store_true", help="make states and views, too")
    options = parser.parse_args()
    begun, used = time.perf_counter(), time.process_time()

    def tell(what: str) -> None:
        took, cpu = time.perf_counter() - begun, time.process_time() - used
        sys.stderr.write(f"{what}: {took:.1f} s, {cpu:.1f} s of CPU\n")

    def progress(done: int) -> None:
        if done % (10 * _AT_ONCE) == 0:
            tell(f"{done} documents")

    events = asyncio.run(seed(options.data, options.documents, progress))
    tell(f"{options.documents} documents, {events} events written directly into {options.data}")
    if options.derive:
        asyncio.run(derive(options.data))
        tell("states and views made of them")


if __name__ == "__main__":
    main()
