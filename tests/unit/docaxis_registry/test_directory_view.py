from docaxis_eventsourcing.envelope import Envelope
from docaxis_eventsourcing.view import Rows
from docaxis_registry.domain.messages import LockOrganisation, RegisterSystem
from docaxis_registry.domain.organisations import first_id
from docaxis_registry.views import DIRECTORY, search_words
from tests.unit.docaxis_registry.samples import Registry, entry

ENVELOPE = Envelope(id="e", type="t", source="s")


def project(registry: Registry) -> Rows:
    rows = Rows()
    for event in registry.events:
        for table, key in DIRECTORY.keys(event, ENVELOPE):
            if row := rows.get(table, key):
                rows.load(table, {key: row})
        DIRECTORY.project(rows, event, ENVELOPE)
    return rows


def test_words_lose_marks_and_capitals() -> None:
    assert search_words("UBND thành phố Đà Nẵng") == {"ubnd", "thanh", "pho", "da", "nang"}
    assert search_words("H29.12") == {"h29.12", "h29", "12"}
    assert search_words("Đak  Lak-2 (cũ)") == {"dak", "lak", "2", "cu"}
    assert search_words("—") == set()


def test_an_organisation_is_found_by_its_name_codes_and_aliases() -> None:
    registry = Registry()
    registry.results(entry("H29", "UBND thành phố Hồ Chí Minh", aliases=[("H06",)]))
    row = project(registry).get("organisations", first_id("H29"))
    assert row is not None
    assert row.fields["code"] == "H29"
    words = row.fields["words"]
    assert isinstance(words, tuple)
    assert {"chi", "h06", "h29"} <= set(words)


def test_a_code_that_was_left_still_leads_to_its_organisation() -> None:
    registry = Registry()
    registry.results(entry("H57"))
    registry.results(entry("H64", organisation_id=first_id("H57")))
    rows = project(registry)
    assert rows.get("codes", "H57") is not None
    assert rows.get("codes", "H64") is not None


def test_codes_stand_under_their_parents() -> None:
    registry = Registry()
    registry.results(entry("H29"), entry("H29.1", parent_code="H29"))
    row = project(registry).get("codes", "H29.1")
    assert row is not None
    assert row.fields == {"parent": "H29"}


def test_a_second_fold_gives_the_same_rows() -> None:
    registry = Registry()
    registry.results(entry("H29"), entry("H57"))
    registry.do(LockOrganisation(first_id("H29"), True))
    registry.do(RegisterSystem("s", "QLVB", "direct", (first_id("H29"),)))
    assert project(registry).changes() == project(registry).changes()
