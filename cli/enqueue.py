"""`fleet enqueue`, and its progress line."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from funasr_fleet.cli import options as given
from funasr_fleet.cli.exits import Exit, exit_of, print_bad_rows, print_ignored
from funasr_fleet.cli.options import read_options, read_words
from funasr_fleet.cli.terminal import console, say, warn
from funasr_fleet.cli.watching import watch_job
from funasr_fleet.contract.job import FORMATS
from funasr_fleet.contract.queues import DEFAULT_PRIORITY

if TYPE_CHECKING:
    from funasr_fleet import EnqueueResult
    from funasr_fleet.producer.result import ProgressCallback


def enqueue(
    sources: given.Sources,
    output: given.Output,
    formats: given.Formats = "json",
    language: given.Language = None,
    hotwords: given.Hotwords = "",
    timestamps: given.Timestamps = "segment",
    speakers: given.Speakers = False,
    channels: given.Channels = "mix",
    audio_track: given.AudioTrack = None,
    speaker_count: given.SpeakerCount = None,
    itn: given.Itn = None,
    segments: given.Segments = "speech",
    merge_seconds: given.MergeSeconds = None,
    max_segment_seconds: given.MaxSegmentSeconds = None,
    second_look: given.SecondLook = False,
    model: given.Model = None,
    upload: given.Upload = None,
    overwrite: given.Overwrite = False,
    since: given.Since = None,
    limit: given.Limit = None,
    suffixes: given.Suffixes = "",
    strict: given.Strict = False,
    job: given.Job = None,
    priority: given.Priority = DEFAULT_PRIORITY,
    max_shard_seconds: given.MaxShardSeconds = None,
    max_ready: given.MaxReady = None,
    dry_run: given.DryRun = False,
    gpus: given.Gpus = 1,
    rtfx: given.Rtfx = None,
    gpu_hour_price: given.GpuHourPrice = None,
    wait: given.Wait = False,
    as_json: given.AsJson = False,
) -> None:
    """Publish all audio files without a current result, then exit.

    If the command is interrupted, run it again with the same --job to resume.

    Example: fleet enqueue s3://calls/2026/ --output s3://transcripts/2026/ --formats json,srt
    """
    given.check_output_option(output)
    selection = _read_selection(since, limit, suffixes)
    texts = {"formats": _formats(formats), "hotwords": read_words(hotwords)}
    parts = {"channels": channels, "audio_track": audio_track}
    speech = {"language": language, "timestamps": timestamps, "itn": itn}
    labels = {"speakers": speakers or speaker_count is not None, "speaker_count": speaker_count}
    lengths = {"merge_seconds": merge_seconds, "max_segment_seconds": max_segment_seconds}
    cutting = {"segments": segments, "second_look": second_look, **lengths}
    options = read_options(**texts, **parts, **speech, **labels, **cutting)
    where = {"model": model, "upload": upload, "priority": priority}
    how = {"overwrite": overwrite, "strict": strict, **_read_limits(max_shard_seconds)}
    asked = {"output": output, "job": job, "options": options, **where, **selection, **how}
    if dry_run:
        speed = {"gpus": gpus, "rtfx": rtfx, "gpu_hour_price": gpu_hour_price}
        raise typer.Exit(_print_estimate(sources, as_json=as_json, **asked, **speed))
    result = _enqueue(sources, **asked, **({} if max_ready is None else {"max_ready": max_ready}))
    _report(result, as_json=as_json)
    code = _wait_for(result.job, quiet=as_json) if wait and not result.empty else Exit.OK
    raise typer.Exit(code or (Exit.SOME_FAILED if result.bad_row_count else Exit.OK))


def _enqueue(sources: list[str], **asked: Any) -> "EnqueueResult":
    import funasr_fleet

    with showing_progress() as progress:
        return funasr_fleet.enqueue(sources, progress=progress, warn=warn, **asked)


def _formats(text: str) -> list[str]:
    names = text.split(",")
    return list(FORMATS) if given.ALL in names else names


def _read_selection(since: datetime | None, limit: int | None, suffixes: str) -> dict[str, Any]:
    return {
        "since": since.timestamp() if since else None,
        "limit": limit,
        "suffixes": read_words(suffixes),
    }


def _read_limits(shard_seconds: float | None) -> dict[str, Any]:
    """The argument `limits` of `enqueue` if the limit was given, else no argument."""
    from funasr_fleet.producer.planning.packing import ShardLimits

    return {} if shard_seconds is None else {"limits": ShardLimits(seconds=shard_seconds)}


def _wait_for(job: str, *, quiet: bool) -> Exit:
    """Show the job until it ends or its state is unknown; returns the exit code."""
    import funasr_fleet
    from funasr_fleet.producer.errors import JobLost, NoSuchJob

    try:
        last = watch_job(lambda: funasr_fleet.status(job), quiet=quiet)
    except NoSuchJob as error:  # the job existed when it was enqueued
        raise JobLost(str(error)) from None
    if quiet and last.note:  # stdout has the JSON document of the enqueue result
        warn(last.note)
    if last.progress.state == "cancelled" and exit_of(last) is Exit.OK:
        return Exit.SOME_FAILED  # not every file that was enqueued is transcribed
    return exit_of(last)


def _report(result: "EnqueueResult", *, as_json: bool) -> None:
    print_bad_rows(result.bad_rows, result.bad_row_count)
    print_ignored(result.ignored)
    say(json.dumps(asdict(result)) if as_json else _sentence(result))


def _print_estimate(sources: list[str], *, as_json: bool, **asked: Any) -> Exit:
    """Print the estimate; returns the exit code, SOME_FAILED if there are invalid rows."""
    from funasr_fleet.cli.dry_run import print_dry_run
    from funasr_fleet.producer.api import estimate

    found = estimate(sources, warn=warn, **asked)
    print_dry_run(found, as_json=as_json)
    return Exit.SOME_FAILED if found.bad_rows else Exit.OK


def _sentence(found: "EnqueueResult") -> str:
    if found.published_before:
        return (
            f"{found.job} is already published completely; watch it with: fleet status "
            f"{found.job}; to enqueue new files, use another --job"
        )
    if found.cancelled:
        return f"{found.job} was cancelled; {found.enqueued} files were enqueued before that"
    if not found.files:
        return "no audio found: nothing to do"
    if not found.enqueued and found.resumed:
        return (
            f"{found.files} files found; all were published or skipped before. Watch the job with: "
            f"fleet status {found.job}"
        )
    if not found.enqueued:
        return f"{found.files} files found, none needs to be enqueued: nothing to do"
    return (
        f"{found.files} files found, {found.skipped} skipped, {found.enqueued} enqueued as "
        f"{found.shards} shards of {found.job}; watch it with: fleet status {found.job}"
    )


@contextlib.contextmanager
def showing_progress() -> Iterator["ProgressCallback"]:
    """Yield a progress callback: it updates a line on stderr if that is a terminal."""
    with console(stderr=True).status("reading the sources") as status:

        def progress(result: "EnqueueResult", waiting: int | None) -> None:
            status.update(_line(result, waiting))

        yield progress


def _line(result: "EnqueueResult", waiting: int | None) -> str:
    line = f"{result.job}: {result.files:,} files found, {result.enqueued:,} enqueued"
    if result.skipped:
        line += f", {result.skipped:,} skipped"
    if waiting is not None:
        line += f"; paused until workers have consumed some of {waiting:,} queued messages"
    return line
