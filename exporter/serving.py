"""Serves /metrics, /healthz and /readyz."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from threading import Thread

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily

from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.exporter.deletion_cost import Pods, keep_costs
from funasr_fleet.exporter.metrics import CATALOGUE, Snapshot, read
from funasr_fleet.exporter.snapshot import FleetCollector
from funasr_fleet.http_server import Page, make_server, plain, route
from funasr_fleet.metric import Sample
from funasr_fleet.settings import Settings

log = logging.getLogger(__name__)

_AWAY: tuple[Sample, ...] = (("asr_broker_up", (), 0.0),)
"""The only sample while Redis is unavailable: stale numbers would scale a fleet wrongly."""


@dataclass(eq=False)
class Pages:
    """The pages of the exporter, generated for each request."""

    snapshot: Callable[[], Snapshot]
    """Reads the state of the fleet; may raise BrokerUnavailable."""

    def page(self, path: str) -> Page:
        """(status, content type, body) for a request path."""
        match route(path):
            case "/metrics":
                registry = CollectorRegistry()
                registry.register(self)
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(registry)
            case "/healthz" | "/readyz":  # ok even without Redis: a restart would not help
                return plain("ok")
            case _:
                return plain("try /metrics, /healthz or /readyz", HTTPStatus.NOT_FOUND)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family per metric of the catalogue; called by prometheus_client."""
        families = {
            metric.name: GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for metric in CATALOGUE
        }
        for name, labels, value in self._read():
            families[name].add_metric(labels, value)
        yield from families.values()

    def _read(self) -> Iterable[Sample]:
        try:
            return read(self.snapshot())
        except BrokerUnavailable as error:
            log.warning("scrape failed, Redis unavailable: %s", error)
            return _AWAY


def serve(settings: Settings, port: int, pods: Pods | None = None) -> None:
    """Serve the pages until the process is terminated.

    Args:
        settings: name the Redis server and the address to listen on.
        port: port of the pages.
        pods: worker pods whose deletion cost is kept up to date; None for no pods.
    """
    fleet = FleetCollector(settings)
    with make_server(Pages(fleet.collect).page, settings.metrics_host, port) as server:
        if pods:
            Thread(target=keep_costs, args=(pods, fleet.workers), daemon=True).start()
        server.serve_forever()
