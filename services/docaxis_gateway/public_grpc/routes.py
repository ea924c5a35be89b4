"""Which method is which route of REST: read off the proto file, where each method says it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from google.protobuf.message_factory import GetMessageClass

from docaxis_proto import gateway_v1_pb2

SERVICE = gateway_v1_pb2.DESCRIPTOR.services_by_name["Gateway"]

_FIELD = re.compile(r"\{(\w+)\}")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class Route:
    """A method and its route below `/api/v1`."""

    rpc: str
    method: str
    path: str
    """With the names of fields in braces."""
    request: type[Any]
    reply: type[Any]
    takes_stream: bool
    gives_stream: bool

    @property
    def in_path(self) -> tuple[str, ...]:
        """Fields that the path holds."""
        return tuple(_FIELD.findall(self.path))

    @property
    def has_body(self) -> bool:
        """Whether the other fields are the body; else they are the query."""
        return self.method in _WITH_BODY


def _routes() -> Mapping[str, Route]:
    found = {}
    for each in SERVICE.methods:
        method, _, path = each.GetOptions().Extensions[gateway_v1_pb2.rest].partition(" ")
        found[each.name] = Route(
            each.name,
            method,
            path,
            GetMessageClass(each.input_type),
            GetMessageClass(each.output_type),
            each.client_streaming,
            each.server_streaming,
        )
    return MappingProxyType(found)


ROUTES = _routes()
"""Every public method by its name."""
