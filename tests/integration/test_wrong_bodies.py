"""A file whose body a proxy truncates or replaces is fetched again, and never recorded as ok."""

import json
import uuid
from collections.abc import Callable, Iterator

import boto3
import pytest

from bench.faults.storage import Fault, Storage, faulty_storage
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.embedded.services import LocalWorker
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import envelope, push, result_at, shard_body, task_headers

pytestmark = pytest.mark.slow

NAME = "reading.ogg"
SPOKEN = json.loads((SAMPLES / "references.json").read_text())[NAME]["text"]


@pytest.fixture(scope="module")
def proxy(stack: Stack) -> Iterator[Storage]:
    with faulty_storage(stack.environment["AWS_ENDPOINT_URL_S3"]) as running:
        yield running


@pytest.fixture(scope="module")
def worker(
    stack: Stack, proxy: Storage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalWorker]:
    environment = {**stack.environment, "AWS_ENDPOINT_URL_S3": proxy.url}
    with LocalWorker(environment, tmp_path_factory.mktemp("worker")) as running:
        running.wait_until_ready()
        yield running


WRONG: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda whole: whole[: len(whole) // 2],
    "nothing": lambda _: b"",
    "zeros": lambda whole: bytes(len(whole)),
    "an error page": lambda _: b"<html><h1>502 Bad Gateway</h1></html>",
    "other bytes": lambda whole: whole[::-1],
}


@pytest.mark.parametrize("problem", sorted(WRONG))
@pytest.mark.parametrize("is_listed", [True, False], ids=["listed", "not listed"])
def test_a_wrong_body_is_fetched_again_and_then_retried_later(
    worker: LocalWorker,
    proxy: Storage,
    settings: Settings,
    store: S3Store,
    problem: str,
    is_listed: bool,
) -> None:
    name, body = str(uuid.uuid4()), (SAMPLES / NAME).read_bytes()
    # a bucket of its own: the worker does not know yet that the ETags in it are MD5s
    boto3.client("s3").create_bucket(Bucket=name)
    audio, output = f"s3://{name}/{NAME}", f"s3://transcripts/{uuid.uuid4()}/"
    store.write(audio, body, "")
    file = {"audio": audio, "relative": NAME} | ({"bytes": len(body)} if is_listed else {})
    proxy.faults[:] = [Fault("GET", f"{name}/{NAME}", 200, "", wrong=WRONG[problem])]
    shard = {"schema": 1, "shard": name, "output": output, "files": [file]}
    push(settings, envelope(shard_body(shard), task_headers()))

    def postponed() -> bool:
        lines = worker.process.log.read_text().splitlines()
        return any("shard retry scheduled" in line and name in line for line in lines)

    worker.process.wait_until(postponed, 60)
    assert list(store.list(output)) == []
    proxy.faults.clear()
    assert result_at(worker, store, f"{output}{NAME}.json")["text"] == SPOKEN
