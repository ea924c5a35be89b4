"""`python -m docaxis_status`: the status service as a process (see `docaxis_process`)."""

import sys

from docaxis_process.needs import Need
from docaxis_process.service_process import ServiceDefinition, main
from docaxis_proto import status_v1_pb2_grpc
from docaxis_status.service import compose
from docaxis_status.settings import StatusSettings

DEFINITION = ServiceDefinition(
    name="status",
    grpc_name="docaxis.status.v1.StatusService",
    register=status_v1_pb2_grpc.add_StatusServiceServicer_to_server,
    settings=StatusSettings,
    compose=compose,
    needs=frozenset({Need.STORE, Need.FILES}),
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
