"""An axis at rest: the digests of its views, and what was told of each receipt."""

import asyncio
from pathlib import Path

from docaxis_client.client import DocaxisClient
from docaxis_client.credentials import Credentials
from docaxis_eventsourcing.space_digest import space_digest
from docaxis_standalone.composition import Axis


async def view_digests(axis: Axis) -> dict[str, str]:
    """The digest of every view of a running axis, once each has passed its log's end."""
    digests = {}
    for service in axis.services.values():
        for name, runner in service.views.items():
            for partition in range(axis.ports.log.partitions):
                await runner.reader.pass_end(partition, 60.0)
            tables = runner.view.tables
            digests[name] = await space_digest(axis.ports.store, runner.reader.space, tables)
    return digests


async def at_rest(axis: Axis) -> dict[str, str]:
    """The same, once nothing more happens: reactions and effects have done all there is."""
    before: dict[str, str] = {}
    while (now := await view_digests(axis)) != before:
        before = now
        await asyncio.sleep(1.0)
    return now


async def receipts_of(url: str, credentials: Path) -> dict[str, str]:
    """The signed text (JWS) of every receipt of a system, by its id."""
    async with DocaxisClient(url, Credentials.load(credentials)) as client:
        found: dict[str, str] = {}
        cursor: str | None = None
        while (page := await client.receipts(cursor=cursor)).items:
            found.update({each.id: each.jws for each in page.items})
            cursor = page.next
        return found
