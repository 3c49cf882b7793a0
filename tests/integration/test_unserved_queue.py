"""`fleet status` warns if messages wait in the queue of a job and no ready worker consumes it."""

import time

from funasr_fleet import status
from funasr_fleet.broker.ledger import JobWriter, connect
from funasr_fleet.broker.worker_registry import SEEN_WITHIN_S, WorkerRegistry
from funasr_fleet.settings import Settings
from tests.support.messages import push


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
    registry.heartbeat(settings.queue, "model", now)
    assert status(job, settings).unserved_queue is None
