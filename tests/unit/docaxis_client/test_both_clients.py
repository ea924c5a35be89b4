"""The client without an event loop has what the other one has: methods, arguments, defaults."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from types import GenericAlias
from typing import get_args, get_origin, get_type_hints

import pytest

from docaxis_client.client import DocaxisClient
from docaxis_client.sync import DocaxisClient as WaitingClient

_CLOSING = {"aclose": "close"}


def _methods(client: type) -> dict[str, inspect.Signature]:
    found = inspect.getmembers(client, inspect.isfunction)
    return {name: inspect.signature(each) for name, each in found if not name.startswith("_")}


def test_both_have_the_same_methods() -> None:
    assert {_CLOSING.get(name, name) for name in _methods(DocaxisClient)} == set(
        _methods(WaitingClient)
    )


@pytest.mark.parametrize("name", sorted(_methods(DocaxisClient)))
def test_a_method_takes_and_gives_the_same_in_both(name: str) -> None:
    its = _methods(DocaxisClient)[name]
    other = _methods(WaitingClient)[_CLOSING.get(name, name)]
    assert its.parameters == other.parameters
    gives = get_type_hints(getattr(DocaxisClient, name))["return"]
    told = get_type_hints(getattr(WaitingClient, _CLOSING.get(name, name)))["return"]
    if get_origin(gives) in (AsyncIterator, AsyncGenerator):
        gives = GenericAlias(Iterator, get_args(gives)[:1])
    assert told == gives


def test_both_are_made_alike() -> None:
    made = inspect.signature(DocaxisClient.__init__).parameters
    assert made == inspect.signature(WaitingClient.__init__).parameters
