"""The gateway as the parts of a process."""

from docaxis_eventsourcing.ports.event_log import EventLog
from docaxis_eventsourcing.ports.file_store import FileStore
from docaxis_gateway.app import make_app
from docaxis_gateway.gateway import Gateway, Services
from docaxis_gateway.server import HttpServer
from docaxis_gateway.settings import GatewaySettings
from docaxis_runtime.health import Health
from docaxis_runtime.lifecycle import Part
from docaxis_runtime.registry_directory import SystemDirectory
from docaxis_trust.access_tokens import AccessTokens


def compose(
    services: Services,
    log: EventLog,
    files: FileStore,
    *,
    token_secret: bytes,
    settings: GatewaySettings,
    health: Health,
) -> tuple[Part, ...]:
    """The parts in the order in which they start; the last of them is the HTTP server.

    `token_secret` has at least 32 bytes and is shared by all gateways of an installation.
    """
    directory = SystemDirectory(services.registry, log)
    tokens = AccessTokens(token_secret, settings.token_lifetime_s)
    gateway = Gateway(services, files, directory, tokens, settings, health)
    health.follow(directory.name, directory.word)
    return directory, gateway.background, HttpServer(make_app(gateway), settings)
