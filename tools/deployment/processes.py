"""A process as a deployment file has it, held against what its code reads.

The code itself is asked: its settings are loaded from the file's values, so that a wrong value
or a listener without TLS is found here and not in a pod that does not start.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

from docaxis_process.command_line import ProcessDefinition
from docaxis_runtime.settings import (
    SettingInfo,
    SettingsInvalid,
    describe_settings,
    load_all,
)

SERVICES = ("registry", "routing", "signature", "status", "notification")
PROCESSES = (*SERVICES, "gateway")
FOR_LIBRARIES = frozenset(
    {
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
    }
)
"""Names that are OpenTelemetry's own; whether one of ours or the library reads them."""
STOP_MARGIN_S = 5.0
_ADDRESS = "_ADDRESS"
_GRPC = "dns:///"


@dataclass(frozen=True, slots=True)
class Process:
    """One process of the axis in a deployment file."""

    where: str
    """For messages: `trial: StatefulSet routing`."""
    name: str
    """`routing`: of the package that is run, without the front."""
    environ: Mapping[str, str]
    mounts: Sequence[str]
    """Folders that are mounted; all else is read-only and empty of what is the installation's."""
    grace_s: float
    """Between SIGTERM and SIGKILL."""


def settings_classes(name: str) -> tuple[type[Any], ...]:
    """What the code of a process reads."""
    definition = import_module(f"docaxis_{name}.__main__").DEFINITION
    return tuple(definition.settings_classes)


def settings_of(name: str) -> dict[str, SettingInfo]:
    """The same, by the variables' names."""
    return {
        info.variable: info
        for cls in settings_classes(name)
        for each in cls.__mro__[:-1]
        for info in describe_settings(each)
    }


def problems_of(process: Process) -> Iterator[str]:
    """What the file says and the code does not read, what the code needs and the file lacks."""
    known = settings_of(process.name)
    for variable, value in process.environ.items():
        if variable not in known and variable not in FOR_LIBRARIES:
            yield f"{process.where}: {variable} is not read by docaxis_{process.name}"
        elif variable in known and known[variable].type.startswith("path"):
            if not _mounted(value, process.mounts):
                yield f"{process.where}: nothing is mounted where {variable}={value} lies"
    yield from _as_loaded(process, known)


def _mounted(path: str, mounts: Sequence[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(each) for each in mounts)


def _as_loaded(process: Process, known: Mapping[str, SettingInfo]) -> Iterator[str]:
    """Load the settings as the process does, with files that are there in the place of its own."""
    definition = import_module(f"docaxis_{process.name}.__main__").DEFINITION
    check = definition.check if isinstance(definition, ProcessDefinition) else None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "secret"
        file.write_text("mongodb://user:password@mongo/")
        environ = {
            name: str(file) if name in known and known[name].type.startswith("path") else value
            for name, value in process.environ.items()
        }
        try:
            loaded = load_all(settings_classes(process.name), environ, check=check)
        except SettingsInvalid as error:
            for problem in error.problems:
                yield f"{process.where}: {problem}"
            return
    stop_within_s = loaded[settings_classes(process.name)[0]].stop_within_s
    if process.grace_s < stop_within_s + STOP_MARGIN_S:
        yield (
            f"{process.where}: is killed after {process.grace_s:.0f} s, and takes up to"
            f" {stop_within_s:.0f} s to stop"
        )


def address_problems(processes: Sequence[Process]) -> Iterator[str]:
    """Whether the gateway looks for each service where that listens, by the service's name."""
    by_name = {each.name: each for each in processes}
    for name in PROCESSES:
        if name not in by_name:
            yield f"docaxis_{name} is run by nothing here"
    gateway = by_name.get("gateway")
    for name in SERVICES if gateway is not None else ():
        if name not in by_name:
            continue
        wanted = f"{_GRPC}{name}:{port_of(by_name[name].environ.get('DOCAXIS_LISTEN', ''))}"
        found = gateway.environ.get(f"DOCAXIS_{name.upper()}{_ADDRESS}") if gateway else None
        if found is not None and found != wanted:
            yield f"{gateway.where if gateway else ''}: {name} is at {wanted}, not at {found}"


def port_of(address: str) -> int:
    """The port of `host:port`; 0 where there is none."""
    port = address.rpartition(":")[2]
    return int(port) if port.isdigit() else 0
