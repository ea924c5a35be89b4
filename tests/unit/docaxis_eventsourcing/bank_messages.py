"""Protobuf messages of the toy domain, made at test time: no proto of the product needs them."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto
from google.protobuf.message import Message

PACKAGE = "docaxis.bank.v1"
_SHAPES = {
    # commands
    "Open": ("account", "owner"),
    "Deposit": ("account", "#amount"),
    "Transfer": ("source", "target", "#amount"),
    "Post": ("inbox", "text"),
    "CloseAt": ("account", "#at"),
    "Close": ("account", "#due"),
    "Poison": ("account", "how"),
    "Note": ("account", "cause"),
    # events
    "Opened": ("account", "owner"),
    "Deposited": ("account", "#amount", "#now"),
    "Transferred": ("source", "target", "#amount"),
    "Posted": ("inbox", "text", "#number"),
    "ClosingSet": ("account", "#at"),
    "Closed": ("account", "#now"),
    "Poisoned": ("account", "how"),
    "Noted": ("account", "cause"),
    "Future": ("account",),
    # answers
    "Balance": ("account", "#amount"),
    "Number": ("inbox", "#number"),
    # for the codec alone
    "Nested": ("name", "+Balance:one", "*Balance:many", "*words", "!counts"),
}


def _field(message: descriptor_pb2.DescriptorProto, number: int, declared: str) -> None:
    kind, name = (declared[0], declared[1:]) if declared[0] in "#+*!" else ("", declared)
    of, _, name = name.rpartition(":")
    field = message.field.add(name=name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
    field.type = (
        FieldDescriptorProto.TYPE_INT64 if kind == "#" else FieldDescriptorProto.TYPE_STRING
    )
    if kind in ("*", "!"):
        field.label = FieldDescriptorProto.LABEL_REPEATED
    if of:
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{of}"
    if kind == "!":
        entry = message.nested_type.add(name="CountsEntry")
        entry.options.map_entry = True
        _field(entry, 1, "key")
        _field(entry, 2, "#value")
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{message.name}.CountsEntry"


def _build() -> dict[str, type[Message]]:
    file = descriptor_pb2.FileDescriptorProto(
        name="docaxis_tests/bank_v1.proto", package=PACKAGE, syntax="proto3"
    )
    for name, names in _SHAPES.items():
        message = file.message_type.add(name=name)
        for number, declared in enumerate(names, start=1):
            _field(message, number, declared)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in _SHAPES
    }


MESSAGES = _build()
