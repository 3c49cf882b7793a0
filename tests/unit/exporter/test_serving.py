"""The exporter's pages while Redis is there and while it is away."""

import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families

from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.exporter.metrics import Snapshot
from funasr_fleet.exporter.serving import Pages
from funasr_fleet.exporter.snapshot import FleetCollector
from funasr_fleet.settings import Settings
from tests.unit.exporter.test_readings import reading, snapshot


def values(page: bytes) -> dict[str, float]:
    families = text_string_to_metric_families(page.decode())
    return {
        f"{sample.name}{sample.labels or ''}": sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_are_what_was_read() -> None:
    code, kind, body = Pages(lambda: snapshot(reading())).page("/metrics")
    assert code == 200
    assert kind.startswith("text/plain; version=")
    assert values(body)["asr_backlog_audio_seconds{'job': 'night'}"] == 360_000


def test_while_redis_is_away_nothing_old_is_told() -> None:
    def away() -> Snapshot:
        raise BrokerUnavailable("Redis cannot be reached")

    pages = Pages(away)
    assert values(pages.page("/metrics")[2]) == {"asr_broker_up": 0}
    assert pages.page("/healthz")[0] == 200
    assert pages.page("/readyz")[0] == 200
    assert pages.page("/nothing")[0] == 404


@pytest.mark.timeout(60)  # a client without a time limit waits for ever
def test_a_redis_that_never_answers_is_reported_as_down() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the kernel accepts, nobody answers
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        pages = Pages(FleetCollector(Settings.load(broker_url=url)).collect)
        assert values(pages.page("/metrics")[2]) == {"asr_broker_up": 0}
