"""`fleet transcribe`: send one file through the queue, wait for its result, clean up."""

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from funasr_fleet.broker.ledger import LedgerReader, connect
from funasr_fleet.contract.invalid_fields import explain
from funasr_fleet.contract.job import AudioRef, Options, Shard
from funasr_fleet.contract.layout import error_uri, output_uri
from funasr_fleet.contract.queues import PRIORITY_STEPS
from funasr_fleet.contract.transcript import ErrorReport, Transcript
from funasr_fleet.producer.arguments import check_number
from funasr_fleet.producer.discovery.interface import BadSource
from funasr_fleet.producer.publishing.messages import open_publisher, publish_one
from funasr_fleet.producer.routing import check_options, route_job
from funasr_fleet.producer.single_file_request import SingleFileRequest, plan
from funasr_fleet.settings import Settings
from funasr_fleet.storage.base import ObjectStore, StoreError
from funasr_fleet.storage.s3 import S3Store

_LOG = logging.getLogger(__name__)

FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 1.0
"""Interval between two polls of S3: starts at FIRST_WAIT_S and grows to LONGEST_WAIT_S."""


class NoResult(Exception):
    """No result within the timeout: check that workers run, or increase the timeout."""


class FileFailed(Exception):
    """The worker could not transcribe the file: see its error report."""

    def __init__(self, uri: str, report: ErrorReport) -> None:
        self.uri = uri
        """Address of the error report."""
        self.report = report
        super().__init__(f"{report.error.kind}: {report.error.message}")


@dataclass(frozen=True, kw_only=True)
class Transcription:
    """The result of one file."""

    uri: str
    """Address of the .json result; other formats are stored beside it."""
    transcript: Transcript

    @property
    def text(self) -> str:
        """The whole text, without timestamps."""
        return self.transcript.text


def transcribe(  # noqa: PLR0913 - the keywords of a public call
    audio: str | Path,
    *,
    options: Options | None = None,
    model: str | None = None,
    scratch: str | None = None,
    timeout_s: float = 600.0,
    settings: Settings | None = None,
    store: ObjectStore | None = None,
    say: Callable[[str], None] = lambda stage: None,
    warn: Callable[[str], None] = lambda warning: None,
) -> Transcription:
    """Send one file through the queue with the highest priority and wait for its result.

    Args:
        audio: a local file, or s3://bucket/key.
        options: transcription options; default: the defaults of Options.
        model: model to use; default: any model that serves FLEET_QUEUE.
        scratch: s3://bucket/prefix/ for uploads and results; default: FLEET_SCRATCH. Uploads
            are deleted at the end, results are kept.
        timeout_s: maximum time to wait after the upload, in seconds.
        settings: read from the environment by default.
        store: S3 by default.
        say: called with the current stage.
        warn: called with each reason why the file may wait or run on another model.

    Raises:
        FileFailed: the worker could not transcribe the file.
        NoResult: no result within the timeout.
        OptionsRefused: the model does not support the options.
        BadSource: there is no such file.
        BadArgument: the timeout is negative.
        BadConfiguration: the scratch prefix is missing or invalid.
        StoreError: an S3 request failed.
        BrokerUnavailable: Redis is unavailable.
    """
    check_number("timeout_s", timeout_s, 0, required=True)
    settings, options = settings or Settings.load(), options or Options()
    request = plan(str(audio), scratch or settings.scratch)
    settings = _routed(settings, model, options, warn)
    _load_celery(settings)
    store = store or S3Store()
    with _uploaded(request, store, say):
        say("waiting for a worker")
        publish_one(_shard(request, options), settings, PRIORITY_STEPS[-1])
        uri = wait_for_outcome(request, store, timeout_s)
    if uri is None:
        raise NoResult(_why_no_result(request, settings, timeout_s))
    body = store.read(uri)
    if uri == error_uri(request.output, request.name):
        raise FileFailed(uri, ErrorReport.model_validate(json.loads(body)))
    return Transcription(uri=uri, transcript=Transcript.model_validate(json.loads(body)))


def _routed(
    settings: Settings, model: str | None, options: Options, warn: Callable[[str], None]
) -> Settings:
    """A copy of the settings with the queue of the model. Raises OptionsRefused."""
    redis = connect(settings)
    choice = route_job(redis, settings, model)
    choice = check_options(redis, settings, choice, options)
    for warning in choice.warnings:
        warn(warning)
    return settings.model_copy(update={"queue": choice.queue})


def _load_celery(settings: Settings) -> None:
    """Import all of Celery now, before there is an upload to clean up.

    Celery imports most of its modules on first use. After an interrupt during these imports,
    the process may be killed by the signal later instead of returning its own exit code.
    """
    with open_publisher(settings, settings.queue, PRIORITY_STEPS[-1]):
        pass  # connects only when a message is sent


def wait_for_outcome(
    request: SingleFileRequest,
    store: ObjectStore,
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str | None:
    """Poll S3 for the result or the error report; its address, or None after the timeout.

    Raises:
        StoreError: an S3 request failed.
    """
    ends = {
        output_uri(request.output, request.name, "json"),
        error_uri(request.output, request.name),
    }
    give_up, wait_s = clock() + timeout_s, FIRST_WAIT_S
    while True:
        for found in store.list(request.output):
            if found.uri in ends:
                return found.uri
        left_s = give_up - clock()
        if left_s <= 0:
            return None
        sleep(min(wait_s, left_s))
        wait_s = min(1.5 * wait_s, LONGEST_WAIT_S)


@contextlib.contextmanager
def _uploaded(
    request: SingleFileRequest, store: ObjectStore, say: Callable[[str], None]
) -> Iterator[None]:
    if request.local is None:
        yield
        return
    say(f"uploading {request.local.name}")
    try:
        _upload(request.local, request.audio, store)
        yield
    finally:
        try:
            store.delete(request.audio)
        except StoreError as error:  # do not hide the result or its error
            _LOG.warning("cannot delete the upload %s: %s", request.audio, error)


def _upload(local: Path, uri: str, store: ObjectStore) -> None:
    try:
        with local.open("rb") as file:
            store.upload(uri, file)
    except OSError as error:
        raise BadSource(f"{local} cannot be read: {error.strerror}") from None


def _shard(request: SingleFileRequest, options: Options) -> Shard:
    try:
        ref = AudioRef(audio=request.audio, relative=request.name)
    except ValidationError as error:
        raise BadSource(f"{request.audio} cannot be enqueued: {explain(error)}") from None
    return Shard(
        schema_version=1,
        shard=request.shard,
        output=request.output,
        files=(ref,),
        options=options,
    )


def _why_no_result(request: SingleFileRequest, settings: Settings, timeout_s: float) -> str:
    ledger = LedgerReader(connect(settings), settings.key_prefix)
    waited = f"no result within {timeout_s:g} s"
    for child in ledger.workers():
        if child.shard == request.shard:
            return f"{waited}: {child.worker} is still processing it; increase the timeout"
    ready, _ = ledger.backlog(settings.queue)
    return (
        f"{waited}: no worker took it; check `fleet status`, and that a worker serves queue "
        f"{settings.queue} ({ready} messages are waiting)"
    )
