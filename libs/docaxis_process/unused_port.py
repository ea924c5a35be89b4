"""What a service gets for a port that it did not ask for."""

from typing import Any, NoReturn


class UnusedPort:
    """Raises `RuntimeError` when touched: a service that begins to use a port must say so."""

    def __init__(self, port: str, service: str) -> None:
        self._port = port
        self._service = service

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(
            f"{self._service} did not ask for {self._port}, and now uses its {name!r}:"
            " add it to the needs of its definition"
        )

    def __repr__(self) -> str:
        return f"<{self._port}, which {self._service} does not use>"


def unused(port: str, service: str) -> Any:
    """An `UnusedPort` in the place of any port."""
    return UnusedPort(port, service)
