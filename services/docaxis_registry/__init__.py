"""The registry: organisations with their codes, systems with their credentials.

Owns `docaxis.registry.commands.*`, `docaxis.registry.events` (all on partition 0: codes are unique
and versions run on, rule L3) and the view `directory`. Events in: none. Events out:
`OrganisationsRegistered`, `OrganisationLocked`, `SignaturePolicySet`, `SystemRegistered`,
`SystemServes`, `CredentialAdded`, `CredentialRevoked`, `SystemLocked`. Other services read these
through protobuf and keep what they need; replicas that grant authority hold systems in memory,
from `SnapshotSystems` on.

Start with `domain` (the rules), then `views` (what can be asked) and `grpc_servicer`.
`catalogue` reads the packaged list of central agencies and provinces.
"""
