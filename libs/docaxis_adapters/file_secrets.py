"""`Secrets` as files in a private folder: 0700 and 0600, replaced atomically, synced."""

import asyncio
import os
import re
import secrets
from pathlib import Path
from uuid import uuid4

from docaxis_adapters.local_upload import disk_failures
from docaxis_adapters.safe_folder import (
    make_root,
    open_new,
    open_to_read,
    opened_folder,
    remove_quietly,
    write_all,
)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}(\.[A-Za-z0-9_-]{1,100}){0,3}")


class FileSecrets:
    """The port's `Secrets`. Raises `ValueError` for a name that is not ids and dots.

    Refuses a folder that others may read: a secret that has been readable is none.
    """

    def __init__(self, folder: Path) -> None:
        make_root(folder)
        if folder.stat().st_mode & 0o077:
            raise PermissionError(f"{folder} is open to others: its mode must be 0700")
        self._folder = folder

    async def read(self, name: str) -> bytes:
        """Raises `FileNotFoundError`."""
        return await asyncio.to_thread(self._read, _checked(name))

    async def write(self, name: str, value: bytes) -> None:
        """Store durably and atomically, replacing what was there."""
        with disk_failures():
            await asyncio.to_thread(self._write, _checked(name), value)

    async def read_or_create(self, name: str, length: int = 32) -> bytes:
        """The secret, made of `length` random bytes by whoever asks first."""
        with disk_failures():
            return await asyncio.to_thread(self._read_or_create, _checked(name), length)

    async def remove(self, name: str) -> None:
        """Nothing happens if there is none; on return the removal is synced."""
        with disk_failures():
            await asyncio.to_thread(self._remove, _checked(name))

    def _read(self, name: str) -> bytes:
        with opened_folder(self._folder) as folder:
            descriptor = open_to_read(name, folder)
        with os.fdopen(descriptor, "rb") as file:
            return file.read()

    def _write(self, name: str, value: bytes) -> None:
        with opened_folder(self._folder) as folder:
            whole = _write_whole(value, folder)
            os.replace(whole, name, src_dir_fd=folder, dst_dir_fd=folder)
            os.fsync(folder)

    def _read_or_create(self, name: str, length: int) -> bytes:
        with opened_folder(self._folder) as folder:
            try:
                found = self._read(name)
            except FileNotFoundError:
                whole = _write_whole(secrets.token_bytes(length), folder)
                try:
                    os.link(whole, name, src_dir_fd=folder, dst_dir_fd=folder)
                except FileExistsError:
                    pass  # another was first: its secret is the secret
                finally:
                    remove_quietly(whole, folder)
                found = self._read(name)
            os.fsync(folder)  # also for who found it: its maker may not have come so far
            return found

    def _remove(self, name: str) -> None:
        with opened_folder(self._folder) as folder:
            if remove_quietly(name, folder):
                os.fsync(folder)


def _write_whole(value: bytes, folder: int) -> str:
    """A synced file under a name that no secret can have."""
    name = f".{uuid4().hex}"
    descriptor = open_new(name, folder)
    try:
        write_all(descriptor, value)
        os.fsync(descriptor)
    except BaseException:
        remove_quietly(name, folder)
        raise
    finally:
        os.close(descriptor)
    return name


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"not the name of a secret: {name!r}")
    return name
