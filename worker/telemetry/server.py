"""/metrics, /healthz and /readyz, in a process of its own: it answers while a child is busy.

    python -m worker.telemetry.server RUN_DIR PORT PARENT_PID

It ends with the worker that started it.
"""

import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import HTTPServer
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from contract.pages import Page, make_server, plain, route
from contract.settings import Settings
from worker.health import Worker, why_not_ready, why_stuck
from worker.progress import Patience, read_progress
from worker.slots import SlotFiles
from worker.telemetry.catalogue import CATALOGUE
from worker.telemetry.devices import DeviceReader
from worker.telemetry.metrics import metrics_directory


@dataclass(eq=False)
class Status:
    """What the three pages say, read anew for each request."""

    run_dir: Path
    devices: DeviceReader
    patience: Patience

    @property
    def _slots(self) -> SlotFiles:
        return SlotFiles(self.run_dir)

    def page(self, path: str) -> Page:
        """Answer a path."""
        match route(path):
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, self.metrics()
            case "/healthz":
                return _verdict(why_stuck(self._worker(), time.monotonic(), self.patience))
            case "/readyz":
                return _verdict(why_not_ready(self._worker()))
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
        """What the children counted, and what the devices show now."""
        registry = CollectorRegistry()
        collect: Any = MultiProcessCollector  # prometheus_client leaves its types out
        collect(registry, str(metrics_directory(self.run_dir)))
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges that are read at each scrape."""
        families = {
            metric.name: GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for metric in CATALOGUE
            if metric.read_at_scrape
        }
        families["asr_slots"].add_metric((), self._slots.expected())
        for name, labels, value in self.devices.read(self._slots.all()):
            families[name].add_metric(labels, value)
        yield from families.values()


def _verdict(problem: str | None) -> Page:
    return plain(problem or "ok", HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK)


def _end_with(parent: int, server: HTTPServer) -> None:
    """Stop once the worker is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(0.5)
    server.shutdown()


def main(arguments: list[str]) -> int:
    """Serve until the parent process ends."""
    run_dir, port, parent = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    settings = Settings.load()
    server = make_server(Status(run_dir, DeviceReader(), Patience.of(settings)).page, port)
    threading.Thread(target=_end_with, args=(parent, server), daemon=True).start()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
