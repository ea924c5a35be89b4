"""The clients without an event loop have what the others have: methods, arguments, defaults."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from types import GenericAlias
from typing import get_args, get_origin, get_type_hints

import pytest

from docaxis_client.administration import Administration
from docaxis_client.client import DocaxisClient
from docaxis_client.sync import DocaxisClient as WaitingClient
from docaxis_client.sync_administration import Administration as WaitingAdministration

_CLOSING = {"aclose": "close"}


def _methods(client: type) -> dict[str, inspect.Signature]:
    found = inspect.getmembers(client, inspect.isfunction)
    return {name: inspect.signature(each) for name, each in found if not name.startswith("_")}


def test_both_have_the_same_methods() -> None:
    assert {_CLOSING.get(name, name) for name in _methods(DocaxisClient)} == set(
        _methods(WaitingClient)
    )
    assert set(_methods(Administration)) == set(_methods(WaitingAdministration))


@pytest.mark.parametrize(
    ("client", "waiting", "name"),
    [
        *((DocaxisClient, WaitingClient, name) for name in sorted(_methods(DocaxisClient))),
        *(
            (Administration, WaitingAdministration, name)
            for name in sorted(_methods(Administration))
        ),
    ],
)
def test_a_method_takes_and_gives_the_same_in_both(client: type, waiting: type, name: str) -> None:
    its = _methods(client)[name]
    other = _methods(waiting)[_CLOSING.get(name, name)]
    assert its.parameters == other.parameters
    gives = get_type_hints(getattr(client, name))["return"]
    told = get_type_hints(getattr(waiting, _CLOSING.get(name, name)))["return"]
    if get_origin(gives) in (AsyncIterator, AsyncGenerator):
        gives = GenericAlias(Iterator, get_args(gives)[:1])
    assert told == gives


@pytest.mark.parametrize(
    ("client", "waiting"),
    [(DocaxisClient, WaitingClient), (Administration, WaitingAdministration)],
)
def test_both_are_made_alike(client: type, waiting: type) -> None:
    made = inspect.signature(client).parameters
    assert made == inspect.signature(waiting).parameters
