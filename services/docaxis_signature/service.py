"""The signature service, composed: its parts on whatever the ports are."""

import json
from collections.abc import Mapping
from pathlib import Path

from docaxis_eventsourcing.effects import Effects
from docaxis_eventsourcing.follow_up import CommandWriter
from docaxis_eventsourcing.processor import Processor
from docaxis_eventsourcing.projector import ViewRunner
from docaxis_eventsourcing.running_service import Ports, RunningService, by_full_name
from docaxis_eventsourcing.topics import ServiceTopics
from docaxis_signature.codec import CODEC, TO_SEAL, TO_VERIFY
from docaxis_signature.domain import DECIDER
from docaxis_signature.effects import FileChecks, Sealing, Verifying
from docaxis_signature.grpc_servicer import SignatureServicer
from docaxis_signature.settings import SignatureSettings
from docaxis_signature.views import TOPICS, receipts_view, verdicts_view
from docaxis_trust.jwk_set import jwk_set

_ROUTING_TOPICS = ServiceTopics("routing")
_VERIFYING_PER_WORKER = 8
_VERIFYING_DEADLINE_S = 3600.0
"""A net, no more: each file has the workers' own deadline, and waiting for a worker is no fault."""


def compose(ports: Ports, settings: SignatureSettings) -> RunningService:
    """Wire the service; nothing runs before its parts are run.

    Raises `ValueError` for a retired key that is not a public JWK.
    """
    partitions = ports.log.partitions
    writer = CommandWriter(TOPICS, CODEC)
    checks = FileChecks(settings)
    verify = Effects(
        "verify",
        _ROUTING_TOPICS.events,
        TO_VERIFY,
        Verifying(checks, ports.files, partitions).work,
        writer,
        ports.log,
        concurrency=_VERIFYING_PER_WORKER * settings.workers,
        deadline_s=_VERIFYING_DEADLINE_S,
    )
    seal = Effects(
        "seal",
        _ROUTING_TOPICS.events,
        TO_SEAL,
        Sealing(ports.signer, partitions).work,
        writer,
        ports.log,
    )
    processor = Processor(DECIDER, CODEC, ports.log, ports.store, TOPICS, clock=ports.clock)
    verdicts = ViewRunner(verdicts_view(), ports.log, ports.store, drop_after_s=ports.views_kept_s)
    receipts = ViewRunner(
        receipts_view(partitions), ports.log, ports.store, drop_after_s=ports.views_kept_s
    )
    keys = jwk_set((ports.signer.public_jwk(), *_retired_keys(settings.retired_keys_folder)))
    servicer = SignatureServicer(
        verdicts.reader,
        receipts.reader,
        checks,
        ports.files,
        partitions=partitions,
        epoch=ports.log.epoch,
        key_set=json.dumps(keys),
        clock=ports.clock,
    )
    return RunningService(
        name=TOPICS.service,
        topics=TOPICS,
        parts=(processor, checks, verify, seal, verdicts, receipts),
        servicer=servicer,
        views=by_full_name(verdicts, receipts),
    )


def _retired_keys(folder: Path | None) -> list[Mapping[str, str]]:
    keys: list[Mapping[str, str]] = []
    for path in sorted(folder.glob("*.json")) if folder else ():
        key = json.loads(path.read_bytes())
        if not isinstance(key, dict) or not key.get("kty") or "d" in key:
            raise ValueError(f"{path} holds no public key (JWK)")
        keys.append(key)
    return keys
