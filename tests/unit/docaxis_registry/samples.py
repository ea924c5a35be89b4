"""A registry in memory: commands decided and folded as the processor does it."""

from dataclasses import dataclass, field
from typing import Any

from docaxis_eventsourcing.decider import Decided, Decision, Moment
from docaxis_registry.domain import aggregates, decide, evolve, initial, touched
from docaxis_registry.domain.messages import (
    Alias,
    Command,
    OrganisationEntry,
    OrganisationsAnswer,
    RegisterOrganisations,
)
from docaxis_registry.domain.organisations import first_id

NOW = 1_795_300_000_000
"""2026-11-22 in Hà Nội."""
PUBLIC_JWK = '{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'


def entry(code: str, name: str = "UBND tỉnh", **others: Any) -> OrganisationEntry:
    organisation_id = others.pop("organisation_id", first_id(code))
    aliases = tuple(Alias(*each) for each in others.pop("aliases", ()))
    level = others.pop("level", 1)
    return OrganisationEntry(organisation_id, code, name, level, aliases=aliases, **others)


@dataclass
class Registry:
    states: dict[str, Any] = field(default_factory=dict)
    events: list[Any] = field(default_factory=list)

    def do(self, command: Command, now: int = NOW) -> Decision:
        named = {name: self.state(name) for name in aggregates(command)}
        decision = decide(named, Moment(now, "c"), command)
        if isinstance(decision, Decided):
            for event in decision.events:
                self.events.append(event)
                assert set(touched(event)) <= set(named), "the processor has loaded nothing else"
                for name in touched(event):
                    self.states[name] = evolve(self.state(name), event)
        return decision

    def state(self, name: str) -> Any:
        return self.states.get(name, initial(name))

    def results(self, *entries: OrganisationEntry, now: int = NOW) -> list[str]:
        decision = self.do(RegisterOrganisations(entries), now)
        answer = getattr(decision, "answer", None)
        assert isinstance(answer, OrganisationsAnswer)
        return [each.result for each in answer.entries]
