"""Every `Secrets`."""

import asyncio

import pytest

from tests.contract.conftest import OpenSecrets


async def test_what_was_written_is_read_by_every_process(open_secrets: OpenSecrets) -> None:
    await open_secrets().write("webhook.0190-a", b"\x00one\xff")
    assert await open_secrets().read("webhook.0190-a") == b"\x00one\xff"
    await open_secrets().write("webhook.0190-a", b"two")
    assert await open_secrets().read("webhook.0190-a") == b"two"


async def test_a_missing_secret_is_told(open_secrets: OpenSecrets) -> None:
    with pytest.raises(FileNotFoundError):
        await open_secrets().read("none")


async def test_whoever_asks_first_makes_it_and_all_get_the_same(open_secrets: OpenSecrets) -> None:
    many = [open_secrets() for _ in range(12)]
    found = await asyncio.gather(*(one.read_or_create("token.key") for one in many))
    assert len(set(found)) == 1 and len(found[0]) == 32
    assert await open_secrets().read("token.key") == found[0]
    assert await open_secrets().read_or_create("token.key", 64) == found[0]
    assert len(await open_secrets().read_or_create("other", 64)) == 64


async def test_a_removed_secret_is_gone(open_secrets: OpenSecrets) -> None:
    secrets = open_secrets()
    await secrets.write("a", b"1")
    await secrets.remove("a")
    await secrets.remove("a")
    with pytest.raises(FileNotFoundError):
        await secrets.read("a")


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "a..b", ".a", "a\x00b", "a\n"])
async def test_a_name_that_could_lead_elsewhere_is_refused(
    open_secrets: OpenSecrets, name: str
) -> None:
    secrets = open_secrets()
    for call in (secrets.read(name), secrets.write(name, b""), secrets.read_or_create(name)):
        with pytest.raises(ValueError):
            await call
