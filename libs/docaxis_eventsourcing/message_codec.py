"""Domain dataclasses <-> protobuf messages, by field name; the table of a service's `codec.py`.

A domain type has the same field names as its message: scalars as they are, repeated fields as
tuples, maps as dicts, messages as the dataclass registered for them. What differs fails when the
table is built, not when an event comes. The conversions are written out as functions then, as
dataclasses write their methods: they are on everybody's hot path. An upcaster turns a type of an
earlier release, which the log still holds, into today's.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import fields, is_dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from docaxis_eventsourcing.errors import UnknownType

_Convert = Callable[[Any], Any]


class MessageCodec:
    """Encodes and decodes the facts and commands of one or several protobuf packages."""

    def __init__(
        self,
        types: Iterable[tuple[type, type[Message]]],
        *,
        foreign: Iterable[type[Message]] = (),
        upcasters: Mapping[str, tuple[type[Message], Callable[[Any], Any]]] | None = None,
    ) -> None:
        """`types` pairs dataclass and message; `foreign` are other services' messages, decoded as
        they are; `upcasters` maps an old full name to (message, old message -> domain object)."""
        self._by_domain: dict[type, tuple[str, type[Message]]] = {}
        self._by_name: dict[str, tuple[type, type[Message]]] = {}
        for domain, message in types:
            name = message.DESCRIPTOR.full_name
            self._by_domain[domain] = (name, message)
            self._by_name[name] = (domain, message)
        self._foreign = {message.DESCRIPTOR.full_name: message for message in foreign}
        self._upcasters = dict(upcasters or {})
        self._numbers = {domain: number for number, domain in enumerate(self._by_domain)}
        self._namespace: dict[str, Any] = {}
        self._encoders = {each: self._function("encode", each) for each in self._by_domain}
        self._decoders = {each: self._function("decode", each) for each in self._by_domain}

    def only(self, *messages: type[Message]) -> "MessageCodec":
        """The same for a reader that wants few of the types: it knows no others, parses no others.

        Raises `UnknownType`.
        """
        names = {message.DESCRIPTOR.full_name for message in messages}
        if unknown := sorted(name for name in names if not self.knows(name)):
            raise UnknownType(unknown[0])
        chosen = copy(self)
        chosen._by_name = {name: each for name, each in self._by_name.items() if name in names}
        chosen._foreign = {name: each for name, each in self._foreign.items() if name in names}
        chosen._upcasters = {name: each for name, each in self._upcasters.items() if name in names}
        return chosen

    def encode(self, value: object) -> tuple[str, bytes]:
        """The full protobuf name and the bytes. Deterministic: equal values give equal bytes."""
        name, _ = self._by_domain[type(value)]
        message = self._encoders[type(value)](value)
        return name, message.SerializeToString(deterministic=True)

    def decode(self, name: str, data: bytes) -> Any:
        """The domain object. Raises `UnknownType`, or protobuf's `DecodeError`."""
        if name in self._upcasters:
            old, upcast = self._upcasters[name]
            return upcast(old.FromString(data))
        if name in self._foreign:
            return self._foreign[name].FromString(data)
        if name not in self._by_name:
            raise UnknownType(name)
        domain, message = self._by_name[name]
        return self._decoders[domain](message.FromString(data))

    def to_message(self, value: object) -> Any:
        """The protobuf message of a registered dataclass."""
        return self._encoders[type(value)](value)

    def from_message(self, message: Message) -> Any:
        """The domain object of a registered message."""
        domain, _ = self._by_name[message.DESCRIPTOR.full_name]
        return self._decoders[domain](message)

    def knows(self, name: str) -> bool:
        """Whether `decode` can read this type."""
        return name in self._by_name or name in self._foreign or name in self._upcasters

    def _function(self, kind: str, domain: type) -> _Convert:
        """`encode_<n>` or `decode_<n>` of a registered type, written out field by field.

        All functions share one namespace, in which a nested type's is found when it is called.
        """
        at = self._numbers[domain]
        _, message = self._by_domain[domain]
        matched = self._matched(domain, message)
        if kind == "encode":
            given = ", ".join(f"{f.name}={self._encoded(f)}" for f in matched)
            made = f"message_{at}({given})"
        else:
            given = ", ".join(map(self._decoded, matched))
            made = f"domain_{at}({given})"
        self._namespace |= {f"message_{at}": message, f"domain_{at}": domain}
        # Names of fields and numbers alone go into it: both are our own.
        exec(f"def {kind}_{at}(value): return {made}", self._namespace)  # noqa: S102
        found: _Convert = self._namespace[f"{kind}_{at}"]
        return found

    def _matched(self, domain: type, message: type[Message]) -> list[Any]:
        descriptor = message.DESCRIPTOR
        if not is_dataclass(domain):
            raise TypeError(f"{domain.__name__} is not a dataclass")
        ours = [field.name for field in fields(domain)]
        theirs = {field.name: field for field in descriptor.fields}
        if set(ours) != set(theirs):
            raise TypeError(
                f"{domain.__name__} and {descriptor.full_name} differ in"
                f" {sorted(set(ours) ^ set(theirs))}"
            )
        return [theirs[name] for name in ours]

    def _encoded(self, field: FieldDescriptor) -> str:
        value = f"value.{field.name}"
        if _is_map(field):
            return f"dict({value})"
        if field.message_type is None:
            return f"list({value})" if field.is_repeated else value
        convert = f"encode_{self._nested(field)}"
        return (
            f"[{convert}(each) for each in {value}]" if field.is_repeated else f"{convert}({value})"
        )

    def _decoded(self, field: FieldDescriptor) -> str:
        value = f"value.{field.name}"
        if _is_map(field):
            return f"dict(sorted({value}.items()))"
        if field.message_type is None:
            return f"tuple({value})" if field.is_repeated else value
        convert = f"decode_{self._nested(field)}"
        return f"tuple(map({convert}, {value}))" if field.is_repeated else f"{convert}({value})"

    def _nested(self, field: FieldDescriptor) -> int:
        name = str(field.message_type and field.message_type.full_name)
        if name not in self._by_name:
            raise TypeError(f"{name}, needed by {field.full_name}, is not registered")
        domain, _ = self._by_name[name]
        return self._numbers[domain]


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)
