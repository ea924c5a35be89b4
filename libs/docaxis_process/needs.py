"""Which ports a service uses, and which settings each of them needs: a service gets no others."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from docaxis_adapters.kafka_log.settings import KafkaSettings
from docaxis_process.port_settings import (
    MongoSettings,
    ReceiptKeySettings,
    S3Settings,
    SecretsSettings,
)


class Need(StrEnum):
    """A port beside the log, which everybody uses."""

    STORE = "store"
    FILES = "files"
    SECRETS = "secrets"
    SIGNER = "signer"


_SETTINGS: dict[Need, type[Any]] = {
    Need.STORE: MongoSettings,
    Need.FILES: S3Settings,
    Need.SECRETS: SecretsSettings,
    Need.SIGNER: ReceiptKeySettings,
}


def settings_for(needs: Iterable[Need]) -> tuple[type[Any], ...]:
    """The settings dataclasses of these ports and of the log, in a fixed order."""
    wanted = set(needs)
    return (KafkaSettings, *(_SETTINGS[each] for each in Need if each in wanted))
