"""`python -m docaxis_notification`: the service as a process (see `docaxis_process`)."""

import sys

from docaxis_notification.service import compose
from docaxis_notification.settings import NotificationSettings
from docaxis_process.needs import Need
from docaxis_process.service_process import ServiceDefinition, main
from docaxis_proto import notification_v1_pb2_grpc

DEFINITION = ServiceDefinition(
    name="notification",
    grpc_name="docaxis.notification.v1.Notification",
    register=notification_v1_pb2_grpc.add_NotificationServicer_to_server,
    settings=NotificationSettings,
    compose=compose,
    needs=frozenset({Need.STORE, Need.SECRETS}),
)

if __name__ == "__main__":
    sys.exit(main(DEFINITION))
