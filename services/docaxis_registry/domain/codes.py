"""Who holds a code, and when: the aggregate `code/<CODE>`, and the forms of codes and dates."""

import re
from dataclasses import dataclass
from datetime import date

from docaxis_registry.domain.messages import OrganisationsRegistered

LONGEST_CODE = 35
_CODE = re.compile(r"[A-Z0-9]+(\.[A-Z0-9]+)*")
_QCVN_FORM = re.compile(r"\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}")


@dataclass(frozen=True, slots=True)
class Claim:
    """One organisation's hold on a code: as its own code, or as an alias within dates."""

    organisation_id: str
    is_code: bool
    valid_from: str = ""
    valid_until: str = ""

    def holds_on(self, day: str) -> bool:
        """Whether it is valid on a full-date."""
        return self.valid_from <= day and (not self.valid_until or day <= self.valid_until)

    def overlaps(self, other: "Claim") -> bool:
        """Whether two claims are valid on the same day."""
        return not (_ends_before(self, other) or _ends_before(other, self))


@dataclass(frozen=True, slots=True)
class CodeState:
    """The claims on one code, at most one an organisation."""

    code: str
    claims: tuple[Claim, ...] = ()

    def of_others(self, organisation_id: str) -> tuple[Claim, ...]:
        """The claims of other organisations."""
        return tuple(each for each in self.claims if each.organisation_id != organisation_id)

    def holder(self, day: str) -> str | None:
        """The organisation that the code meant on a day; a dated alias before an undated code."""
        valid = [claim for claim in self.claims if claim.holds_on(day)]
        first = min(valid, key=lambda claim: claim.is_code, default=None)
        return first.organisation_id if first else None


def evolve(state: CodeState, event: OrganisationsRegistered) -> CodeState:
    """The claims after an event: an organisation's newest word on a code replaces its former."""
    for entry in event.by_code.get(state.code, ()):
        if entry.code == state.code:
            claim = Claim(entry.organisation_id, is_code=True)
        else:
            alias = next(each for each in entry.aliases if each.code == state.code)
            claim = Claim(entry.organisation_id, False, alias.valid_from, alias.valid_until)
        state = CodeState(state.code, (*state.of_others(entry.organisation_id), claim))
    return state


def is_code(text: str) -> bool:
    """Groups of A-Z 0-9 joined by dots, at most 35 characters (Decision 20/2020)."""
    return len(text) <= LONGEST_CODE and _CODE.fullmatch(text) is not None


def is_qcvn_form(text: str) -> bool:
    """The older, reversed form of QCVN 102:2016, for example `000.00.00.H29`."""
    return _QCVN_FORM.fullmatch(text) is not None


def is_date(text: str) -> bool:
    """An RFC 3339 full-date, or nothing."""
    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _ends_before(one: Claim, other: Claim) -> bool:
    return bool(one.valid_until) and one.valid_until < other.valid_from
