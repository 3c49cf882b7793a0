"""`fleet demo`, `up`, `worker` and `exporter`."""

import contextlib
import os
import resource
import shlex
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from funasr_fleet.cli.exits import Exit, WrongUsage
from funasr_fleet.cli.options import AsJson
from funasr_fleet.cli.terminal import say, warn

if TYPE_CHECKING:
    from funasr_fleet.contract.transcript import Word
    from funasr_fleet.embedded.demo import DemoResult


_WORDS_SHOWN = 5
DEFAULT_DATA = Path(".fleet/demo")


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Keep audio and results on disk.")] = False,
    as_json: AsJson = False,
    data: Annotated[
        Path | None, typer.Option(help="Folder for audio and results; implies --keep.")
    ] = None,
) -> None:
    """Transcribe sample audio with an embedded stack, on the CPU.

    The stack runs on this machine: a Valkey server, an S3 server and one worker with the embedded
    demo model.

    Example: fleet demo --keep
    """
    from funasr_fleet.embedded.demo import run_demo
    from funasr_fleet.embedded.samples import load_samples

    _keep_private()
    with _directory(data or (DEFAULT_DATA if keep else None)) as directory:
        result = run_demo(directory, warn)
        if as_json:
            say(result.to_json())
        else:
            _print(result, directory if keep or data else None)
    if not result.as_expected(load_samples()):
        raise typer.Exit(Exit.SOME_FAILED)


def _keep_private() -> None:
    """Messages, audio and text in files or memory of this process are for its user only.

    Its children inherit both settings: the mode of new files, and that no core dump is written.
    """
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def _directory(kept: Path | None) -> Iterator[Path]:
    if kept:
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="fleet-demo-") as directory:
        yield Path(directory)


def _print(result: "DemoResult", kept: Path | None) -> None:
    from funasr_fleet.contract.job import FORMATS
    from funasr_fleet.embedded.demo import OUTPUT
    from funasr_fleet.embedded.samples import load_samples

    for file in result.results:
        say(f"\n{file.audio}  [{file.status}]")
        if file.status == "failed":
            say(f"  error       {file.text}")
            continue
        say(f"  reference   {file.reference or '(nothing)'}")
        say(f"  transcript  {file.text or '(nothing)'}")
        if file.spoken:
            say(f"  words       {_times(file.spoken)}")
    say(
        f"\n{result.files} files: {result.ok} transcribed, {result.empty} without speech, "
        f"{result.failed} failed"
    )
    for file in result.unexpected(load_samples()):
        say(f"  unexpected: {file.audio} is {file.status}")
    if not result.unexpected(load_samples()):
        say("as expected: one sample is silence, and one is not audio")
    share = 100 * result.word_errors / max(1, result.words)
    say(f"{result.word_errors} of {result.words} words wrong ({share:.2f} %)")
    say(f"{result.audio_s:.0f} s of audio in {result.wall_s:.1f} s")
    if kept:
        folder = kept / "s3" / OUTPUT.removeprefix("s3://")
        say(f"results, in {len(FORMATS)} formats: {folder}")
        say(f"log of the worker: {kept}/worker.log")


def _times(spoken: "list[Word]") -> str:
    """The first words, each after its start time."""
    starts = [(word.text, *divmod(word.start_ms, 1000)) for word in spoken[:_WORDS_SHOWN]]
    words = [f"{seconds}.{ms // 10:02} s {text}" for text, seconds, ms in starts]
    more = len(spoken) - len(words)
    return "  ".join(words) + (f"  and {more} more" if more else "")


def up(
    data: Annotated[Path, typer.Option(help="Folder for the data of broker and S3.")] = Path(
        ".fleet/up"
    ),
    devices: Annotated[str, typer.Option(help="auto, cpu, or a list of GPUs.")] = "cpu",
) -> None:
    """Run the embedded dev stack in the foreground until Ctrl-C.

    Use it to try the other commands: run `fleet up` and paste the exports that it prints into
    another terminal. The worker loads the embedded demo model unless FLEET_MODEL is set;
    FLEET_VAD_MODEL, FLEET_PUNC_MODEL and FLEET_SPK_MODEL apply too.

    Example: FLEET_MODEL=paraformer-zh fleet up
    """
    from funasr_fleet.embedded.services import LocalExporter, LocalWorker, chosen_models
    from funasr_fleet.embedded.stack import running_stack

    _keep_private()
    models = chosen_models()
    with (
        running_stack(data, buckets=("audio", "transcripts")) as stack,
        LocalExporter(stack.environment, data) as exporter,
        LocalWorker({**stack.environment, **models}, data, devices) as worker,
    ):
        exporter.wait_until_ready()
        worker.wait_until_ready()
        own = {**models, "FLEET_SCRATCH": "s3://transcripts/scratch/"}
        for name, value in {**stack.environment, **own}.items():
            say(f"export {name}={shlex.quote(value)}")
        say(f"# metrics: http://127.0.0.1:{worker.port}/metrics")
        say(f"# exporter: http://127.0.0.1:{exporter.port}/metrics")
        say("# try: fleet transcribe FILE")
        say("# try: fleet enqueue FOLDER --upload s3://audio/ --output s3://transcripts/")
        while worker.process.exit_code is None:
            time.sleep(0.5)
        warn(f"the worker ended; its log is {worker.process.log}")
        raise typer.Exit(Exit.UNREACHABLE)


def worker(
    devices: Annotated[
        str | None,
        typer.Option(help="auto, cpu, or a list such as 0,1 or GPU-<uuid>; a child for each."),
    ] = None,
    queue: Annotated[str | None, typer.Option(help="Queue to consume.")] = None,
) -> None:
    """Run a worker, with one child process per GPU, until SIGTERM.

    Example: FLEET_MODEL=paraformer-zh fleet worker --devices 0,1
    """
    from funasr_fleet.settings import Settings
    from funasr_fleet.worker.app.launch import check_worker, exec_celery
    from funasr_fleet.worker.process.hardware import DeviceUnavailable

    _keep_private()
    settings = Settings.load(devices=devices, queue=queue)
    for name, value in settings.redacted().items():
        say(f"{name} = {value}", err=True)
    try:
        children = check_worker(settings)
    except DeviceUnavailable as error:
        raise WrongUsage(str(error)) from None
    exec_celery(settings, children)


def exporter(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of /metrics, /healthz and /readyz.")
    ] = 9465,
    pod_deletion_cost: Annotated[
        str | None,
        typer.Option(
            metavar="SELECTOR",
            help="In Kubernetes: raise the deletion cost of busy pods that match this selector.",
        ),
    ] = None,
) -> None:
    """Export backlog, jobs and dead letters to Prometheus and KEDA.

    It needs no workers, so a fleet scaled to 0 still has metrics.

    Example: fleet exporter --port 9465
    """
    from funasr_fleet.exporter.deletion_cost import ClusterPods, KubernetesUnavailable
    from funasr_fleet.exporter.serving import serve
    from funasr_fleet.settings import BadConfiguration, Settings

    _keep_private()
    settings = Settings.load()
    try:
        selector = pod_deletion_cost
        pods = ClusterPods.of_this_namespace(selector) if selector else None
    except KubernetesUnavailable as error:
        raise WrongUsage(f"--pod-deletion-cost: {error}") from None
    signal.signal(signal.SIGTERM, _end)
    host = settings.metrics_host or "all interfaces"
    say(f"serving /metrics on {host}, port {port}", err=True)
    try:
        serve(settings, port, pods)
    except OSError as error:
        raise BadConfiguration(
            f"port {port} cannot be used ({error.strerror}); choose another"
        ) from None


def _end(*_: object) -> None:
    raise typer.Exit(0)
