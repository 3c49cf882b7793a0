"""`fleet status` and a metric show that no ready worker consumes a queue with messages."""

import time

from funasr_fleet import status
from funasr_fleet.broker.ledger import JobWriter, connect
from funasr_fleet.broker.worker_registry import SEEN_WITHIN_S, WorkerRegistry
from funasr_fleet.exporter.metrics import read
from funasr_fleet.exporter.snapshot import FleetCollector
from funasr_fleet.settings import Settings
from tests.support.messages import push


def served(settings: Settings) -> dict[str, float]:
    """The exporter's asr_queue_served by queue."""
    samples = read(FleetCollector(settings).collect())
    return {labels[0]: value for name, labels, value in samples if name == "asr_queue_served"}


def test_a_queue_is_unserved_while_messages_wait_without_a_worker(
    separate_fleet: Settings, output: str
) -> None:
    settings, job = separate_fleet, "night"
    redis = connect(settings)
    JobWriter(redis, settings.key_prefix).begin(job, output, queue=settings.queue)
    registry, now = WorkerRegistry(redis, settings.key_prefix), time.time()
    assert status(job, settings).unserved_queue is None, "no message waits"
    push(settings, "{}")
    registry.heartbeat(settings.queue, "model", now - SEEN_WITHIN_S - 60)
    registry.heartbeat("another-queue", "model", now)
    assert status(job, settings).unserved_queue == settings.queue
    assert served(settings) == {settings.queue: 0.0, "another-queue": 1.0}
    registry.heartbeat(settings.queue, "model", now)
    assert status(job, settings).unserved_queue is None
    assert served(settings) == {settings.queue: 1.0, "another-queue": 1.0}
