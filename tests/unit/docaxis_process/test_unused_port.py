"""A service gets the ports that it asked for, and no others."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docaxis_process.needs import Need, settings_for
from docaxis_process.port_settings import (
    MongoSettings,
    ReceiptKeySettings,
    S3Settings,
    SecretsSettings,
)
from docaxis_process.service_process import NOT_FOR_VIEWS, ServiceDefinition
from docaxis_process.unused_port import unused
from tests.embedded import ports_in

SERVICES = ("notification", "registry", "routing", "signature", "status")


def definition_of(service: str) -> ServiceDefinition[Any]:
    found = importlib.import_module(f"docaxis_{service}.__main__").DEFINITION
    assert isinstance(found, ServiceDefinition)
    return found


def test_touching_one_is_an_error_that_names_it() -> None:
    files = unused(Need.FILES, "registry")
    with pytest.raises(RuntimeError, match="registry did not ask for files, and now uses its 're"):
        files.read("document", "digest")
    assert "registry does not use" in repr(files)


@pytest.mark.parametrize("to_rebuild", [False, True])
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_composes_on_the_ports_that_it_asked_for(
    service: str, to_rebuild: bool, tmp_path: Path
) -> None:
    definition = definition_of(service)
    needs = definition.needs - NOT_FOR_VIEWS if to_rebuild else definition.needs
    async with ports_in(tmp_path) as ports:
        missing = {need.value: unused(need, service) for need in Need}
        for need in needs:
            del missing[need.value]
        composed = definition.compose(replace(ports, **missing), definition.settings())
        assert composed.name == definition.name


def test_services_ask_for_the_least() -> None:
    asked = {name: settings_for(definition_of(name).needs)[1:] for name in SERVICES}
    assert asked == {
        "registry": (MongoSettings, SecretsSettings),
        "routing": (MongoSettings, S3Settings),
        "signature": (MongoSettings, S3Settings, ReceiptKeySettings),
        "status": (MongoSettings, S3Settings),
        "notification": (MongoSettings, SecretsSettings),
    }
