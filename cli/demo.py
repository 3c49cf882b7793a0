"""`fleet demo`."""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import Exit

if TYPE_CHECKING:
    from contract.transcript import Word
    from local.demo import DemoResult

_WORDS_TOLD = 5
DEFAULT_DATA = Path(".fleet/demo")


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Keep audio and results on disk.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    data: Annotated[
        Path | None, typer.Option(help="Folder to keep them in; implies --keep.")
    ] = None,
) -> None:
    """Do the main job here: embedded Valkey and S3, sample audio, one worker on the CPU.

    Example: fleet demo --keep
    """
    from local.demo import run_demo
    from local.samples import load_samples

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
    from contract.job import FORMATS
    from local.demo import OUTPUT
    from local.samples import load_samples

    for file in result.results:
        typer.echo(f"\n{file.audio}  [{file.status}]")
        if file.status == "failed":
            typer.echo(f"  why    {file.text}")
            continue
        typer.echo(f"  said   {file.reference or '(nothing)'}")
        typer.echo(f"  heard  {file.text or '(nothing)'}")
        if file.spoken:
            typer.echo(f"  when   {_times(file.spoken)}")
    typer.echo(
        f"\n{result.files} files: {result.ok} transcribed, {result.empty} without speech, "
        f"{result.failed} failed"
    )
    for file in result.unexpected(load_samples()):
        typer.echo(f"  {file.audio} was not to end as {file.status}")
    if not result.unexpected(load_samples()):
        typer.echo("each as it should: one sample is silence, and one is no audio")
    share = 100 * result.word_errors / max(1, result.words)
    typer.echo(f"{result.word_errors} of {result.words} words wrong ({share:.2f} %)")
    typer.echo(f"{result.audio_s:.0f} s of audio in {result.wall_s:.1f} s")
    if kept:
        folder = kept / "s3" / OUTPUT.removeprefix("s3://")
        typer.echo(f"results, in {len(FORMATS)} formats: {folder}")
        typer.echo(f"log of the worker: {kept}/worker.log")


def _times(spoken: "list[Word]") -> str:
    """The first words, each behind the time at which it begins."""
    starts = [(word.text, *divmod(word.start_ms, 1000)) for word in spoken[:_WORDS_TOLD]]
    told = [f"{seconds}.{ms // 10:02} s {text}" for text, seconds, ms in starts]
    more = len(spoken) - len(told)
    return "  ".join(told) + (f"  and {more} more" if more else "")
