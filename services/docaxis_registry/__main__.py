"""`python -m docaxis_registry`: the registry as a process (see `docaxis_process`)."""

import sys

from docaxis_process.needs import Need
from docaxis_process.service_process import ServiceDefinition, main
from docaxis_proto import registry_v1_pb2_grpc
from docaxis_registry.service import compose
from docaxis_registry.settings import RegistrySettings

DEFINITION = ServiceDefinition(
    name="registry",
    grpc_name="docaxis.registry.v1.Registry",
    register=registry_v1_pb2_grpc.add_RegistryServicer_to_server,
    settings=RegistrySettings,
    compose=compose,
    needs=frozenset({Need.STORE, Need.SECRETS}),
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
