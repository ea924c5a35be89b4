"""The repository as the tests see it: its own files, without caches and installed packages."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = {".git", ".venv", "__pycache__", "data", "build", "dist", "node_modules", "target"}
_BINARY = {".pdf", ".png", ".ico", ".p12", ".pyc", ".so", ".ttf", ".woff2", ".zip"}


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository, relative to its root, in order."""
    return tuple(sorted(path.relative_to(ROOT) for path in _walk(ROOT)))


@cache
def text_files() -> dict[Path, str]:
    """Text of every file that has text."""
    return {
        path: (ROOT / path).read_text(encoding="utf-8")
        for path in files()
        if path.suffix not in _BINARY
    }


def python_files(*tops: str) -> tuple[Path, ...]:
    """Modules below these folders, generated code apart."""
    return tuple(
        path
        for path in files()
        if path.suffix == ".py" and path.parts[0] in tops and "docaxis_proto" not in path.parts
    )


def packages(*tops: str) -> tuple[str, ...]:
    """Names of the packages right below these folders."""
    found = {
        path.parts[1]
        for path in files()
        if path.parts[0] in tops and path.name == "__init__.py" and len(path.parts) == 3
    }
    return tuple(sorted(found))


def _walk(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        # services/docaxis_registry/data is ours, the data folder of a running axis is not
        ignored = entry.name in _NOT_OURS and not (entry.name == "data" and folder != ROOT)
        hidden = entry.name.endswith("_cache") or entry.name in (".hypothesis", ".coverage")
        if ignored or hidden or entry.name.endswith(".egg-info"):
            continue
        if entry.is_dir():
            yield from _walk(entry)
        elif entry.is_file():
            yield entry
