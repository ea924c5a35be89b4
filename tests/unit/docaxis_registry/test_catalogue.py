from docaxis_registry.catalogue import read_catalogue
from tests.unit.docaxis_registry.samples import Registry


def test_the_catalogue_registers_as_it_is() -> None:
    entries = tuple(each.organisation for each in read_catalogue())
    registry = Registry()
    assert registry.results(*entries) == ["registered"] * 62
    assert registry.results(*entries) == ["unchanged"] * 62


def test_all_63_provinces_of_2019_lead_to_one_of_34() -> None:
    registry = Registry()
    registry.results(*(each.organisation for each in read_catalogue()))
    holders = {registry.state(f"code/H{n:02}").holder("2026-11-22") for n in range(1, 64)}
    assert None not in holders
    assert len(holders) == 34
    for number in range(1, 64):
        older = registry.state(f"code/000.00.00.H{number:02}").holder("2026-11-22")
        assert older == registry.state(f"code/H{number:02}").holder("2026-11-22")


def test_a_merged_province_carries_the_codes_of_those_it_took_in() -> None:
    found = {each.organisation.code: each for each in read_catalogue()}
    aliases = {alias.code for alias in found["H29"].organisation.aliases}
    assert {"H06", "H09", "000.00.00.H29"} <= aliases
    assert found["H29"].organisation.name == "UBND thành phố Hồ Chí Minh"
    assert found["G22"].organisation.name == "Văn phòng Chính phủ"


def test_confidence_is_told() -> None:
    found = {each.organisation.code: each.confidence for each in read_catalogue()}
    assert set(found.values()) == {"high", "medium", "low"}
    assert (found["G22"], found["H01"], found["H29"]) == ("high", "high", "low")
