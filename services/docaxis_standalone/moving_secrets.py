"""What a move carries apart from the log: keys, secrets and trust, in a private folder of its own.

Never into the export: that may be copied about and kept; this is to be destroyed once it is used.
"""

from pathlib import Path

from docaxis_standalone.data_folder import DataFolder
from docaxis_trust.private_files import read_private_file, write_private_file

_PRIVATE = ("secrets", "keys")
_PUBLIC = ("trust/anchors", "trust/crls")


def carry_secrets(source: Path, target: Path) -> list[str]:
    """Copy keys, secrets, anchors and revocation lists from one folder to another, by name.

    Both are laid out as a data folder. Repeatable. Raises `FileExistsError` where the target has
    another file of a name, `PrivateFileRefused` for one that others may read, `PermissionError` for
    a target that is open to others.
    """
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if target.stat().st_mode & 0o077:
        raise PermissionError(13, "its mode must be 0700", str(target))
    carried: list[str] = []
    for below in (*_PRIVATE, *_PUBLIC):
        for path in _files(source / below):
            name = f"{below}/{path.name}"
            content = read_private_file(path) if below in _PRIVATE else path.read_bytes()
            _write(target / name, content)
            carried.append(name)
    return carried


def left_behind(folder: DataFolder) -> list[str]:
    """What a move without secrets leaves: names below the data folder."""
    return [f"{below}/{path.name}" for below in _PRIVATE for path in _files(folder.root / below)]


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(each for each in folder.iterdir() if each.is_file() and each.name[0] != ".")


def _write(path: Path, content: bytes) -> None:
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    if path.exists():
        if path.read_bytes() != content:
            raise FileExistsError(17, "another one is there", str(path))
        return
    write_private_file(path, content)
