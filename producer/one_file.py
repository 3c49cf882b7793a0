"""One file through the queue: send it, wait for its result, tidy up."""

import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from contract.job import AudioRef, Options, Shard, explain
from contract.layout import error_uri, output_uri
from contract.ledger import Ledger, connect
from contract.queues import PRIORITY_STEPS
from contract.s3 import S3Store
from contract.settings import Settings
from contract.store import ObjectStore, StoreError
from contract.transcript import ErrorReport, Transcript
from producer.directing import direct, refuse_unsupported
from producer.errand import Errand, plan
from producer.publishing.messages import open_publisher, publish_one
from producer.sources.interface import BadSource

_LOG = logging.getLogger(__name__)

FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 1.0
"""Between two looks into S3: they begin close together and grow."""


class NoResult(Exception):
    """Nobody brought a result in time: see that workers run, or wait for longer."""


class FileFailed(Exception):
    """The worker could not transcribe the file: its report says why."""

    def __init__(self, uri: str, report: ErrorReport) -> None:
        self.uri = uri
        """Where the report lies."""
        self.report = report
        super().__init__(f"{report.error.kind}: {report.error.message}")


@dataclass(frozen=True, kw_only=True)
class Transcription:
    """What one file says."""

    uri: str
    """The .json; other formats lie beside it."""
    transcript: Transcript

    @property
    def text(self) -> str:
        """All of it, without times."""
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
    """Send one file through the queue before everything that waits, and wait for its result.

    Args:
        audio: a file here, or s3://bucket/key.
        options: how to transcribe; the defaults of Options.
        model: the model that is to do it; by default whatever serves FLEET_QUEUE.
        scratch: s3://bucket/prefix/ for uploads and results, by default FLEET_SCRATCH. Uploads
            are deleted at the end, results stay.
        timeout_s: how long to wait, from the upload's end.
        settings: by default read from the environment.
        store: by default S3.
        say: is told what is being waited for.
        warn: is told why nobody, or somebody else, may do it.

    Raises:
        FileFailed: the worker could not do it.
        NoResult: nobody did within the time.
        OptionsRefused: the model cannot serve the options.
        BadSource: there is no such file.
        BadConfiguration: the scratch prefix is missing, or is none.
        StoreError: S3 fails.
        BrokerUnavailable: Redis fails.
    """
    settings, options = settings or Settings.load(), options or Options()
    errand = plan(str(audio), scratch or settings.scratch)
    settings = _directed(settings, model, options, warn)
    _load_celery(settings)
    store = store or S3Store()
    with _uploaded(errand, store, say):
        say("waiting for a worker")
        publish_one(_shard(errand, options), settings, PRIORITY_STEPS[-1])
        uri = wait_for_outcome(errand, store, timeout_s)
    if uri is None:
        raise NoResult(_why_nothing_came(errand, settings, timeout_s))
    body = store.read(uri)
    if uri == error_uri(errand.output, errand.name):
        raise FileFailed(uri, ErrorReport.model_validate(json.loads(body)))
    return Transcription(uri=uri, transcript=Transcript.model_validate(json.loads(body)))


def _directed(
    settings: Settings, model: str | None, options: Options, warn: Callable[[str], None]
) -> Settings:
    """The same settings with the queue of the model. Raises OptionsRefused."""
    redis = connect(settings)
    choice = direct(redis, settings, model)
    refuse_unsupported(redis, settings, choice, options)
    for warning in choice.warnings:
        warn(warning)
    return settings.model_copy(update={"queue": choice.queue})


def _load_celery(settings: Settings) -> None:
    """Before there is anything to tidy up.

    Celery imports most of itself when it is used first. An interrupt amid that may end this process
    by the signal later on, whatever exit code it wants to have.
    """
    with open_publisher(settings, settings.queue, PRIORITY_STEPS[-1]):
        pass  # it connects when something is sent


def wait_for_outcome(
    errand: Errand,
    store: ObjectStore,
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str | None:
    """Address of the result or of the report of the failure; None when neither came in time.

    Raises:
        StoreError: S3 fails.
    """
    ends = {output_uri(errand.output, errand.name, "json"), error_uri(errand.output, errand.name)}
    give_up, wait_s = clock() + timeout_s, FIRST_WAIT_S
    while True:
        for found in store.list(errand.output):
            if found.uri in ends:
                return found.uri
        left_s = give_up - clock()
        if left_s <= 0:
            return None
        sleep(min(wait_s, left_s))
        wait_s = min(1.5 * wait_s, LONGEST_WAIT_S)


@contextlib.contextmanager
def _uploaded(errand: Errand, store: ObjectStore, say: Callable[[str], None]) -> Iterator[None]:
    if errand.local is None:
        yield
        return
    say(f"uploading {errand.local.name}")
    try:
        _upload(errand.local, errand.audio, store)
        yield
    finally:
        try:
            store.delete(errand.audio)
        except StoreError as error:  # the result matters more
            _LOG.warning("%s is left behind: %s", errand.audio, error)


def _upload(local: Path, uri: str, store: ObjectStore) -> None:
    try:
        with local.open("rb") as file:
            store.upload(uri, file)
    except OSError as error:
        raise BadSource(f"{local} cannot be read: {error.strerror}") from None


def _shard(errand: Errand, options: Options) -> Shard:
    try:
        ref = AudioRef(audio=errand.audio, relative=errand.name)
    except ValidationError as error:
        raise BadSource(f"{errand.audio} cannot be asked for: {explain(error)}") from None
    return Shard(
        schema_version=1,
        shard=errand.shard,
        output=errand.output,
        files=(ref,),
        options=options,
    )


def _why_nothing_came(errand: Errand, settings: Settings, timeout_s: float) -> str:
    ledger = Ledger(connect(settings), settings.key_prefix)
    waited = f"no result within {timeout_s:g} s"
    for child in ledger.workers():
        if child.shard == errand.shard:
            return f"{waited}: {child.worker} is at it still, give it a longer --timeout"
    ready, _ = ledger.backlog(settings.queue)
    return (
        f"{waited}: no worker took it; look at `fleet status`, and whether a worker runs for "
        f"queue {settings.queue} ({ready} messages wait there)"
    )
