"""The packaged catalogue: central agencies, and the provinces of 2025 with the codes they merged.

Codes of merged provinces, and the older QCVN 102 forms, are aliases without an end: what is sent
to them today reaches the province that they became, and history stays readable.
"""

import json
from dataclasses import dataclass
from importlib.resources import files

from docaxis_proto import registry_events_v1_pb2 as events
from docaxis_registry.codec import CODEC
from docaxis_registry.domain.messages import Alias, OrganisationEntry
from docaxis_registry.domain.organisations import first_id


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """An organisation, and how sure its code is: high, medium or low (see the note in the data)."""

    organisation: OrganisationEntry
    confidence: str
    since_2025: str
    """What became of it in 2025, where something did."""


def catalogue() -> tuple[events.OrganisationEntry, ...]:
    """The organisations as `RegisterOrganisations` takes them: at most 500, parents first."""
    return tuple(CODEC.to_message(each.organisation) for each in read_catalogue())


def read_catalogue() -> tuple[CatalogueEntry, ...]:
    """28 central agencies, then 34 provinces."""
    text = files("docaxis_registry").joinpath("data/agencies.json").read_text(encoding="utf-8")
    told = json.loads(text)
    return (
        *(_entry(each, "central") for each in told["central"]),
        *(_entry(each, "province") for each in told["provinces"]),
    )


def _entry(told: dict[str, object], kind: str) -> CatalogueEntry:
    merged = told.get("merged", ())
    aliases = [str(told["qcvn_code"])]
    for each in merged if isinstance(merged, list) else ():
        aliases += [each["code"], each["qcvn_code"]]
    code = str(told["code"])
    organisation = OrganisationEntry(
        organisation_id=first_id(code),
        code=code,
        name=str(told["name"]),
        level=1,
        kind=kind,
        aliases=tuple(Alias(alias) for alias in aliases),
    )
    return CatalogueEntry(organisation, str(told["confidence"]), str(told.get("since_2025", "")))
