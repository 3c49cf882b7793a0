"""/metrics, /healthz and /readyz."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily

from contract.metric import Reading
from contract.pages import Page, make_server, plain, route
from contract.queues import BrokerUnavailable
from contract.settings import Settings
from exporter.catalogue import CATALOGUE
from exporter.deletion_cost import Pods, keep_costs_in_background
from exporter.readings import read
from exporter.snapshot import Fleet
from exporter.values import Snapshot

log = logging.getLogger(__name__)

_AWAY: tuple[Reading, ...] = (("asr_broker_up", (), 0.0),)
"""All that can be told while Redis does not answer: old numbers would scale a fleet wrongly."""


@dataclass(eq=False)
class Pages:
    """Made anew for each request; `look` raises BrokerUnavailable."""

    look: Callable[[], Snapshot]

    def page(self, path: str) -> Page:
        """Answer a path."""
        match route(path):
            case "/metrics":
                registry = CollectorRegistry()
                registry.register(self)
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry)
            case "/healthz" | "/readyz":  # to start it anew would not bring Redis back
                return plain("ok")
            case _:
                return plain("try /metrics, /healthz or /readyz", HTTPStatus.NOT_FOUND)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family per metric of the catalogue that has samples."""
        families = {
            metric.name: GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for metric in CATALOGUE
        }
        for name, labels, value in self._read():
            families[name].add_metric(labels, value)
        yield from families.values()

    def _read(self) -> Iterable[Reading]:
        try:
            return read(self.look())
        except BrokerUnavailable as error:
            log.warning("nothing can be told: %s", error)
            return _AWAY


def serve(settings: Settings, port: int, pods: Pods | None = None) -> None:
    """Until the process is told to end.

    Args:
        settings: where Redis is.
        port: of the pages.
        pods: worker pods that are to be told apart by what they do; none outside Kubernetes.
    """
    fleet = Fleet(settings)
    with make_server(Pages(fleet.look).page, port) as server:
        if pods:
            keep_costs_in_background(pods, fleet.workers)
        server.serve_forever()
