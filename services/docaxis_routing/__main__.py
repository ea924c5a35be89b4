"""`python -m docaxis_routing`: routing as a process (see `docaxis_process`)."""

import sys

from docaxis_process.needs import Need
from docaxis_process.service_process import ServiceDefinition, main
from docaxis_proto import routing_v1_pb2_grpc
from docaxis_routing.service import compose
from docaxis_routing.settings import RoutingSettings

DEFINITION = ServiceDefinition(
    name="routing",
    grpc_name="docaxis.routing.v1.Routing",
    register=routing_v1_pb2_grpc.add_RoutingServicer_to_server,
    settings=RoutingSettings,
    compose=compose,
    needs=frozenset({Need.STORE, Need.FILES}),
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
