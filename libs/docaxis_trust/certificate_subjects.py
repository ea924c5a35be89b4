"""Whom a certificate names, and whether it is an organisation's seal.

Decree 30/2020 asks for two signatures on a document, the competent person's and the agency's, so a
verdict must tell them apart. No field of a certificate is reserved for that in Viet Nam; these
rules read what the authorities in the field and ETSI EN 319 412 write:

- N1 A name of a person (surname, given name, pseudonym) or a person's number in the user id
  (``CCCD:``, ``CMND:``, ``HC:``) makes it a person's, whatever else it holds.
- N2 An organisation's identifier (2.5.4.97), or its tax number in the user id (``MST:``), makes it
  a seal.
- N3 So does a common name that is the organisation's name itself.
- N4 Everything else is a person's (or a system's): a seal is never assumed.
"""

import unicodedata
from dataclasses import dataclass

from asn1crypto import x509

_PERSON = ("surname", "given_name", "pseudonym")
_PERSON_NUMBERS = ("CCCD:", "CMND:", "HC:")
_ORGANISATION_NUMBERS = ("MST:",)
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """Names in NFC without control characters, cut at 200 characters; empty where not given."""

    common_name: str
    organisation_name: str
    is_seal: bool


def subject_of(certificate: x509.Certificate) -> Subject:
    """Read the subject of a certificate; raises ``ValueError`` for a name that is not readable."""
    native = certificate.subject.native
    common_name = _text(native.get("common_name"))
    organisation_name = _text(native.get("organization_name"))
    user_id = _text(native.get("user_id")).upper()
    if any(native.get(attribute) for attribute in _PERSON) or user_id.startswith(_PERSON_NUMBERS):
        is_seal = False
    elif native.get("organization_identifier") or user_id.startswith(_ORGANISATION_NUMBERS):
        is_seal = True
    else:
        is_seal = bool(common_name) and common_name.casefold() == organisation_name.casefold()
    return Subject(common_name, organisation_name, is_seal)


def _text(value: object) -> str:
    # A name may be given several times: the last is the most specific in practice.
    if isinstance(value, list):
        value = value[-1] if value else None
    if not isinstance(value, str):
        return ""
    text = unicodedata.normalize("NFC", value)[:_LONGEST_NAME]
    return "".join(each for each in text if unicodedata.category(each)[0] != "C").strip()
