"""`python -m docaxis_<name>`: settings read and all their problems told, `--help` with all of them.

A service has `rebuild [VIEW…]` besides.
"""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from docaxis_process.process import WRONG_SETTINGS, run_process
from docaxis_process.settings import ProcessSettings
from docaxis_runtime.settings import (
    LoadedSettings,
    SettingInfo,
    SettingsInvalid,
    describe_settings,
    load_all,
)

_EXIT_CODES = """exit codes: 0 done, or stopped when asked to; 1 a part died, or what it needs
cannot serve it; 2 settings are missing or wrong"""

Serve = Callable[[LoadedSettings], Awaitable[None]]
Rebuild = Callable[[LoadedSettings, Sequence[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ProcessDefinition:
    """What a process is told and what it does."""

    name: str
    """As in `docaxis_gateway`, without the front."""
    settings_classes: tuple[type[Any], ...]
    """`ProcessSettings` or one made from it is among them."""
    serve: Serve
    """Serves until cancelled."""
    check: Callable[[LoadedSettings], object] | None = None
    """Raises `ValueError` for settings that do not go together."""
    rebuild: Rebuild | None = None
    """Rebuilds the views of these names; none named means all."""


def run_command_line(definition: ProcessDefinition, arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    told = _parser(definition).parse_args(arguments)
    try:
        settings = load_all(definition.settings_classes, check=definition.check)
    except SettingsInvalid as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_SETTINGS
    rebuild, views = definition.rebuild, getattr(told, "views", None)

    async def work() -> None:
        if rebuild is None or views is None:
            await definition.serve(settings)
        else:
            await rebuild(settings, views)

    return run_process(definition.name, settings[ProcessSettings], work)


def settings_help(classes: Sequence[type[Any]]) -> str:
    """The settings of these dataclasses and of those that they inherit, for a `--help`."""
    infos: dict[SettingInfo, None] = {}
    for cls in classes:
        for each in reversed(cls.__mro__[:-1]):
            infos.update(dict.fromkeys(describe_settings(each)))
    return "\n".join(["settings, from the environment:", *map(_told, infos)])


def _told(info: SettingInfo) -> str:
    default = "required" if info.default is None else f"default {info.default or 'none'}"
    return f"  {info.variable} ({info.type}; {default})\n      {info.help}"


def _parser(definition: ProcessDefinition) -> ArgumentParser:
    parser = ArgumentParser(
        prog=f"python -m docaxis_{definition.name}",
        description=f"{definition.name} of docaxis as a process: runs until it is told to stop.",
        epilog=f"{_EXIT_CODES}\n\n{settings_help(definition.settings_classes)}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    if definition.rebuild is not None:
        commands = parser.add_subparsers(metavar="COMMAND")
        words = "make views again from the log, while the replicas serve"
        rebuild = commands.add_parser("rebuild", help=words, description=words)
        rebuild.add_argument(
            "views", nargs="*", metavar="VIEW", help="full names; none named means all"
        )
    return parser
