"""The registry: organisations with codes, systems with credentials, recipient groups, accounts.

Owns `docaxis.registry.commands.*`, `docaxis.registry.events` (all on partition 0: codes are unique
and versions run on, rule L3) and the views `directory` and `accounts`. Events in: none. Events out:
`OrganisationsRegistered`, `OrganisationLocked`, `SignaturePolicySet`, `OrganisationsMerged`,
`SystemRegistered`, `SystemServes`, `CredentialAdded`, `CredentialRevoked`, `SystemLocked`,
`SystemOnboarded`, `SystemSecurityLevelSet`, `SystemsSeen`, `RecipientGroupSet`,
`RecipientGroupRemoved`, `AccountRegistered`, `AccountPersonChanged`, `AccountLocked`,
`RoleGranted`, `RoleEnded`, `AccountErased`. Other services read these through protobuf and keep
what they need; replicas that grant authority hold systems in memory, from `SnapshotSystems` on.

Who holds an account is in no event and no view: `people` keeps it behind the port of secrets, and
`effects` destroy it.

Start with `domain` (the rules), then `views`, `queries` (what can be asked) and `grpc_servicer`.
`imports` reads and sends files of organisations, for the command line; `catalogue` reads the
packaged list of central agencies and provinces.
"""
