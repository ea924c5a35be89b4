"""Settings: one frozen dataclass per service, read from environment variables `DOCAXIS_*`.

The field `listen_port` is read from `DOCAXIS_LISTEN_PORT` (or the variable that its metadata names
as `env`). Types: `str`, `int`, `float`, `bool`, `Path`, an enumeration, `tuple[<type>, ...]` (split
at commas), each perhaps `| None`. Metadata: `help`; `min` and `max` for numbers; `secret=True` for
the path of a file that holds a secret, which must be readable at start. All problems of all
variables are told at once, because a container that fails at each of five mistakes in turn takes
five deployments.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

SettingsT = TypeVar("SettingsT")

_SEVERAL = "settings"

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """What is wrong with one variable. `found` is None where it is not set.

    What is wrong between several has `settings` for a variable, and says it in `expected`.
    """

    variable: str
    found: str | None
    expected: str

    def __str__(self) -> str:
        if self.variable == _SEVERAL:
            return f"{self.variable}: {self.expected}"
        found = "is not set" if self.found is None else f"is {self.found!r}"
        return f"{self.variable} {found}; expected {self.expected}"


class SettingsInvalid(Exception):
    """Every variable that is missing or wrong, all at once."""

    def __init__(self, problems: tuple[SettingProblem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class SettingInfo:
    """One setting for the reference page. `default` is None where the variable is required."""

    variable: str
    type: str
    default: str | None
    help: str


def load_settings(cls: type[SettingsT], environ: Mapping[str, str] | None = None) -> SettingsT:
    """Read the settings of a dataclass; raises `SettingsInvalid` with all problems."""
    source = os.environ if environ is None else environ
    hints = get_type_hints(cls)
    values: dict[str, Any] = {}
    problems: list[SettingProblem] = []
    for each in _fields(cls):
        variable = _variable(each)
        text = source.get(variable)
        if text is None or not text.strip():
            if _required(each):
                problems.append(SettingProblem(variable, None, _expected(each, hints[each.name])))
            continue
        try:
            values[each.name] = _checked(each, _read(hints[each.name], text.strip()))
        except (ValueError, OSError):
            problems.append(SettingProblem(variable, text, _expected(each, hints[each.name])))
    if problems:
        raise SettingsInvalid(tuple(problems))
    try:
        return cls(**values)
    except ValueError as error:  # What `__post_init__` finds between several settings.
        raise SettingsInvalid((_between(error),)) from error


class LoadedSettings:
    """Settings of several dataclasses; `loaded[RoutingSettings]` is the one of that class."""

    def __init__(self, *values: Any) -> None:
        self._values = values

    def __getitem__(self, cls: type[SettingsT]) -> SettingsT:
        """The one of this class, or of one made from it. Raises `KeyError` where there is none."""
        for value in self._values:
            if isinstance(value, cls):
                return value
        raise KeyError(cls)


def load_all(
    classes: Sequence[type[Any]],
    environ: Mapping[str, str] | None = None,
    *,
    check: Callable[[LoadedSettings], object] | None = None,
) -> LoadedSettings:
    """Read the settings of several dataclasses; raises `SettingsInvalid` with all their problems.

    `check` sees what was loaded; a `ValueError` or `OSError` of its is a problem like others.
    """
    values: list[Any] = []
    problems: dict[SettingProblem, None] = {}
    for cls in classes:
        try:
            values.append(load_settings(cls, environ))
        except SettingsInvalid as error:
            problems.update(dict.fromkeys(error.problems))
    if problems:
        raise SettingsInvalid(tuple(problems))
    loaded = LoadedSettings(*values)
    try:
        if check is not None:
            check(loaded)
    except (ValueError, OSError) as error:
        raise SettingsInvalid((_between(error),)) from error
    return loaded


def describe_settings(cls: type[Any]) -> tuple[SettingInfo, ...]:
    """A dataclass's own settings, in its order, for `docs/reference/settings.md`.

    What it inherits is told with the dataclass that it has it from.
    """
    hints = get_type_hints(cls)
    inherited = {
        each.name for base in cls.__mro__[1:] if is_dataclass(base) for each in fields(base)
    }
    return tuple(
        SettingInfo(
            _variable(each),
            _type_name(hints[each.name]),
            None if _required(each) else _shown(_default(each)),
            str(each.metadata.get("help", "")),
        )
        for each in _fields(cls)
        if each.name not in inherited
    )


def read_secret(path: Path) -> bytes:
    """The bytes of a secret's file, without the line end that editors add.

    Raises `ValueError` for an empty file, `OSError` where it cannot be read.
    """
    secret = path.read_bytes().rstrip(b"\r\n")
    if not secret:
        raise ValueError(f"the secret file {path} is empty")
    return secret


def _between(error: Exception) -> SettingProblem:
    """What is wrong with settings beside each other."""
    return SettingProblem(_SEVERAL, "inconsistent", str(error))


def _fields(cls: type[Any]) -> tuple[Field[Any], ...]:
    return tuple(each for each in fields(cls) if each.init)


def _variable(each: Field[Any]) -> str:
    return str(each.metadata.get("env", f"DOCAXIS_{each.name.upper()}"))


def _required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _default(each: Field[Any]) -> Any:
    return each.default_factory() if each.default_factory is not MISSING else each.default


def _optional(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in (Union, UnionType):
        inner = [each for each in get_args(hint) if each is not NoneType]
        if len(inner) == 1:
            return inner[0], True
    return hint, False


def _read(hint: Any, text: str) -> Any:
    kind, _ = _optional(hint)
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return tuple(_read(item, part.strip()) for part in text.split(",") if part.strip())
    if kind is bool:
        return _read_bool(text)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(text)
    readers: dict[Any, Callable[[str], Any]] = {str: str, int: int, float: float, Path: Path}
    if kind not in readers:
        raise TypeError(f"settings of type {kind} cannot be read from the environment")
    return readers[kind](text)


def _read_bool(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(text)


def _checked(each: Field[Any], value: Any) -> Any:
    least, most = each.metadata.get("min"), each.metadata.get("max")
    if (least is not None and value < least) or (most is not None and value > most):
        raise ValueError(value)
    # A number that is no number passes every comparison above.
    if isinstance(value, float) and value != value:
        raise ValueError(value)
    if each.metadata.get("secret") and isinstance(value, Path):
        read_secret(value)
    return value


def _expected(each: Field[Any], hint: Any) -> str:
    words = _type_name(hint)
    if each.metadata.get("secret"):
        words = "the path of a readable file that holds the secret"
    least, most = each.metadata.get("min"), each.metadata.get("max")
    if least is not None:
        words += f", at least {least}"
    if most is not None:
        words += f", at most {most}"
    return words


def _type_name(hint: Any) -> str:
    kind, optional = _optional(hint)
    if get_origin(kind) is tuple:
        name = f"list of {_type_name(get_args(kind)[0])}, separated by commas"
    elif isinstance(kind, type) and issubclass(kind, Enum):
        name = "one of " + ", ".join(str(each.value) for each in kind)
    else:
        names = {str: "text", int: "integer", float: "number", bool: "true or false", Path: "path"}
        name = names.get(kind, str(kind))
    return f"{name}, optional" if optional else name


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(_shown(each) for each in value)
    return str(value.value if isinstance(value, Enum) else value)
