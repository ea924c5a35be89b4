"""Routing follows what the registry says: mergers, suspended systems, groups, suggestions."""

from typing import Any

import pytest

from docaxis_eventsourcing.errors import DocaxisError
from docaxis_proto import registry_v1_pb2 as registry
from tests.unit.docaxis_routing import running_routing
from tests.unit.docaxis_routing.running_routing import CONTEXT, Running

running = running_routing.running


async def merge(running: Running, into: str, code: str, on: str = "") -> None:
    request = registry.MergeOrganisationsRequest(
        organisation_ids=[running.organisations[code]],
        into_organisation_id=running.organisations[into],
        merged_on=on,
        actor="test",
    )
    await running.registry.MergeOrganisations(request, CONTEXT)
    await see(running)


async def see(running: Running) -> None:
    """Routing's view of the registry has what was told before."""
    await running.service.views["routing_registry"].reader.pass_end(0, 20.0)


def outcome(reply: Any) -> list[tuple[str, str, str]]:
    return [(each.code, each.organisation_id, each.successor_code) for each in reply.recipients]


async def test_a_merged_recipient_is_its_successor_and_the_answer_says_so(running: Running) -> None:
    h26, h27 = running.organisations["H26"], running.organisations["H27"]
    await merge(running, "H27", "H26")
    first = await running.submit("H26")
    assert outcome(first) == [("H26", h27, "H27")]
    inbox = await running.inbox("H27")
    assert [each.organisation_id for each in inbox.deliveries] == [h27]
    again = await running.submit("H26")
    assert (outcome(again), again.first) == (outcome(first), False)
    both = await running.submit("H27", "H26", sender_document_id="both")
    assert outcome(both) == [("H27", h27, "")], "two codes of one organisation are one recipient"
    assert h26 not in [each.organisation_id for each in both.recipients]


async def test_before_its_day_a_merger_changes_nothing(running: Running) -> None:
    await merge(running, "H27", "H26", on="9999-01-01")
    reply = await running.submit("H26")
    assert outcome(reply) == [("H26", running.organisations["H26"], "")]


async def test_mergers_are_followed_to_their_end(running: Running) -> None:
    await merge(running, "H27", "H26")
    await merge(running, "G22", "H27")
    reply = await running.submit("H26")
    assert outcome(reply) == [("H26", running.organisations["G22"], "G22")]


async def test_suggestions_are_codes_of_today_the_successor_first(running: Running) -> None:
    await merge(running, "H27", "H26")
    reply = await running.submit("G22", "000.00.00.H26", "h26")
    told = {each.code: list(each.suggestions) for each in reply.refused}
    assert told["000.00.00.H26"][0] == "H27"
    assert told["h26"][0] == "H27"
    assert "H26" not in [*told["000.00.00.H26"], *told["h26"]]


async def test_a_suspended_system_submits_nothing(running: Running) -> None:
    request = registry.OnboardSystemRequest(
        system_id=running.system_id, state="suspended", actor="test"
    )
    await running.registry.OnboardSystem(request, CONTEXT)
    await see(running)
    with pytest.raises(DocaxisError, match="system_locked"):
        await running.submit("H26")


async def test_R2_a_repeat_is_known_by_its_groups_whatever_became_of_them(running: Running) -> None:
    groups = ["01939f3e-0000-7000-8000-000000000001"]
    first = await running.submit(recipient_group_ids=groups, group_member_codes=["H26"])
    again = await running.submit(recipient_group_ids=groups, group_member_codes=["H26", "H27"])
    assert (again.first, outcome(again)) == (False, outcome(first))
    assert [each[0] for each in outcome(first)] == ["H26"]
    more = await running.submit(
        "H27", recipient_group_ids=groups, group_member_codes=["H26", "H27"]
    )
    assert [each[0] for each in outcome(more)] == ["H27", "H26"]
