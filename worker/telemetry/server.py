"""Serves /metrics, /healthz and /readyz from a separate process, which is never busy with work.

    python -m funasr_fleet.worker.telemetry.server RUN_DIR PORT PARENT_PID

It exits with the worker that started it.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import HTTPServer
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from funasr_fleet.http_server import Page, make_server, plain, route
from funasr_fleet.settings import Settings
from funasr_fleet.worker.process.health import Worker, postponements, why_not_ready, why_stuck
from funasr_fleet.worker.process.heartbeat import TimeLimits, read_progress
from funasr_fleet.worker.process.slot_state import SlotFiles
from funasr_fleet.worker.telemetry.catalogue import CATALOGUE
from funasr_fleet.worker.telemetry.devices import DeviceReader
from funasr_fleet.worker.telemetry.metrics import metrics_directory


@dataclass(eq=False)
class Status:
    """The content of the three pages, read from the run directory at each request."""

    run_dir: Path
    devices: DeviceReader
    limits: TimeLimits

    @property
    def _slots(self) -> SlotFiles:
        return SlotFiles(self.run_dir)

    def page(self, path: str) -> Page:
        """Return the page of a path."""
        match route(path):
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, self.metrics()
            case "/healthz":
                return _health_page(why_stuck(self._worker(), time.monotonic(), self.limits))
            case "/readyz":
                worker = self._worker()
                return _health_page(why_not_ready(worker), postponements(worker.states))
            case _:
                return plain("try /metrics, /healthz or /readyz", HTTPStatus.NOT_FOUND)

    def _worker(self) -> Worker:
        states = self._slots.all()
        return Worker(
            expected=self._slots.expected(),
            states=states,
            consumer=self._slots.consumer(),
            progress=[read_progress(self.run_dir, state.slot, state.pid) for state in states],
        )

    def metrics(self) -> bytes:
        """Return the children's metrics and the current device readings."""
        registry = CollectorRegistry()
        collect: Callable[..., object] = MultiProcessCollector  # untyped in prometheus_client
        collect(registry, str(metrics_directory(self.run_dir)))
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges that are read at each scrape."""
        families = {
            metric.name: GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for metric in CATALOGUE
            if metric.read_at_scrape
        }
        families["asr_slots"].add_metric((), self._slots.expected())
        for name, labels, value in self.devices.read(self._slots.all()):
            families[name].add_metric(labels, value)
        yield from families.values()


def _health_page(problem: str | None, note: str = "") -> Page:
    text = "; ".join(filter(None, (problem or "ok", note)))
    return plain(text, HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK)


def _stop_with_parent(parent: int, server: HTTPServer) -> None:
    """Shut the server down once the worker has exited for any reason."""
    while os.getppid() == parent:
        time.sleep(0.5)
    server.shutdown()


def main(arguments: list[str]) -> int:
    """Serve until the parent process exits."""
    run_dir, port, parent = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    settings = Settings.load()
    status = Status(run_dir, DeviceReader(), TimeLimits.of(settings))
    server = make_server(status.page, settings.metrics_host, port)
    threading.Thread(target=_stop_with_parent, args=(parent, server), daemon=True).start()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
