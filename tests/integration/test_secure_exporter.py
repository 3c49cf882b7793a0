"""`fleet exporter` over TLS as the user of deploy/valkey-acl.conf."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet.broker.ledger import JobWriter, connect
from funasr_fleet.contract.queues import ENQUEUED_AT_HEADER, lanes
from funasr_fleet.exporter.snapshot import FleetCollector
from funasr_fleet.settings import Settings
from tests.support.servers import SecureBroker, make_certificate, running_broker


@pytest.fixture
def broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SecureBroker]:
    certificate = make_certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    with running_broker(tmp_path / "valkey", certificate) as running:
        yield running


def test_the_user_of_the_acl_file_can_read_all_metrics_but_server_memory(
    broker: SecureBroker,
) -> None:
    settings = Settings.load(broker_url=broker.url)
    client: Any = connect(settings)
    for name, queue in (("here", settings.queue), ("there", "fleet-too"), ("gone", "")):
        JobWriter(client).begin(name, "s3://transcripts/x/", queue=queue)
    client.delete("fleet:job:gone")
    waiting = {"headers": {ENQUEUED_AT_HEADER: time.time() - 60}}
    client.lpush(lanes(settings.queue)[1], json.dumps(waiting))
    client.hset("unacked", "held", '[{}, "", "fleet-too"]')

    found = FleetCollector(settings).collect()
    queues = {one.queue: one for one in found.queues}
    assert queues[settings.queue].ready == 1
    assert queues[settings.queue].oldest_s >= 60
    assert queues["fleet-too"].unacked == 1
    assert {one.counts.job for one in found.jobs} == {"here", "there"}
    assert client.zrevrange("fleet:jobs", 0, -1) == ["there", "here"]
    assert found.broker is None
    assert broker.denied == {"info"}
