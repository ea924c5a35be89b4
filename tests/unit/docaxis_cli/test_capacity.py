"""`docaxis capacity`: each formula against counting one by one, and the command as typed."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from docaxis_cli.capacity.demand import Demand
from docaxis_cli.capacity.measured import SERVICES, Measured, read_measured
from docaxis_cli.capacity.page import amount, figure, line
from docaxis_cli.capacity.sizing import PARTITION_COUNTS, SHARES, size
from docaxis_cli.main import app
from tests.repository.repository import ROOT

FIGURES = ROOT / "benchmarks" / "figures" / "2026-11-28.json"
SAMPLE = Measured(16.4, 79.0, 5.5, 191.0, "a machine", "somewhere")
DAYS = 365


def test_the_peak_is_what_its_seconds_get() -> None:
    """A year of seconds in which each hour of a busy tenth has what the mean hour has ten times."""
    demand = Demand(documents_per_year=365 * 24 * 3600 * 2, recipients=3, peak=10)
    hour = sum(2 * 10 for _ in range(3600))
    sizing = size(demand, SAMPLE)
    assert sizing.documents_per_s * 3600 == pytest.approx(hour)
    assert sizing.deliveries_per_s * 3600 == pytest.approx(3 * hour)


def test_disks_hold_every_document_and_delivery_of_every_year() -> None:
    demand = Demand(
        documents_per_year=7,
        recipients=3,
        years=4,
        file_mib=2,
        log_kib_per_document=5,
        log_kib_per_delivery=3,
        view_kib_per_document=2,
        view_kib_per_delivery=1,
        log_copies=3,
        view_copies=3,
        file_copies=2,
        full=0.5,
    )
    log = views = files = 0
    for _year in range(4):
        for _document in range(7):
            log += 5 * 1024
            views += 2 * 1024
            files += 2 * 1024**2
            for _recipient in range(3):
                log += 3 * 1024
                views += 1024
    sizing = size(demand, SAMPLE)
    assert (sizing.log_bytes, sizing.view_bytes, sizing.file_bytes) == (log, views, files)
    brokers = [0.0] * sizing.brokers.count
    for number in range(3 * log // 1024):  # each copy of each KiB on the next broker
        brokers[number % len(brokers)] += 1024
    assert sizing.broker_disk_bytes == pytest.approx(max(brokers) / 0.5, rel=0.01)
    assert sizing.view_disk_bytes == views / 0.5
    assert sizing.file_disk_bytes == 2 * files / 0.5


DEMANDS = st.builds(
    Demand,
    documents_per_year=st.floats(1e3, 2e8),
    recipients=st.floats(1, 60),
    peak=st.floats(1, 20),
    years=st.floats(1, 20),
    growth=st.just(1.0),
    file_mib=st.floats(0, 10),
    busy=st.floats(0.2, 1),
    full=st.floats(0.3, 1),
    node_cpus=st.integers(1, 64),
    node_gbit=st.floats(1, 100),
    broker_disk_tib=st.floats(0.5, 50),
    partition_commands_per_s=st.just(1e5),
)


@given(DEMANDS)
def test_nodes_are_the_fewest_that_carry_the_peak_when_one_is_away(demand: Demand) -> None:
    sizing = size(demand, SAMPLE)

    def carry(nodes: int) -> bool:
        left = nodes - 1
        cpu = left * demand.node_cpus * demand.busy
        memory = left * demand.node_memory_gib * 2**30 * demand.full
        bits = left * demand.node_gbit * 1e9 * demand.busy
        wanted = 2 * (sizing.in_bit_per_s + sizing.out_bit_per_s)
        used = sum(sizing.replicas.values()) * SAMPLE.memory_mib * 2**20
        fits = 1 + 1e-9
        return sizing.cores <= cpu * fits and used <= memory * fits and wanted <= bits * fits

    fewest = 3
    while not carry(fewest):
        fewest += 1
    assert sizing.nodes.count == fewest
    assert sizing.nodes.asked[sizing.nodes.bound] == fewest


@given(DEMANDS)
def test_replicas_share_the_cpu_and_none_is_busier_than_it_may_be(demand: Demand) -> None:
    sizing = size(demand, SAMPLE)
    for name, share in SHARES.items():
        one = sizing.cores * share / sizing.replicas[name]
        assert one <= demand.busy * (1 + 1e-9)
        fewer = sizing.replicas[name] - 1
        assert fewer == 1 or sizing.cores * share / fewer > demand.busy * (1 - 1e-9)


@given(DEMANDS)
def test_brokers_are_the_fewest_that_hold_the_log(demand: Demand) -> None:
    sizing = size(demand, SAMPLE)
    disk = demand.broker_disk_tib * 2**40 * demand.full
    assert sizing.log_bytes * 3 <= sizing.brokers.count * disk * (1 + 1e-9)
    if sizing.brokers.bound == "disk":
        assert sizing.log_bytes * 3 > (sizing.brokers.count - 1) * disk * (1 - 1e-9)
    assert sizing.brokers.count >= 3


@pytest.mark.parametrize("rate", [0.1, 1, 7.3, 40, 900])
def test_partitions_decide_all_commands_of_the_peak_with_room_to_grow(rate: float) -> None:
    demand = Demand(
        documents_per_year=rate * DAYS * 86_400, recipients=2, peak=1, growth=2, busy=1,
        partition_commands_per_s=30, cluster_factor=1,
    )  # fmt: skip
    measured = replace(SAMPLE, cpu_ms_per_exchange=0.001, cluster_factor=0.0)
    commands = rate * (2 + 2 * 3)
    enough = [each for each in PARTITION_COUNTS if each * 30 >= commands * 2 and each >= 12]
    assert size(demand, measured).partitions.count == min(enough)


def test_more_partitions_than_an_installation_has_are_told() -> None:
    with pytest.raises(ValueError, match="more than one installation has"):
        size(Demand(documents_per_year=1e12), SAMPLE)


def test_twice_the_documents_is_twice_of_all_that_is_not_counted_in_whole() -> None:
    once = size(Demand(documents_per_year=1e6), SAMPLE)
    twice = size(Demand(documents_per_year=2e6), SAMPLE)
    for name in ("documents_per_s", "deliveries_per_s", "cores", "log_bytes", "out_bit_per_s"):
        assert getattr(twice, name) == pytest.approx(2 * getattr(once, name))


def test_a_small_axis_is_bound_by_what_stands_by() -> None:
    sizing = size(Demand(documents_per_year=1000, years=1), SAMPLE)
    assert (sizing.nodes.count, sizing.brokers.count) == (3, 3)
    assert sizing.bound.startswith("standing by")


@pytest.mark.parametrize("name", [each.name for each in fields(Demand)])
def test_every_assumption_counts_or_says_why_not(name: str) -> None:
    """One that changes nothing would be a lie in the page."""
    measured = replace(SAMPLE, cluster_factor=0.0)
    heavy = Demand(documents_per_year=3e8, file_mib=5, partition_commands_per_s=3000)
    value = getattr(heavy, name)
    bounds = next(each for each in fields(Demand) if each.name == name).metadata
    least, most = bounds["least"], bounds["most"]
    changes = {value * 0.01, value * 100, least, min(1.0, most)} - {value}
    others = [replace(heavy, **{name: each}) for each in changes if least <= each <= most]
    assert any(outcome(each, measured) != outcome(heavy, measured) for each in others)


def outcome(demand: Demand, measured: Measured) -> object:
    try:
        return size(demand, measured)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({}, "/profile/cpu_ms_per_exchange"),
        ({"profile": {"cpu_ms_per_exchange": 3}}, "no object"),
        ({"profile": {"cpu_ms_per_exchange": {"client": 1.0}}}, "names no CPU"),
        ({"profile": {"cpu_ms_per_exchange": {"axis_user": "10"}}}, "axis_user"),
        ({"profile": {"cpu_ms_per_exchange": {"axis_user": True}}}, "axis_user"),
        ({"profile": {"cpu_ms_per_exchange": {"axis_user": 1}}}, "/two_calls"),
        (
            {
                "profile": {"cpu_ms_per_exchange": {"axis_user": 1}},
                "two_calls": {"exchanges_per_s": {"median": -1}},
            },
            "/two_calls/exchanges_per_s/median",
        ),
    ],
)
def test_figures_that_are_none_are_named(content: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        read_measured(content)


def test_the_committed_figures_are_what_the_page_on_performance_tells() -> None:
    content = json.loads(FIGURES.read_text())
    measured = read_measured(content)
    assert measured.cpu_ms_per_exchange == pytest.approx(5.27 + 1.95 + 1.32)
    page = (ROOT / "docs" / "explanation" / "performance.md").read_text()
    told = ("| 138 | 137-145 |", "| 5.3 |", "| 2.0 |", "| 1.3 |", "269 MiB", "| 94.1 ", "68.9")
    assert [each for each in told if each not in page] == []


def test_a_cluster_is_measured_by_the_cpu_of_its_services() -> None:
    """Ten milliseconds on a standalone, forty on a cluster; brokers and stores are no service."""
    cost = dict(zip(SERVICES, (10, 12, 8, 4, 4, 2), strict=True))
    reached = {"exchanges_per_s": {"median": 9}}
    content = {
        "profile": {"cpu_ms_per_exchange": {"axis_user": 10}},
        "two_calls": {"exchanges_per_s": {"median": 100}},
        "standalone": {"exchanges_per_s": {"median": 90}},
    }
    by_cpu = {**reached, "cost_per_document": {"cpu_ms": {**cost, "Kafka": 60}}}
    measured = read_measured({**content, "cluster": {"routing-1": by_cpu}})
    assert measured.cluster_factor == pytest.approx(4)
    assert measured.shares == {name: cost[name] / 40 for name in SERVICES}
    assert size(Demand(), measured).shares["routing"] == pytest.approx(0.3)
    by_speed = read_measured({**content, "cluster": {"routing-1": reached}})
    assert by_speed.cluster_factor == pytest.approx(10)
    assert size(Demand(), by_speed).shares == SHARES


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["capacity", *arguments], env={"LANG": "en", "COLUMNS": "200"})
    return result.exit_code, result.stdout, result.stderr


def test_the_command_takes_every_assumption_as_an_option() -> None:
    code, told, _ = run(str(FIGURES), "--json", "--documents-per-year", "1000", "--node-cpus", "2")
    assert code == 0
    answer = json.loads(told)
    assert answer["assumed"] == {
        **{each.name: each.default for each in fields(Demand)},
        "documents_per_year": 1000,
        "node_cpus": 2,
    }
    assert answer["sizing"]["nodes"]["count"] == 3


def test_the_command_prints_a_table_and_what_bounds() -> None:
    code, told, _ = run(str(FIGURES), "--lang", "en")
    assert code == 0
    assert "replicas of gateway" in told
    assert "What asks for the most:" in told


@pytest.mark.parametrize("told", ["--peak=0", "--busy=1.5", "--recipients=nan", "--years=-1"])
def test_an_assumption_out_of_bounds_is_named(told: str) -> None:
    code, _, said = run(str(FIGURES), told, "--lang", "en")
    assert code == 2
    assert told.partition("=")[0] in said


@pytest.mark.parametrize("content", ["", "[]", "{", '{"two_calls": 1}'])
def test_a_file_that_is_no_benchmark_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bench.json"
    path.write_text(content)
    assert run(str(path), "--lang", "en")[0] == 2


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (12, "12"), (1234.5, "1,234"), (0.1234, "0.123"), (99.94, "99.9")]
)
def test_figures_have_three_digits(value: float, text: str) -> None:
    assert figure(value) == text


def test_amounts_have_the_largest_unit_that_leaves_one() -> None:
    assert [amount(each) for each in (0, 1023, 1024, 1.5 * 2**30, 2**40)] == [
        "0 B", "1,023 B", "1 KiB", "1.5 GiB", "1 TiB",
    ]  # fmt: skip
    assert [line(each) for each in (999, 1e6, 2.5e9)] == ["999 bit/s", "1 Mbit/s", "2.5 Gbit/s"]
