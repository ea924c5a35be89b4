"""The registry: organisations with their codes, systems with their credentials, recipient groups.

Owns `docaxis.registry.commands.*`, `docaxis.registry.events` (all on partition 0: codes are unique
and versions run on, rule L3) and the view `directory`. Events in: none. Events out:
`OrganisationsRegistered`, `OrganisationLocked`, `SignaturePolicySet`, `OrganisationsMerged`,
`SystemRegistered`, `SystemServes`, `CredentialAdded`, `CredentialRevoked`, `SystemLocked`,
`SystemOnboarded`, `SystemSecurityLevelSet`, `SystemsSeen`, `RecipientGroupSet`,
`RecipientGroupRemoved`. Other services read these through protobuf and keep what they need;
replicas that grant authority hold systems in memory, from `SnapshotSystems` on.

Start with `domain` (the rules), then `views`, `queries` (what can be asked) and `grpc_servicer`.
`imports` reads and sends files of organisations, for the command line; `catalogue` reads the
packaged list of central agencies and provinces.
"""
