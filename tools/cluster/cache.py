"""The cache folder outside git: what is fetched once and used by every checkout."""

import fcntl
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """`$DOCAXIS_CACHE`, else `docaxis` in `$XDG_CACHE_HOME`, else in `~/.cache`; absolute."""
    if own := os.environ.get("DOCAXIS_CACHE"):
        return Path(own).expanduser().absolute()
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(caches).expanduser().absolute() / "docaxis"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock among processes and threads; the file `path` stays behind, empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed
        yield


def kept(name: str, make: Callable[[Path], None], told: str) -> Path:
    """The folder `name` of the cache; `make` fills it where it is not there yet.

    Two processes that ask at once make it once: the second waits. It is made beside its place and
    renamed, so a folder that is there is whole. `told` is printed to stderr before it is made.
    Raises what `make` raises; nothing is kept then.
    """
    place = cache_folder() / name
    if place.is_dir():
        return place
    with locked(place.with_name(f"{name}.lock")):
        if not place.is_dir():
            print(told, file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{name}-") as beside:
                fresh = Path(beside) / "fresh"
                fresh.mkdir()
                make(fresh)
                fresh.rename(place)
    return place
