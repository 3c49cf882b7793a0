"""`fleet transcribe`: transcribe one file through the queue and print its text."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from funasr_fleet.cli.exits import Exit
from funasr_fleet.cli.options import read_options, read_words
from funasr_fleet.cli.terminal import console, say, warn
from funasr_fleet.contract.job import MAX_AUDIO_TRACK

if TYPE_CHECKING:
    from funasr_fleet import Transcription


class Printed(StrEnum):
    """What is printed to stdout: the text, or an output format by its file suffix."""

    TEXT = "text"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"
    TSV = "tsv"
    RTTM = "rttm"
    CTM = "ctm"


AudioTrack = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=MAX_AUDIO_TRACK,
        help="Audio track to transcribe: its position among the file's audio tracks, from 0.",
    ),
]


def transcribe(
    audio: Annotated[str, typer.Argument(metavar="AUDIO", help="A file, or s3://bucket/key.")],
    language: Annotated[str | None, typer.Option(help="Language, such as zh or german.")] = None,
    hotwords: Annotated[str, typer.Option(help="Words to prefer, separated by commas.")] = "",
    timestamps: Annotated[
        str, typer.Option(help="segment, or word for the time of each word.")
    ] = "segment",
    audio_track: AudioTrack = None,
    model: Annotated[
        str | None, typer.Option(help="Model to use; default: any that serves FLEET_QUEUE.")
    ] = None,
    printed: Annotated[Printed, typer.Option("--format", help="What to print.")] = Printed.TEXT,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for the result.")] = 600,
    scratch: Annotated[
        str | None,
        typer.Option(help="s3://bucket/prefix/ for upload and result; default: FLEET_SCRATCH."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document with the result's address.")
    ] = False,
) -> None:
    """Transcribe one file through the queue and print the text.

    The file has the highest priority. The command waits for the result.

    Example: fleet transcribe call.wav --format srt
    """
    import funasr_fleet
    from funasr_fleet.producer.single_file import FileFailed, NoResult
    from funasr_fleet.storage.s3 import S3Store

    texts = {"language": language, "hotwords": read_words(hotwords), "timestamps": timestamps}
    options = read_options(formats=_formats(printed), audio_track=audio_track, **texts)
    store = S3Store()
    try:
        with _progress() as show:
            done = funasr_fleet.transcribe(
                audio,
                options=options,
                model=model,
                scratch=scratch,
                timeout_s=timeout,
                store=store,
                say=show,
                warn=warn,
            )
    except FileFailed as error:
        if as_json:
            say(_document(audio, error.uri, error=error.report.error.model_dump()))
        warn(f"{audio} was not transcribed: {error}")
        raise typer.Exit(Exit.SOME_FAILED) from None
    except NoResult as error:
        warn(str(error))
        raise typer.Exit(Exit.UNREACHABLE) from None
    transcript = json.loads(done.transcript.to_json())
    document = _document(audio, done.uri, transcript=transcript)
    say(document if as_json else _render(done, printed, store.read))


def _formats(printed: Printed) -> tuple[str, ...]:
    return ("json",) if printed in (Printed.TEXT, Printed.JSON) else ("json", printed.value)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show the current stage on a line of stderr, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda stage: None
        return
    from rich.text import Text

    with console(stderr=True).status("starting") as line:
        yield lambda stage: line.update(Text(stage))  # a file name is not markup


def _render(done: "Transcription", printed: Printed, read: Callable[[str], bytes]) -> str:
    if printed is Printed.TEXT:
        return done.text
    uri = done.uri if printed is Printed.JSON else done.uri.removesuffix("json") + printed.value
    return read(uri).decode().removesuffix("\n")


def _document(audio: str, result: str, **rest: Any) -> str:
    found = {"audio": audio, "result": result, "transcript": None, "error": None, **rest}
    return json.dumps(found, ensure_ascii=False)
