"""docker-compose.yml: its processes, and what only Compose has."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from docaxis_process.installation_keys import make_installation_keys
from tools.deployment.processes import PROCESSES, Process, address_problems, problems_of

_KEYS = "keys-"


def read(path: Path) -> dict[str, Any]:
    """The file, its merges done."""
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def processes(compose: Mapping[str, Any], where: str) -> list[Process]:
    """The processes of the axis in it."""
    found = []
    for service, content in compose["services"].items():
        name = process_name(content.get("command"))
        if name is not None:
            found.append(
                Process(
                    f"{where}: {service}",
                    name,
                    content.get("environment", {}),
                    [target for _, target in _volumes(content)] + content.get("tmpfs", []),
                    float(str(content.get("stop_grace_period", "10s")).removesuffix("s")),
                )
            )
    return found


def process_name(command: Any) -> str | None:
    """`routing`, where a command is `python -m docaxis_routing`."""
    if isinstance(command, list) and command[:2] == ["python", "-m"] and len(command) == 3:
        name = str(command[2]).removeprefix("docaxis_")
        return name if name in PROCESSES else str(command[2])
    return None


def problems(compose: Mapping[str, Any], where: str) -> Iterator[str]:
    """All that is wrong with it."""
    found = processes(compose, where)
    unknown = [each for each in found if each.name not in PROCESSES]
    yield from (f"{each.where}: there is no process {each.name}" for each in unknown)
    known = [each for each in found if each.name in PROCESSES]
    yield from (f"{where}: {problem}" for problem in address_problems(known))
    for process in known:
        yield from problems_of(process)
        # Others find a service by its name in the file.
        if process.where != f"{where}: {process.name}":
            yield f"{process.where} runs docaxis_{process.name}, and is not called so"
    yield from _key_problems(compose, where)
    for service, content in compose["services"].items():
        yield from _reference_problems(compose, f"{where}: {service}", content)


def _key_problems(compose: Mapping[str, Any], where: str) -> Iterator[str]:
    """Whether each file below /keys is one that `docaxis keys` makes for who has the volume."""
    with tempfile.TemporaryDirectory() as folder:
        made = {f"{path.parent.name}/{path.name}" for path in make_installation_keys(Path(folder))}
    for service, content in compose["services"].items():
        holders = [
            source.removeprefix(_KEYS)
            for source, target in _volumes(content)
            if source.startswith(_KEYS) and target == "/keys"
        ]
        for variable, value in content.get("environment", {}).items():
            if str(value).startswith("/keys/") and holders:
                key = f"{holders[0]}/{str(value).removeprefix('/keys/')}"
                if key not in made:
                    yield f"{where}: {service}: {variable}={value} is no key of {holders[0]}"
        if process_name(content.get("command")) is not None and holders != [service]:
            yield f"{where}: {service} has the keys of {', '.join(holders) or 'nobody'}"


def _reference_problems(
    compose: Mapping[str, Any], where: str, content: Mapping[str, Any]
) -> Iterator[str]:
    for each in content.get("depends_on", {}):
        if each not in compose["services"]:
            yield f"{where} depends on {each}, which is not there"
    for source, _ in _volumes(content):
        if "/" in source:
            if not Path(source).exists():
                yield f"{where} mounts {source}, which is not there"
        elif source not in compose["volumes"]:
            yield f"{where} has the volume {source}, which is not declared"


def _volumes(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Source and target."""
    pairs = (str(each).split(":") for each in content.get("volumes", []))
    return [(each[0], each[1]) for each in pairs]
