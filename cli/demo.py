"""`fleet demo`."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from funasr_fleet.cli.exits import Exit

if TYPE_CHECKING:
    from funasr_fleet.contract.transcript import Word
    from funasr_fleet.embedded.demo import DemoResult

_WORDS_SHOWN = 5
DEFAULT_DATA = Path(".fleet/demo")


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Keep audio and results on disk.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Folder for audio and results; implies --keep.")
    ] = None,
) -> None:
    """Transcribe sample audio with an embedded stack, on the CPU.

    The stack runs on this machine: a Valkey server, an S3 server and one worker.

    Example: fleet demo --keep
    """
    from funasr_fleet.embedded.demo import run_demo
    from funasr_fleet.embedded.samples import load_samples

    with _directory(data or (DEFAULT_DATA if keep else None)) as directory:
        result = run_demo(directory, lambda line: print(f"fleet: {line}", file=sys.stderr))
        if as_json:
            typer.echo(result.to_json())
        else:
            _print(result, directory if keep or data else None)
    if not result.as_expected(load_samples()):
        raise typer.Exit(Exit.SOME_FAILED)


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
        typer.echo(f"\n{file.audio}  [{file.status}]")
        if file.status == "failed":
            typer.echo(f"  error       {file.text}")
            continue
        typer.echo(f"  reference   {file.reference or '(nothing)'}")
        typer.echo(f"  transcript  {file.text or '(nothing)'}")
        if file.spoken:
            typer.echo(f"  words       {_times(file.spoken)}")
    typer.echo(
        f"\n{result.files} files: {result.ok} transcribed, {result.empty} without speech, "
        f"{result.failed} failed"
    )
    for file in result.unexpected(load_samples()):
        typer.echo(f"  unexpected: {file.audio} is {file.status}")
    if not result.unexpected(load_samples()):
        typer.echo("as expected: one sample is silence, and one is not audio")
    share = 100 * result.word_errors / max(1, result.words)
    typer.echo(f"{result.word_errors} of {result.words} words wrong ({share:.2f} %)")
    typer.echo(f"{result.audio_s:.0f} s of audio in {result.wall_s:.1f} s")
    if kept:
        folder = kept / "s3" / OUTPUT.removeprefix("s3://")
        typer.echo(f"results, in {len(FORMATS)} formats: {folder}")
        typer.echo(f"log of the worker: {kept}/worker.log")


def _times(spoken: "list[Word]") -> str:
    """The first words, each after its start time."""
    starts = [(word.text, *divmod(word.start_ms, 1000)) for word in spoken[:_WORDS_SHOWN]]
    words = [f"{seconds}.{ms // 10:02} s {text}" for text, seconds, ms in starts]
    more = len(spoken) - len(words)
    return "  ".join(words) + (f"  and {more} more" if more else "")
