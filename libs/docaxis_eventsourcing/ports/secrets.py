"""Keys, webhook secrets and people's contact data: what must never be an event or a view."""

from typing import Protocol


class Secrets(Protocol):
    """Named secrets, private to the service. Names are ids and dots (`webhook.<id>`)."""

    async def read(self, name: str) -> bytes:
        """Raises `FileNotFoundError`."""
        ...

    async def write(self, name: str, value: bytes) -> None:
        """Store durably and atomically, replacing what was there."""
        ...

    async def read_or_create(self, name: str, length: int = 32) -> bytes:
        """The secret, made of `length` random bytes by whoever asks first."""
        ...

    async def remove(self, name: str) -> None:
        """Nothing happens if there is none."""
        ...
