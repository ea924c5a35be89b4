"""The registry's domain <-> protobuf; nothing else."""

from docaxis_eventsourcing.message_codec import MessageCodec
from docaxis_proto import registry_commands_v1_pb2 as commands
from docaxis_proto import registry_events_v1_pb2 as events
from docaxis_registry.domain import account_messages, messages

CODEC = MessageCodec(
    (
        (messages.Alias, events.Alias),
        (messages.OrganisationEntry, events.OrganisationEntry),
        (messages.OrganisationsRegistered, events.OrganisationsRegistered),
        (messages.OrganisationLocked, events.OrganisationLocked),
        (messages.SignaturePolicySet, events.SignaturePolicySet),
        (messages.SystemRegistered, events.SystemRegistered),
        (messages.SystemServes, events.SystemServes),
        (messages.CredentialAdded, events.CredentialAdded),
        (messages.CredentialRevoked, events.CredentialRevoked),
        (messages.SystemLocked, events.SystemLocked),
        (messages.OrganisationsMerged, events.OrganisationsMerged),
        (messages.SystemOnboarded, events.SystemOnboarded),
        (messages.SystemSecurityLevelSet, events.SystemSecurityLevelSet),
        (messages.SystemsSeen, events.SystemsSeen),
        (messages.RecipientGroupSet, events.RecipientGroupSet),
        (messages.RecipientGroupRemoved, events.RecipientGroupRemoved),
        (messages.RegisterOrganisations, commands.RegisterOrganisations),
        (messages.EntryResult, commands.EntryResult),
        (messages.OrganisationsAnswer, commands.OrganisationsAnswer),
        (messages.LockOrganisation, commands.LockOrganisation),
        (messages.SetSignaturePolicy, commands.SetSignaturePolicy),
        (messages.RegisterSystem, commands.RegisterSystem),
        (messages.SetServedOrganisations, commands.SetServedOrganisations),
        (messages.AddCredential, commands.AddCredential),
        (messages.RevokeCredential, commands.RevokeCredential),
        (messages.LockSystem, commands.LockSystem),
        (messages.MergeOrganisations, commands.MergeOrganisations),
        (messages.OnboardSystem, commands.OnboardSystem),
        (messages.SetSecurityLevel, commands.SetSecurityLevel),
        (messages.NoteSystemsSeen, commands.NoteSystemsSeen),
        (messages.SetRecipientGroup, commands.SetRecipientGroup),
        (messages.RemoveRecipientGroup, commands.RemoveRecipientGroup),
        (account_messages.AccountRegistered, events.AccountRegistered),
        (account_messages.AccountPersonChanged, events.AccountPersonChanged),
        (account_messages.AccountLocked, events.AccountLocked),
        (account_messages.RoleGranted, events.RoleGranted),
        (account_messages.RoleEnded, events.RoleEnded),
        (account_messages.AccountErased, events.AccountErased),
        (account_messages.RegisterAccount, commands.RegisterAccount),
        (account_messages.NotePersonChanged, commands.NotePersonChanged),
        (account_messages.LockAccount, commands.LockAccount),
        (account_messages.GrantRole, commands.GrantRole),
        (account_messages.EndRole, commands.EndRole),
        (account_messages.EraseAccount, commands.EraseAccount),
    )
)
"""Commands, answers and events of the registry."""

ERASED = MessageCodec(((account_messages.AccountErased, events.AccountErased),))
"""What the registry's effects read."""
