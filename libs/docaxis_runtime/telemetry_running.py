"""Telemetry for as long as a process works, where its settings ask for any."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from docaxis_runtime.telemetry_settings import TelemetrySettings


@contextmanager
def telemetry_running(
    service: str,
    settings: TelemetrySettings,
    attributes: Mapping[str, str],
    *,
    kept: Path | None = None,
) -> Iterator[None]:
    """Record what is done inside. `attributes` tell replicas apart; `kept` is a file of spans.

    The SDK is imported only where something is to be recorded. Raises `OSError` where `/metrics`
    cannot listen, `ValueError` for an address that is none.
    """
    if not settings.wanted and (kept is None or settings.sdk_disabled):
        yield
        return
    from docaxis_runtime.telemetry_sdk.start import Telemetry

    running = Telemetry(service, settings, attributes, kept)
    try:
        yield
    finally:
        running.end()
