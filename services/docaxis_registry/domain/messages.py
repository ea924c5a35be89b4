"""Commands, answers and events of the registry, as they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from docaxis_registry.domain.account_messages import AccountCommand, AccountEvent


@dataclass(frozen=True, slots=True)
class Alias:
    """Another code, valid from and until (both inclusive) a full-date; empty: open."""

    code: str
    valid_from: str = ""
    valid_until: str = ""


@dataclass(frozen=True, slots=True)
class OrganisationEntry:
    """An organisation as an import tells it. Aliases that it does not name stay as they were."""

    organisation_id: str
    code: str
    name: str
    level: int
    kind: str = ""
    parent_code: str = ""
    aliases: tuple[Alias, ...] = ()
    level_since: str = ""


@dataclass(frozen=True, slots=True)
class RegisterOrganisations:
    """Register or change at most 500 organisations; parents come before their children."""

    entries: tuple[OrganisationEntry, ...]


@dataclass(frozen=True, slots=True)
class EntryResult:
    """What became of one entry; `key` is its code."""

    key: str
    organisation_id: str
    result: str
    pointer: str = ""
    """JSON pointer to the field of the entry that is at fault."""


@dataclass(frozen=True, slots=True)
class OrganisationsAnswer:
    """One result an entry, in their order."""

    entries: tuple[EntryResult, ...]


@dataclass(frozen=True, slots=True)
class LockOrganisation:
    """Shut an organisation out, or let it in again."""

    organisation_id: str
    locked: bool


@dataclass(frozen=True, slots=True)
class SetSignaturePolicy:
    """What an organisation asks of incoming signatures; an empty type is its default."""

    organisation_id: str
    document_type: str
    policy: str


@dataclass(frozen=True, slots=True)
class RegisterSystem:
    """Connect a system that serves organisations."""

    system_id: str
    name: str
    connection: str
    organisation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetServedOrganisations:
    """Replace the organisations that a system serves."""

    system_id: str
    organisation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AddCredential:
    """Let a system prove itself: with a key, of which `credential_id` is the thumbprint (RFC 7638),
    or by another `kind` of `credentials`.

    Unix ms within which the credential counts, the end excluded; 0: open.
    """

    system_id: str
    credential_id: str
    public_jwk: str
    not_before: int = 0
    not_after: int = 0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class RevokeCredential:
    """Take a key back, for ever."""

    system_id: str
    credential_id: str


@dataclass(frozen=True, slots=True)
class LockSystem:
    """Shut a system out, or let it in again."""

    system_id: str
    locked: bool


@dataclass(frozen=True, slots=True)
class MergeOrganisations:
    """Let organisations become part of another on a full-date; empty: today."""

    organisation_ids: tuple[str, ...]
    into_organisation_id: str
    merged_on: str = ""


@dataclass(frozen=True, slots=True)
class OnboardSystem:
    """Say how far a system has come, or shut it out (`suspended`)."""

    system_id: str
    state: str


@dataclass(frozen=True, slots=True)
class SetSecurityLevel:
    """The information-security level of a system, 1-5, and the full-date of its approval."""

    system_id: str
    level: int
    since: str


@dataclass(frozen=True, slots=True)
class NoteSystemsSeen:
    """Systems that made calls a moment ago."""

    system_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetRecipientGroup:
    """Make a group of recipients, or replace all that it holds."""

    group_id: str
    owner_organisation_id: str
    name: str
    member_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveRecipientGroup:
    """A group that is used no more; documents sent to it keep their recipients."""

    group_id: str


@dataclass(frozen=True)
class OrganisationsRegistered:
    """The entries of one command that held. Without slots, for the indexes that `evolve` uses."""

    entries: tuple[OrganisationEntry, ...]

    @cached_property
    def by_organisation(self) -> Mapping[str, tuple[OrganisationEntry, ...]]:
        """The entries of each organisation, in order."""
        found: dict[str, tuple[OrganisationEntry, ...]] = {}
        for entry in self.entries:
            found[entry.organisation_id] = (*found.get(entry.organisation_id, ()), entry)
        return found

    @cached_property
    def by_code(self) -> Mapping[str, tuple[OrganisationEntry, ...]]:
        """The entries that name each code, as code or alias, in order."""
        found: dict[str, tuple[OrganisationEntry, ...]] = {}
        for entry in self.entries:
            for code in (entry.code, *(alias.code for alias in entry.aliases)):
                found[code] = (*found.get(code, ()), entry)
        return found


@dataclass(frozen=True, slots=True)
class OrganisationLocked:
    """An organisation was shut out (or let in)."""

    organisation_id: str
    locked: bool


@dataclass(frozen=True, slots=True)
class SignaturePolicySet:
    """An organisation's policy for a document type, or its default."""

    organisation_id: str
    document_type: str
    policy: str


@dataclass(frozen=True, slots=True)
class SystemRegistered:
    """A system was connected."""

    system_id: str
    name: str
    connection: str
    organisation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SystemServes:
    """A system serves these organisations from now on."""

    system_id: str
    organisation_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CredentialAdded:
    """A system has a further credential, or one of its own has other dates; of a secret the event
    holds the name alone."""

    system_id: str
    credential_id: str
    public_jwk: str
    not_before: int = 0
    not_after: int = 0
    kind: str = ""


@dataclass(frozen=True, slots=True)
class CredentialRevoked:
    """A system's key is void."""

    system_id: str
    credential_id: str


@dataclass(frozen=True, slots=True)
class SystemLocked:
    """A system was shut out (or let in)."""

    system_id: str
    locked: bool


@dataclass(frozen=True, slots=True)
class OrganisationsMerged:
    """Organisations became part of another on a full-date."""

    organisation_ids: tuple[str, ...]
    into_organisation_id: str
    merged_on: str


@dataclass(frozen=True, slots=True)
class SystemOnboarded:
    """How far a system has come."""

    system_id: str
    state: str


@dataclass(frozen=True, slots=True)
class SystemSecurityLevelSet:
    """The information-security level of a system, and since when."""

    system_id: str
    level: int
    since: str


@dataclass(frozen=True, slots=True)
class SystemsSeen:
    """Systems made calls at about a moment (Unix ms)."""

    system_ids: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class RecipientGroupSet:
    """A group of recipients as it is from now on."""

    group_id: str
    owner_organisation_id: str
    name: str
    member_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecipientGroupRemoved:
    """A group is used no more."""

    group_id: str


SystemCommand = (
    RegisterSystem
    | SetServedOrganisations
    | AddCredential
    | RevokeCredential
    | LockSystem
    | OnboardSystem
    | SetSecurityLevel
)
GroupCommand = SetRecipientGroup | RemoveRecipientGroup
OrganisationCommand = (
    RegisterOrganisations | LockOrganisation | SetSignaturePolicy | MergeOrganisations
)
Command = OrganisationCommand | SystemCommand | NoteSystemsSeen | GroupCommand | AccountCommand
SystemEvent = (
    SystemRegistered
    | SystemServes
    | CredentialAdded
    | CredentialRevoked
    | SystemLocked
    | SystemOnboarded
    | SystemSecurityLevelSet
    | SystemsSeen
)
GroupEvent = RecipientGroupSet | RecipientGroupRemoved
OrganisationEvent = (
    OrganisationsRegistered | OrganisationLocked | SignaturePolicySet | OrganisationsMerged
)
Event = OrganisationEvent | SystemEvent | GroupEvent | AccountEvent
