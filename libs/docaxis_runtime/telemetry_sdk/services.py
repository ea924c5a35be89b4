"""The spans of each service of a process: in the standalone, all of them."""

from collections.abc import Mapping

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanProcessor

from docaxis_runtime.telemetry_sdk.spans import Root, Spans


def resource_of(service: str, attributes: Mapping[str, str]) -> Resource:
    """Who speaks: `docaxis-<service>`, and what `OTEL_RESOURCE_ATTRIBUTES` says besides."""
    return Resource.create({**attributes, SERVICE_NAME: f"docaxis-{service}"})


class ServiceSpans:
    """Makes spans under each service's own name, in whichever process it runs."""

    def __init__(
        self, processors: tuple[SpanProcessor, ...], root: Root, attributes: Mapping[str, str]
    ) -> None:
        self._processors = processors
        self._root = root
        self._attributes = attributes
        self._spans: dict[str, Spans] = {}

    def of(self, service: str) -> Spans:
        """The spans of a service."""
        found = self._spans.get(service)
        if found is None:
            resource = resource_of(service, self._attributes)
            found = Spans(service, resource, self._processors, self._root)
            self._spans[service] = found
        return found
