"""`python -m benchmarks.many_recipients`: one document to 10,000 recipients, and who overtakes it.

The axis is a process of its own (standalone, everything durable); this process is a client over
REST. Deliveries count when the sender has read all of them, page by page; the axis's CPU, reading
included, tells what they cost where other work runs beside. An urgent letter (and,
beside it, an ordinary one) is sent while ten such documents are being delivered; it counts when its
recipient's long-polled inbox has it.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import machine, spread
from docaxis_client.client import DocaxisClient
from docaxis_client.models import DocumentType, Signer, Submission
from docaxis_client.submission import NewDocument, OutgoingFile
from docaxis_proto import registry_events_v1_pb2 as entries
from docaxis_proto import registry_v1_pb2 as registry
from docaxis_proto.registry_v1_pb2_grpc import RegistryStub
from docaxis_runtime.grpc_client import Connection
from tests.system.axis_process import AxisProcess

FLOOD = 10
"""Documents in delivery while the letters are sent."""


async def bench(runs: int, recipients: int) -> dict[str, object]:
    """All figures of this machine."""
    with tempfile.TemporaryDirectory(prefix="docaxis-bench-") as folder:
        axis = AxisProcess(Path(folder) / "data")
        await axis.start()
        try:
            await axis.bootstrap()
            codes = await _register(axis, recipients)
            async with axis.client("office") as office, axis.client("hanoi") as hanoi:
                found = [await _deliver(office, "many-0", codes)]  # it warms up
                begun = axis.cpu_s()
                found += [await _deliver(office, f"many-{run + 1}", codes) for run in range(runs)]
                ended = axis.cpu_s()
                idle = [await _letter(office, hanoi, f"idle-{run}", 1) for run in range(runs)]
                flooded = await _overtaking(office, hanoi, codes)
        finally:
            await axis.stop()
    measured = found[1:]
    thousands = runs * recipients / 1000
    return {
        "machine": machine(),
        "recipients": recipients,
        "deliveries_per_s": spread([recipients / took for _, took in measured]),
        "axis_cpu_ms_per_1000_deliveries": {
            name: round((ended[name] - begun[name]) * 1000 / thousands, 1) for name in begun
        },
        "submit_answer_s": spread([answered for answered, _ in measured]),
        "letter_idle_ms": spread([each * 1000 for each in idle]),
        **flooded,
    }


async def _register(axis: AxisProcess, count: int) -> list[str]:
    codes = [f"B{number:06}" for number in range(count)]
    connection = Connection(axis.grpc_address("registry"))
    try:
        for start in range(0, count, 500):
            request = registry.RegisterOrganisationsRequest(
                entries=[
                    entries.OrganisationEntry(code=code, name=code, level=3, kind="sample")
                    for code in codes[start : start + 500]
                ],
                actor="bench",
            )
            await connection.client(RegistryStub).RegisterOrganisations(request)
    finally:
        await connection.close()
    return codes


async def _deliver(office: DocaxisClient, label: str, codes: list[str]) -> tuple[float, float]:
    """Seconds until the answer, and until all deliveries were read."""
    begun = time.perf_counter()
    sent = await _send(office, label, codes)
    answered = time.perf_counter() - begun
    await _until_made(office, sent, len(codes))
    took = time.perf_counter() - begun
    found = await _deliveries(office, sent.id)
    if len(set(found)) != len(codes):
        raise AssertionError(f"{len(set(found))} recipients of {len(codes)} have a delivery")
    sys.stderr.write(f"{label}: {len(codes) / took:.0f} deliveries/s\n")
    return answered, took


async def _until_made(office: DocaxisClient, sent: Submission, count: int) -> None:
    while len(await _deliveries(office, sent.id)) < count:  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.1)


async def _overtaking(
    office: DocaxisClient, hanoi: DocaxisClient, codes: list[str]
) -> dict[str, object]:
    flood = [await _send(office, f"flood-{number}", codes) for number in range(FLOOD)]
    letters: dict[str, list[float]] = {"urgent": [], "ordinary": []}
    for number in range(5):
        for name, priority in (("urgent", 1), ("ordinary", 0)):
            took = await _letter(office, hanoi, f"{name}-{number}", priority)
            letters[name].append(took * 1000)
    made = len(await _deliveries(office, flood[-1].id))
    await _until_made(office, flood[-1], len(codes))
    return {
        "flood_deliveries": FLOOD * len(codes),
        "letter_urgent_behind_flood_ms": spread(letters["urgent"]),
        "letter_ordinary_behind_flood_ms": spread(letters["ordinary"]),
        "last_document_delivered_when_letters_were_done": f"{made} of {len(codes)}",
    }


async def _letter(office: DocaxisClient, hanoi: DocaxisClient, label: str, priority: int) -> float:
    """Seconds from the submit until the recipient's inbox has it."""
    cursor = (await _to_the_end(hanoi)) or None
    begun = time.perf_counter()
    sent = await _send(office, label, ["H26"], priority)
    while True:
        page = await hanoi.inbox("H26", cursor=cursor, wait=50)
        if any(item.document.id == sent.id for item in page.items):
            return time.perf_counter() - begun
        cursor = page.next


async def _to_the_end(hanoi: DocaxisClient) -> str | None:
    cursor = None
    while (page := await hanoi.inbox("H26", cursor=cursor)).items:
        cursor = page.next
    return page.next


async def _deliveries(office: DocaxisClient, document_id: str) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = await office.deliveries(document_id, limit=500, cursor=cursor)
        found += [each.organisation_id for each in page.items]
        cursor = page.next
        if cursor is None:
            return found


async def _send(
    office: DocaxisClient, label: str, codes: list[str], priority: int = 0
) -> Submission:
    document = NewDocument(
        sender="G22",
        recipients=codes,
        id=f"{label}-{time.time_ns()}",
        number="1",
        notation="CV-MAU",
        place="Hà Nội",
        promulgated_on="2026-11-22",
        type=DocumentType(group=2, code=0, name="Công văn"),
        subject="Văn bản mẫu để đo tốc độ",
        signer=Signer(competence="TL.", position="Vụ trưởng", full_name="Người ký mẫu"),
        priority=priority,
    )
    file = OutgoingFile("mau.bin", b"mau", "application/octet-stream")
    return await office.submit(document, [file])


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_recipients")
    parser.add_argument("--runs", type=int, default=3, help="runs of each figure (default 3)")
    parser.add_argument("--recipients", type=int, default=10_000)
    options = parser.parse_args()
    figures = asyncio.run(bench(options.runs, options.recipients))
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
