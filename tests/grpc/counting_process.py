"""`python -m tests.grpc.counting_process PORT FOLDER`: writes down each call before it answers.

A document id that begins with `hang` is never answered. It serves through what a service's process
serves through.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from docaxis_process.process import until_told
from docaxis_process.service_server import ServiceServer
from docaxis_process.settings import ServiceSettings
from docaxis_proto import status_v1_pb2 as pb
from docaxis_proto.status_v1_pb2_grpc import add_StatusServiceServicer_to_server
from docaxis_runtime.health import Health
from docaxis_runtime.lifecycle import Lifecycle

ROOT = Path(__file__).resolve().parents[2]


class Servicer:
    def __init__(self, folder: Path) -> None:
        self._calls = (folder / "calls").open("a", buffering=1)

    async def GetTimeline(self, request: Any, context: Any) -> pb.GetTimelineReply:
        self._calls.write(f"{request.document_id}\n")
        if request.document_id.startswith("hang"):
            await asyncio.Event().wait()
        return pb.GetTimelineReply(timelines=[pb.Timeline(delivery_id=request.document_id)])


async def main(port: str, folder: str) -> None:
    settings, health = ServiceSettings(listen=f"127.0.0.1:{port}"), Health()
    server = ServiceServer("status", add_StatusServiceServicer_to_server, settings, health)
    await server.listen()
    await Lifecycle([server.door(Servicer(Path(folder)))], health=health).run(signals=False)


if __name__ == "__main__":
    sys.exit(asyncio.run(until_told(lambda: main(*sys.argv[1:]), lambda: None)))
