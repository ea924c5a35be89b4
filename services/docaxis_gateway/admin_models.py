"""What administrators may send, and what they are answered; manners as in `request_models`."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from docaxis_gateway.text_rules import (
    DateTime,
    FullDate,
    Identifier,
    Line,
    OrganisationCode,
    invalid,
)

MOST_ENTRIES = 500
MOST_SERVED = 500
"""Codes that are resolved in one call."""
MOST_MERGED = 100


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AliasEntry(_Request):
    """Another code of an organisation, valid between dates (inclusive); absent is open."""

    code: OrganisationCode
    valid_from: FullDate | None = None
    valid_until: FullDate | None = None


class OrganisationEntry(_Request):
    """An organisation: new, or changed where `id` or the code is known already."""

    id: Identifier | None = None
    code: OrganisationCode
    name: Annotated[str, Line(200)]
    level: Annotated[int, Field(ge=1, le=4)]
    level_since: FullDate | None = None
    kind: Annotated[str, Line(40, blank=True)] = ""
    parent: OrganisationCode | None = None
    aliases: Annotated[list[AliasEntry], Field(max_length=100)] = []


class RegisterOrganisations(_Request):
    """Parents come before their children. Each entry is answered for itself."""

    organisations: Annotated[list[OrganisationEntry], Field(min_length=1, max_length=MOST_ENTRIES)]


class MergeOrganisations(_Request):
    """Organisations that become part of another, from a day on; absent: today in Viet Nam."""

    organisations: Annotated[list[OrganisationCode], Field(min_length=1, max_length=MOST_MERGED)]
    into: OrganisationCode
    merged_on: FullDate | None = None


class SetSignaturePolicy(_Request):
    """What an organisation asks of incoming signatures; without a type its default."""

    document_type: Annotated[str, Line(100)] | None = None
    policy: Literal["advisory", "required"]


class RegisterSystem(_Request):
    """A system; with the connection `administration` an administrator, who serves nobody."""

    name: Annotated[str, Line(200)]
    connection: Literal["direct", "lgsp", "administration"]
    organisations: Annotated[list[OrganisationCode], Field(max_length=MOST_SERVED)] = []


class ServeOrganisations(_Request):
    """All organisations that a system serves from now on."""

    organisations: Annotated[list[OrganisationCode], Field(max_length=MOST_SERVED)]


class OnboardSystem(_Request):
    """How far a system has come; `suspended` shuts it out, and `registered` is only gone back to
    from there."""

    state: Literal["registered", "testing", "connected", "suspended"]


class SetSecurityLevel(_Request):
    """The information-security level of a system, and the day of its approval."""

    level: Annotated[int, Field(ge=1, le=5)]
    since: FullDate


class DateCredential(_Request):
    """From when until when a credential counts, the end excluded; absent is open."""

    not_before: DateTime | None = None
    not_after: DateTime | None = None


class PublicJwk(_Request):
    """A public key (RFC 7517) on Ed25519 or P-256; private members are refused by name."""

    kty: Literal["OKP", "EC"]
    crv: Literal["Ed25519", "P-256"]
    x: Annotated[str, Line(100)]
    y: Annotated[str, Line(100)] | None = None
    kid: Annotated[str, Line(200)] | None = None
    alg: Annotated[str, Line(20)] | None = None
    use: Annotated[str, Line(20)] | None = None


class AddCredential(_Request):
    """`key` needs `public_jwk`, `certificate` a `thumbprint` (SHA-256 of the DER certificate, as
    base64url or hexadecimal); an `hmac` secret is made by the axis and told in the answer."""

    kind: Literal["key", "certificate", "hmac"]
    public_jwk: PublicJwk | None = None
    thumbprint: Annotated[str, Line(100)] | None = None
    not_before: DateTime | None = None
    not_after: DateTime | None = None

    @model_validator(mode="after")
    def _what_the_kind_needs(self) -> Self:
        given = {
            "key": self.public_jwk is not None,
            "certificate": self.thumbprint is not None,
        }
        if any(there != (kind == self.kind) for kind, there in given.items()):
            raise invalid("public_jwk for key, thumbprint for certificate, neither for hmac")
        return self


class OrganisationOutcome(BaseModel):
    """`result`: `registered`, `unchanged`, or a code of the error table."""

    code: str
    id: str
    result: str


class OrganisationOutcomes(BaseModel):
    """One for each entry, in their order."""

    results: list[OrganisationOutcome]


class Changed(BaseModel):
    """The id of what was changed or made."""

    id: str


class NewCredential(BaseModel):
    """`secret` comes with `hmac` alone, and never again: its UTF-8 bytes are the key."""

    id: str
    kind: Literal["key", "certificate", "hmac"]
    secret: str | None = None


class CredentialOfSystem(BaseModel):
    """A credential by its id, with the moments from which and until which it counts."""

    id: str
    kind: Literal["key", "certificate", "hmac"]
    not_before: str | None
    not_after: str | None


class ServedOrganisation(BaseModel):
    """An organisation that a system serves; `code` as it is now."""

    id: str
    code: str | None


class KnownSystem(BaseModel):
    """A system or administrator, as this replica knows it (at most 5 s old)."""

    id: str
    name: str
    connection: str
    locked: bool
    onboarding: str
    security_level: int | None
    security_level_since: str | None
    organisations: list[ServedOrganisation]
    credentials: list[CredentialOfSystem]


class KnownSystemPage(BaseModel):
    """A page of systems, in the order of their ids."""

    items: list[KnownSystem]
    next: str | None
