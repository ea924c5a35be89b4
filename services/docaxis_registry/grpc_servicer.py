"""The registry's RPCs: protobuf <-> commands and queries, nothing else.

Each kind of aggregate has a module of its own: `organisation_calls`, `system_calls`, `group_calls`,
`account_calls`.
"""

from docaxis_proto import registry_v1_pb2_grpc as rpc_grpc
from docaxis_registry.account_calls import AccountCalls
from docaxis_registry.group_calls import GroupCalls
from docaxis_registry.organisation_calls import OrganisationCalls
from docaxis_registry.system_calls import SystemCalls


class RegistryServicer(
    OrganisationCalls, SystemCalls, GroupCalls, AccountCalls, rpc_grpc.RegistryServicer
):
    """Raises `DocaxisError`; who may call what is decided before it is called."""
