"""What the server tells of itself: the public interface and its health, and nothing behind them."""

from typing import Any

from google.protobuf import descriptor_pb2, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from docaxis_gateway.public_grpc.routes import SERVICE

HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name

_FILES = (
    descriptor_pb2.DESCRIPTOR,
    timestamp_pb2.DESCRIPTOR,
    *(each for each in error_details_pb2.DESCRIPTOR.dependencies),
    error_details_pb2.DESCRIPTOR,
    *(each for each in status_pb2.DESCRIPTOR.dependencies),
    status_pb2.DESCRIPTOR,
    health_pb2.DESCRIPTOR,
    reflection_pb2.DESCRIPTOR,
    SERVICE.file,
)


def add_reflection(server: Any) -> None:
    """Let clients such as `grpcurl` ask a server of grpc.aio for its methods and messages.

    From a pool of its own: that of the process knows the messages between the services too.
    """
    pool = DescriptorPool()
    for file in _FILES:
        pool.AddSerializedFile(file.serialized_pb)
    names = (SERVICE.full_name, HEALTH, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server, pool=pool)
