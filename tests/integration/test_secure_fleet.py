"""A complete job over TLS as the user of deploy/valkey-acl.conf; no secret is exposed."""

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
import redis
from kombu.exceptions import OperationalError

import funasr_fleet
from bench.faults.killing import kill_child
from bench.faults.telling import shard_in_hand
from funasr_fleet.broker.app import make_app
from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.fleet_up import run_fleet
from tests.support.messages import envelope, push, shard_body, task_headers
from tests.support.servers import Certificate, SecureBroker, make_certificate, running_broker

pytestmark = pytest.mark.slow
QUERY = "X-Amz-Signature=secret-4711"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@pytest.fixture(scope="module")
def broker(
    stack: Stack, certificate: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecureBroker]:
    with running_broker(tmp_path_factory.mktemp("valkey"), certificate) as running:
        yield running


@pytest.fixture(scope="module")
def environment(
    stack: Stack, broker: SecureBroker, certificate: Certificate
) -> Iterator[dict[str, str]]:
    """The environment of all processes of the fleet, including this one."""
    own = {"FLEET_BROKER_URL": broker.url, "SSL_CERT_FILE": str(certificate.authority)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in own.items():
            patch.setenv(name, value)
        yield {**stack.environment, **own}


@pytest.fixture(scope="module")
def worker(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalWorker]:
    with LocalWorker(environment, tmp_path_factory.mktemp("worker")) as running:
        running.wait_until_ready()
        yield running


@dataclass(frozen=True)
class Done:
    """A finished job and the output of the commands about it."""

    where: str
    job: str
    output: str


@pytest.fixture(scope="module")
def done(worker: LocalWorker, environment: dict[str, str], broker: SecureBroker) -> Done:
    """Run a job of one valid and one invalid file, and every command on it."""
    store, settings = S3Store(), Settings.load()
    source, where = (f"s3://{bucket}/{uuid.uuid4()}/" for bucket in ("audio", "transcripts"))
    for name in ("pin-code.wav", "not-audio.mp3"):
        with (SAMPLES / name).open("rb") as file:
            store.upload(source + name, file)
    job = funasr_fleet.enqueue([source], output=where).job

    def ended() -> bool:
        return funasr_fleet.status(job).counts.complete

    worker.process.wait_until(ended, 60)
    funasr_fleet.retry(job)
    worker.process.wait_until(ended, 60)
    output: list[Any] = [
        funasr_fleet.status(job),
        funasr_fleet.list_jobs(),
        list(funasr_fleet.failures(job)),
        funasr_fleet.reconcile(job),
    ]
    signed = {"audio": f"https://host.example/a.wav?{QUERY}", "relative": "web"}
    shard = {"schema": 1, "shard": "web", "output": where, "files": [signed]}
    push(settings, envelope(shard_body(shard), task_headers()))
    push(settings, envelope(b'[["' + QUERY.encode(), task_headers()))
    worker.process.wait_until(lambda: funasr_fleet.list_dead().total == 1, 60)
    worker.process.wait_until(lambda: bool(list(store.list(where + "web"))), 60)
    output += [
        funasr_fleet.cancel(job),
        funasr_fleet.drop_dead(everything=True),
        settings.redacted(),
    ]
    return Done(where, job, repr(output))


def test_a_job_completes_as_the_user_of_the_acl_file_without_denials(
    done: Done, broker: SecureBroker
) -> None:
    assert json.loads(S3Store().read(done.where + "pin-code.wav.json"))["text"]
    assert funasr_fleet.status(done.job).counts.outcomes["failed"] == 1
    assert broker.connections > 2
    assert not broker.denied


def test_a_shard_is_requeued_and_processed_with_these_permissions(
    worker: LocalWorker, broker: SecureBroker
) -> None:
    where, audio = f"s3://transcripts/{uuid.uuid4()}/", "s3://audio/secure/samples/"
    job = funasr_fleet.enqueue([str(SAMPLES)], upload=audio, output=where).job
    worker.process.wait_until(lambda: bool(shard_in_hand(worker.process.log, job)), 60)
    kill_child(worker)
    worker.process.wait_until(lambda: funasr_fleet.status(job).counts.complete, 180)
    assert funasr_fleet.status(job).counts.outcomes["ok"] == 10
    assert not broker.denied


def test_the_user_has_no_permission_that_is_unused(done: Done, broker: SecureBroker) -> None:
    """Unused commands should be removed from the file; some are needed only rarely."""
    used = {name.removeprefix("cmdstat_") for name in broker.admin.info("commandstats")}
    words = broker.admin.acl_getuser("fleet")["commands"]
    allowed = {word.removeprefix("+") for word in words if word.startswith("+")}
    # requeued, postponed, cancelled and resumed shards need more than this job
    rare = {"watch", "unwatch", "discard", "smembers", "srem", "exists", "pexpire", "hexists"}
    rare |= {"expire", "persist", "ttl", "pttl", "hscan", "hvals", "hlen", "hsetnx", "llen"}
    rare |= {"zrevrange", "zrevrangebyscore", "getbit", "time", "ping", "select", "auth", "hello"}
    rare |= {"client|setname", "del", "lindex"}
    assert allowed - used <= rare


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("keys", ["*"]),
        ("flushall", []),
        ("config", ["get", "*"]),
        ("acl", ["list"]),
        ("get", ["another"]),
        ("set", ["another", "x"]),
        ("eval", ["return redis.call('get', 'another')", "0"]),
        ("publish", ["channel", "x"]),
        ("monitor", []),
        ("client", ["list"]),
        ("script", ["flush"]),
    ],
)
def test_other_commands_are_denied(
    environment: dict[str, str], command: str, arguments: list[str]
) -> None:
    client: Any = connect(Settings.load())
    with pytest.raises(redis.ResponseError, match=r"(?i)no permissions"):
        client.execute_command(command, *arguments)


def test_wrong_users_and_passwords_are_rejected(broker: SecureBroker, environment: object) -> None:
    for url in (
        broker.url.replace("fleet:", ""),
        broker.url.replace("fleet:", "default:"),
        broker.url.replace(broker.password, "wrong"),
    ):
        with pytest.raises(BrokerUnavailable) as caught:
            LedgerReader(connect(Settings.load(broker_url=url))).check()
        assert broker.password not in str(caught.value)
    broker.admin.acl_log_reset()


@pytest.mark.parametrize("who", ["ledger", "queue"])
def test_a_server_with_an_untrusted_certificate_is_not_used(
    broker: SecureBroker, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    settings = Settings.load()
    queue = make_app(settings).connection_for_write()
    reach: dict[str, Any] = {
        "ledger": LedgerReader(connect(settings)).check,
        "queue": lambda: queue.ensure_connection(max_retries=1, timeout=2),
    }
    for _ in range(5):  # the worker may connect at the same time
        before = broker.connections
        with pytest.raises((BrokerUnavailable, OperationalError)) as caught:
            reach[who]()
        assert broker.password not in str(caught.value)
        if not (taken_in := broker.connections - before):
            break
    assert not taken_in


def _secrets(broker: SecureBroker, environment: dict[str, str]) -> list[str]:
    return [broker.password, environment["AWS_SECRET_ACCESS_KEY"], QUERY.partition("=")[2]]


def _holds(text: str, secrets: list[str]) -> list[int]:
    return [number for number, secret in enumerate(secrets) if secret in text]


def test_no_secret_is_in_logs_command_output_or_process_arguments(
    done: Done, worker: LocalWorker, broker: SecureBroker, environment: dict[str, str]
) -> None:
    secrets, log = _secrets(broker, environment), worker.process.log.read_text()
    assert not _holds(done.output, secrets)
    assert "file finished" in log
    assert not _holds(log, secrets)
    family = psutil.Process(worker.process.group)
    lines = [one.cmdline() for one in (family, *family.children(recursive=True))]
    assert any("celery" in line for line in lines)
    assert not _holds(repr(lines), secrets)


def test_no_secret_is_in_any_document_of_the_job(
    done: Done, broker: SecureBroker, environment: dict[str, str]
) -> None:
    store = S3Store()
    documents = {found.uri: store.read(found.uri) for found in store.list(done.where)}
    assert done.where + "web.error.json" in documents
    for uri, body in documents.items():
        assert not _holds(body.decode("utf-8", "replace"), _secrets(broker, environment)), uri


@pytest.mark.parametrize("arguments", [["worker"], ["status", "x"], ["jobs"], ["enqueue", "x"]])
def test_no_secret_is_in_the_error_output_of_a_command(
    broker: SecureBroker, environment: dict[str, str], arguments: list[str]
) -> None:
    more = ["--output", "s3://transcripts/x/"] if arguments[0] == "enqueue" else []
    unreachable = broker.url.replace(f":{broker.tls_port}/", ":1/")
    for url in (unreachable, broker.url.replace("fleet", "x")):  # the second has a wrong user
        changed = {"FLEET_BROKER_URL": url, "FLEET_DEVICES": "cpu"}
        run = run_fleet(*arguments, *more, environment={**os.environ, **environment, **changed})
        assert run.returncode in (2, 3)
        assert not _holds(run.stdout + run.stderr, _secrets(broker, environment))
