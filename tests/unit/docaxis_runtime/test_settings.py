"""Settings from the environment."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pytest

from docaxis_gateway.settings import GatewaySettings
from docaxis_runtime.settings import (
    SettingInfo,
    SettingsInvalid,
    describe_settings,
    load_all,
    load_settings,
    read_secret,
)


class Style(StrEnum):
    JSON = "json"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Sample:
    data: Path = field(metadata={"help": "Where things lie."})
    port: int = field(default=8080, metadata={"min": 1, "max": 65535})
    ratio: float = field(default=0.5, metadata={"min": 0})
    loud: bool = False
    names: tuple[str, ...] = ("a", "b")
    style: Style = Style.JSON
    limit: int | None = None
    key: Path | None = field(default=None, metadata={"env": "DOCAXIS_SAMPLE_KEY", "secret": True})


def test_values_are_read_by_their_types(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_bytes(b"hidden\n")
    found = load_settings(
        Sample,
        {
            "DOCAXIS_DATA": "/data",
            "DOCAXIS_PORT": " 99 ",
            "DOCAXIS_RATIO": "1.5",
            "DOCAXIS_LOUD": "Yes",
            "DOCAXIS_NAMES": "x, y,",
            "DOCAXIS_STYLE": "console",
            "DOCAXIS_LIMIT": "7",
            "DOCAXIS_SAMPLE_KEY": str(secret),
        },
    )
    assert found == Sample(Path("/data"), 99, 1.5, True, ("x", "y"), Style.CONSOLE, 7, secret)
    assert read_secret(secret) == b"hidden"


def test_what_is_not_set_takes_its_default() -> None:
    found = load_settings(Sample, {"DOCAXIS_DATA": "/data", "DOCAXIS_PORT": " "})
    assert found == Sample(Path("/data"))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(
            Sample,
            {
                "DOCAXIS_PORT": "70000",
                "DOCAXIS_RATIO": "nan",
                "DOCAXIS_LOUD": "perhaps",
                "DOCAXIS_STYLE": "xml",
                "DOCAXIS_LIMIT": "many",
                "DOCAXIS_SAMPLE_KEY": str(tmp_path / "empty"),
            },
        )
    found = {each.variable: (each.found, each.expected) for each in caught.value.problems}
    assert found == {
        "DOCAXIS_DATA": (None, "path"),
        "DOCAXIS_PORT": ("70000", "integer, at least 1, at most 65535"),
        "DOCAXIS_RATIO": ("nan", "number, at least 0"),
        "DOCAXIS_LOUD": ("perhaps", "true or false"),
        "DOCAXIS_STYLE": ("xml", "one of json, console"),
        "DOCAXIS_LIMIT": ("many", "integer, optional"),
        "DOCAXIS_SAMPLE_KEY": (
            str(tmp_path / "empty"),
            "the path of a readable file that holds the secret",
        ),
    }
    assert str(caught.value).splitlines()[0] == "DOCAXIS_DATA is not set; expected path"


def test_what_settings_say_of_each_other_is_a_problem_too() -> None:
    with pytest.raises(SettingsInvalid, match="both the certificate and the key"):
        load_settings(GatewaySettings, {"DOCAXIS_GATEWAY_TLS_KEY": "/key"})


def test_settings_describe_themselves() -> None:
    found = describe_settings(Sample)
    assert found[0] == SettingInfo("DOCAXIS_DATA", "path", None, "Where things lie.")
    assert [each.default for each in found[1:]] == ["8080", "0.5", "false", "a,b", "json", "", ""]
    assert found[4].type == "list of text, separated by commas"


def test_every_setting_of_the_gateway_has_help() -> None:
    for each in describe_settings(GatewaySettings):
        assert each.variable.startswith(("DOCAXIS_GATEWAY_", "DOCAXIS_GRPC_", "DOCAXIS_HTTP_"))
        assert each.help.endswith(".")


@dataclass(frozen=True, slots=True)
class Further(Sample):
    town: str = field(default="", metadata={"help": "Where."})


@dataclass(frozen=True, slots=True)
class Other:
    port: int = field(default=1, metadata={"env": "DOCAXIS_PORT", "max": 65535})
    street: str = field(kw_only=True)


def test_several_are_read_at_once_and_found_by_their_class() -> None:
    told = {"DOCAXIS_DATA": "/data", "DOCAXIS_TOWN": "Huế", "DOCAXIS_STREET": "Lê Lợi"}
    found = load_all([Further, Other], told)
    assert found[Further].town == "Huế"
    assert found[Sample] is found[Further]
    assert found[Other] == Other(street="Lê Lợi")
    with pytest.raises(KeyError):
        found[GatewaySettings]


def test_the_problems_of_several_are_told_at_once_and_each_once() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_all([Further, Sample, Other], {"DOCAXIS_LIMIT": "x"})
    variables = [each.variable for each in caught.value.problems]
    assert variables == ["DOCAXIS_DATA", "DOCAXIS_LIMIT", "DOCAXIS_STREET"]


@pytest.mark.parametrize("error", [ValueError("not together"), PermissionError("not together")])
def test_what_a_check_finds_is_a_problem(error: Exception) -> None:
    def check(found: object) -> None:
        raise error

    with pytest.raises(SettingsInvalid, match="settings: not together"):
        load_all([Other], {"DOCAXIS_STREET": "x"}, check=check)


def test_what_is_inherited_is_described_where_it_was_defined() -> None:
    assert [each.variable for each in describe_settings(Further)] == ["DOCAXIS_TOWN"]
