"""Names for files that others named: what a sender wrote must not choose where a file goes."""

import hashlib
import unicodedata
from pathlib import Path

_LONGEST_BYTES = 200
_RESERVED = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10)}


def safe_name(name: str) -> str:
    """Make a plain file name: no folders, no control characters, never hidden, not too long.

    Vietnamese letters stay (in NFC); a long name loses its middle's end, never its extension.
    """
    plain = unicodedata.normalize("NFC", name)
    plain = plain.replace("\\", "/").rsplit("/", 1)[-1]
    plain = "".join(
        "_" if each in '<>:"|?*' else each for each in plain if unicodedata.category(each)[0] != "C"
    )
    plain = plain.strip().strip(".").strip()
    stem, dot, extension = plain.rpartition(".")
    if not dot or len(extension.encode()) > 16:
        stem, dot, extension = plain, "", ""
    if stem.casefold() in _RESERVED:
        stem = f"_{stem}"
    room = _LONGEST_BYTES - len(extension.encode()) - len(dot)
    stem = stem.encode()[:room].decode(errors="ignore").strip()
    return f"{stem or 'file'}{dot}{extension}"


def free_path(folder: Path, name: str, digest: str) -> tuple[Path, bool]:
    """Choose where a file goes, without writing over another; tells whether it is there already."""
    wanted = folder / safe_name(name)
    path, number = wanted, 1
    while path.exists():
        if path.is_file() and _digest(path) == digest:
            return path, True
        number += 1
        path = wanted.with_name(f"{wanted.stem} ({number}){wanted.suffix}")
    return path, False


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
