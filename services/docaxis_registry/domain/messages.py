"""Commands, answers and events of the registry, as they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


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
    or by another `kind` of `credentials`."""

    system_id: str
    credential_id: str
    public_jwk: str
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
    """A system has a further credential; of a secret the event holds the name alone."""

    system_id: str
    credential_id: str
    public_jwk: str
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


SystemCommand = (
    RegisterSystem | SetServedOrganisations | AddCredential | RevokeCredential | LockSystem
)
Command = RegisterOrganisations | LockOrganisation | SetSignaturePolicy | SystemCommand
SystemEvent = SystemRegistered | SystemServes | CredentialAdded | CredentialRevoked | SystemLocked
OrganisationEvent = OrganisationsRegistered | OrganisationLocked | SignaturePolicySet
Event = OrganisationEvent | SystemEvent
