"""Domain dataclasses <-> protobuf messages, by field name; the table of a service's `codec.py`.

A domain type has the same field names as its message: scalars as they are, repeated fields as
tuples, maps as dicts, messages as the dataclass registered for them. What differs fails when the
table is built, not when an event comes. An upcaster turns a type of an earlier release, which the
log still holds, into today's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from operator import attrgetter
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
        self._encoders = {domain: self._encoder(domain) for domain in self._by_domain}
        self._decoders = {domain: self._decoder(domain) for domain in self._by_domain}

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

    def _encoder(self, domain: type) -> _Convert:
        _, message = self._by_domain[domain]
        matched = self._matched(domain, message)
        names = [field.name for field in matched]
        read = _reader(names)
        converted = _converted(matched, self._encode_field)

        def encode(value: Any) -> Any:
            values = list(read(value))
            for at, convert in converted:
                values[at] = convert(values[at])
            return message(**dict(zip(names, values, strict=True)))

        return encode

    def _decoder(self, domain: type) -> _Convert:
        _, message = self._by_domain[domain]
        matched = self._matched(domain, message)
        read = _reader([field.name for field in matched])
        converted = _converted(matched, self._decode_field)

        def decode(found: Any) -> Any:
            values = list(read(found))
            for at, convert in converted:
                values[at] = convert(values[at])
            return domain(*values)

        return decode

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

    def _encode_field(self, field: FieldDescriptor) -> _Convert:
        if _is_map(field):
            return dict
        if field.message_type is None:
            return list if field.is_repeated else _same
        convert = self._nested(field, lambda domain: self._encoders[domain])
        if field.is_repeated:
            return lambda values: [convert(value) for value in values]
        return convert

    def _decode_field(self, field: FieldDescriptor) -> _Convert:
        if _is_map(field):
            return lambda found: {key: found[key] for key in sorted(found)}
        if field.message_type is None:
            return tuple if field.is_repeated else _same
        convert = self._nested(field, lambda domain: self._decoders[domain])
        if field.is_repeated:
            return lambda found: tuple(convert(each) for each in found)
        return convert

    def _nested(self, field: FieldDescriptor, of: Callable[[type], _Convert]) -> _Convert:
        name = str(field.message_type and field.message_type.full_name)
        if name not in self._by_name:
            raise TypeError(f"{name}, needed by {field.full_name}, is not registered")
        domain, _ = self._by_name[name]
        return lambda value: of(domain)(value)


def _reader(names: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    """Reads all fields at once, in the order of the dataclass: this is on everybody's hot path."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: [getattr(value, name) for name in names]


def _converted(
    matched: Sequence[Any], converter: Callable[[Any], _Convert]
) -> list[tuple[int, _Convert]]:
    """The places of the fields that are not taken as they are, with what converts them."""
    found = [(at, converter(field)) for at, field in enumerate(matched)]
    return [(at, convert) for at, convert in found if convert is not _same]


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)


def _same(value: Any) -> Any:
    return value
