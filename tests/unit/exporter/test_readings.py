"""Metrics of a snapshot, and the exporter's pages with and without a reachable Redis."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from funasr_fleet.broker.ledger.values import JobCounts
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.exporter.metrics import (
    CATALOGUE,
    MOST_JOBS,
    OTHERS,
    BrokerReading,
    JobReading,
    QueueReading,
    Snapshot,
    read,
)
from funasr_fleet.exporter.serving import Pages
from funasr_fleet.exporter.snapshot import FleetCollector
from funasr_fleet.producer.progress.measuring import measure
from funasr_fleet.settings import Settings
from tests.support.examples import BEGUN, counted, steady

HOUR_MS = 3_600_000
HALF_DONE = counted({"ok": 100}, files=200, audio_ms=100 * HOUR_MS, work_ms=1_200_000)
STEADY = steady(10, files=10, audio_ms=10 * HOUR_MS)


def reading(counts: JobCounts = HALF_DONE) -> JobReading:
    return JobReading(counts=counts, progress=measure(counts, STEADY, [], BEGUN + 600))


def snapshot(*jobs: JobReading, **more: Any) -> Snapshot:
    queue = QueueReading(queue="fleet", ready=7, unacked=2, oldest_s=30.5)
    broker = BrokerReading(used_bytes=1000, limit_bytes=4000, clients=9)
    found = {"queues": (queue,), "jobs": jobs, "dead_letters": 3, "broker": broker, **more}
    return Snapshot(**found)


def samples(found: Snapshot) -> dict[tuple[str, ...], float]:
    told = [((name, *labels), value) for name, labels, value in read(found)]
    assert len(dict(told)) == len(told)  # Prometheus rejects a page with duplicates
    return dict(told)


def test_queues_and_dead_letters_are_exported() -> None:
    told = samples(snapshot())
    assert told["asr_broker_up",] == 1
    assert told["asr_backlog_messages", "fleet", "ready"] == 7
    assert told["asr_backlog_messages", "fleet", "unacked"] == 2
    assert told["asr_backlog_oldest_seconds", "fleet"] == 30.5
    assert told["asr_dead_letters",] == 3


def test_a_job_is_exported_in_files_audio_and_time() -> None:
    told = samples(snapshot(reading()))
    assert told["asr_backlog_files", "night"] == 100
    assert told["asr_backlog_audio_seconds", "night"] == 100 * 3600
    assert told["asr_job_audio_seconds", "night"] == 100 * 3600
    assert told["asr_job_eta_seconds", "night"] == 600
    assert told["asr_job_files", "night", "done"] == 100
    assert told["asr_jobs", "running"] == 1
    assert told["asr_jobs", "complete"] == 0


@pytest.mark.parametrize(
    ("more", "in_flight", "waiting", "cancelled"),
    [
        ({"in_flight": 10}, 10, 100, 1),
        ({"in_flight": 150}, 110, 0, 1),  # a shard was delivered twice
        ({"in_flight": 10, "cancelled_at": BEGUN + 60}, 10, 0, 101),
        ({"in_flight": 150, "cancelled_at": BEGUN + 60}, 110, 0, 1),
        ({"cancelled_at": BEGUN + 60}, 0, 0, 111),
        ({"in_flight": 10, "published": False}, 10, 100, 1),
    ],
)
def test_the_states_of_a_job_s_files_add_up_to_its_files(
    more: dict[str, Any], in_flight: int, waiting: int, cancelled: int
) -> None:
    outcomes: Any = {"ok": 50, "empty": 5, "failed": 4, "skipped": 30, "cancelled": 1}
    counts = counted(outcomes, files=200, kinds={"poison": 4}, **more)
    told = samples(snapshot(reading(counts)))
    states = {key[2]: value for key, value in told.items() if key[0] == "asr_job_files"}
    assert sum(states.values()) == 200
    assert (states["in_flight"], states["waiting"]) == (in_flight, waiting)
    assert states["cancelled"] == cancelled
    assert told["asr_job_failures", "night", "poison"] == 4


def test_without_an_eta_there_is_no_series_of_it() -> None:
    counts = counted({}, files=5)
    job = JobReading(counts=counts, progress=measure(counts, [], [], BEGUN + 600))
    told = samples(snapshot(job))
    assert ("asr_job_eta_seconds", "night") not in told


@pytest.mark.parametrize("files", [100, 200])
def test_a_job_with_an_incomplete_ledger_does_not_look_complete(files: int) -> None:
    counts = counted({"ok": 97, "failed": 3}, files=files, whole=False, kinds={"poison": 3})
    told = samples(snapshot(reading(counts)))
    of_the_job = {key[0] for key in told if key[1:2] == ("night",)}
    assert of_the_job == {"asr_job_audio_seconds", "asr_job_failures"}
    assert (told["asr_jobs", "unknown"], told["asr_jobs", "complete"]) == (1, 0)


def test_a_job_with_an_incomplete_ledger_adds_nothing_to_the_others() -> None:
    known = [reading(counted({"ok": 1}, job=f"job-{n}", files=3)) for n in range(MOST_JOBS)]
    lost = reading(counted({"ok": 1}, job="lost", whole=False))
    assert samples(snapshot(*known, lost))["asr_backlog_files", OTHERS] == 0


def test_a_server_without_a_memory_limit_exports_none() -> None:
    broker = BrokerReading(used_bytes=1000, limit_bytes=0, clients=9)
    told = samples(snapshot(broker=broker))
    assert ("asr_broker_memory_bytes", "limit") not in told
    assert ("asr_broker_memory_bytes", "used") not in samples(snapshot(broker=None))


def test_thousands_of_jobs_do_not_become_thousands_of_series() -> None:
    def many() -> Iterator[JobReading]:
        for number in range(MOST_JOBS + 50):
            yield reading(counted({"ok": 1}, job=f"job-{number}", files=3, audio_ms=HOUR_MS))

    told = samples(snapshot(*many()))
    jobs = {key[1] for key in told if key[0] == "asr_backlog_audio_seconds"}
    assert len(jobs) == MOST_JOBS + 1
    assert told["asr_backlog_files", OTHERS] == 50 * 2
    everything = sum(v for key, v in told.items() if key[0] == "asr_backlog_audio_seconds")
    assert everything == (MOST_JOBS + 50) * 2 * 3600


def test_a_large_running_job_always_has_its_own_series() -> None:
    ended = [reading(counted({"ok": 9}, job=f"ended-{n}")) for n in range(MOST_JOBS)]
    small = [reading(counted({"ok": 1}, job=f"small-{n}", files=3)) for n in range(MOST_JOBS)]
    large = reading(counted({"ok": 1}, job="large", files=10_000_000))
    told = samples(snapshot(*ended, *small, large))
    assert told["asr_backlog_files", "large"] == 9_999_999
    own = {key[1] for key in told if key[0] == "asr_job_files"}
    assert own == {"large", *(f"small-{n}" for n in range(MOST_JOBS - 1))}
    assert told["asr_backlog_files", OTHERS] == 2


def test_every_exported_sample_is_declared() -> None:
    labels = {metric.name: len(metric.labels) for metric in CATALOGUE}
    for key in samples(snapshot(reading())):
        assert labels[key[0]] == len(key) - 1


def values(page: bytes) -> dict[str, float]:
    families = text_string_to_metric_families(page.decode())
    return {
        f"{sample.name}{sample.labels or ''}": sample.value
        for family in families
        for sample in family.samples
    }


def test_the_metrics_page_has_the_snapshot() -> None:
    code, kind, body = Pages(lambda: snapshot(reading())).page("/metrics")
    assert code == 200
    assert kind.startswith("text/plain; version=")
    assert values(body)["asr_backlog_audio_seconds{'job': 'night'}"] == 360_000


def test_during_an_outage_of_redis_no_stale_values_are_exported() -> None:
    def away() -> Snapshot:
        raise BrokerUnavailable("Redis cannot be reached")

    pages = Pages(away)
    assert values(pages.page("/metrics")[2]) == {"asr_broker_up": 0}
    assert pages.page("/healthz")[0] == 200
    assert pages.page("/readyz")[0] == 200
    assert pages.page("/nothing")[0] == 404


@pytest.mark.timeout(60)  # a client without a timeout would wait forever
def test_a_redis_that_never_answers_is_reported_as_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts and never answers
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        pages = Pages(FleetCollector(Settings.load(broker_url=url)).collect)
        assert values(pages.page("/metrics")[2]) == {"asr_broker_up": 0}
