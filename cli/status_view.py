"""The output of `fleet status`: a full view, and one line for logs."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from funasr_fleet.cli.terminal import cell
from funasr_fleet.contract.shown_text import one_line
from funasr_fleet.producer.jobs.status import JobStatus
from funasr_fleet.producer.progress.eta import Throughput
from funasr_fleet.producer.progress.humanize import decimal, hours, number_of, percent, span
from funasr_fleet.producer.progress.measuring import Progress, WorkerView

STATE_STYLES = {
    "planning": "cyan",
    "running": "cyan",
    "complete": "green",
    "cancelled": "yellow",
    "unknown": "red",
}


def view(status: JobStatus) -> RenderableType:
    """What `fleet status` shows: state, progress bar, files by outcome, facts and workers."""
    parts: list[RenderableType] = [_title(status), _bar(status), Text()]
    if status.note:
        parts += [Text(one_line(status.note), "red"), Text()]
    if status.postponed:
        parts += [Text(one_line(postponed(status)), "yellow"), Text()]
    if status.unserved_queue:
        parts += [Text(one_line(unserved(status.unserved_queue)), "yellow"), Text()]
    parts += [_files(status), Text(), _facts(status)]
    if status.workers:
        parts += [Text(), _workers(status.workers)]
    return Group(*parts)


def line(status: JobStatus) -> str:
    """The status in one line, for logs."""
    counts, progress = status.counts, status.progress
    finished = counts.finished - counts.outcomes["cancelled"]
    done = f"{finished:,} of {counts.files:,} files ({percent_of(progress.fraction)})"
    if not counts.whole:
        done = f"{finished:,} files finished"
    failed = f", {progress.failed:,} failed" if progress.failed else ""
    audio = f"{hours(progress.audio_hours)} of audio"
    expected = status.note or outlook(progress, counts.open_shards)
    if status.postponed:
        expected += f"; {postponed(status)}"
    if status.unserved_queue:
        expected += f"; {unserved(status.unserved_queue)}"
    if status.dead_letters:
        expected += f"; {status.dead_letters:,} dead letters"
    return one_line(f"{counts.job} {progress.state}: {done}{failed}, {audio}; {expected}")


def postponed(status: JobStatus) -> str:
    """The warning that shards are postponed: how many, and why."""
    reasons = ", ".join(f"{number:,} {reason}" for reason, number in status.postponed.items())
    number = sum(status.postponed.values())
    are = "shard is" if number == 1 else "shards are"
    return f"{number:,} {are} postponed and will be retried ({reasons}): {status.postponed_message}"


def unserved(queue: str) -> str:
    """The warning that no ready worker consumes the queue."""
    return (
        f"no ready worker serves queue {queue}: start a worker, or see the log of a worker that is "
        "not ready"
    )


def outlook(progress: Progress, open_shards: int) -> str:
    """The estimated remaining time, or why there is none."""
    if progress.state == "unknown":
        return "the number of waiting files is not known"
    quiet = "" if progress.stalled_s is None else f"nothing finished for {span(progress.stalled_s)}"
    if progress.state == "cancelled":
        if left := progress.in_flight:
            return f"{left:,} files are still in progress"
        number = "unknown" if progress.fraction is None else f"{progress.cancelled:,}"
        return f"cancelled files: {number}"
    if progress.eta_s == 0:
        return "no files are waiting"
    if progress.eta_s is not None:
        end = f"time left: about {span(progress.eta_s)}, from the {progress.eta_basis}"
        return f"{end}; {quiet}" if quiet else end
    if quiet:
        return f"stalled: {quiet}, and no worker is processing this job"
    if progress.state == "running" and not progress.waiting and open_shards:
        return f"waiting for {number_of(open_shards, 'shard')} to end"
    if progress.state == "running" and not progress.waiting:
        return "every file has an outcome, but no report is written; if this lasts, run fleet close"
    return "no file is finished yet, so there is no estimate"


def _title(status: JobStatus) -> Text:
    state = status.progress.state
    return Text.assemble(
        (one_line(status.counts.job), "bold"),
        "  ",
        (state, STATE_STYLES[state]),
        "  ",
        (one_line(status.counts.output), "dim"),
    )


def _bar(status: JobStatus) -> Table:
    row = Table.grid(padding=(0, 2))
    fraction = status.progress.fraction
    bar = ProgressBar(total=1.0, completed=fraction or 0.0, width=30)
    style = "yellow" if status.progress.stalled_s is not None else ""
    ahead = outlook(status.progress, status.counts.open_shards)
    row.add_row(bar, percent_of(fraction), Text(ahead, style=style))
    return row


def percent_of(fraction: float | None) -> str:
    """A share of a job's files; a question mark when it is unknown."""
    return "?" if fraction is None else percent(fraction, 1.0)


def _files(status: JobStatus) -> Table:
    """One line per outcome, so that counts of ten million fit into a narrow terminal."""
    progress, files, is_partial = status.progress, status.counts.files, not status.counts.whole
    shown = {
        "files": files,
        "done": progress.done,
        "empty": progress.empty,
        "skipped": progress.skipped,
        "failed": progress.failed,
        "cancelled": progress.cancelled,
        "waiting": progress.waiting,
        "in flight": progress.in_flight,
    }
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    grid.add_column(justify="right", style="dim")
    for name, number in shown.items():
        if number or name in {"files", "done", "failed", "waiting"}:
            style = "red" if name == "failed" and number else ""
            is_unknown = number is None or (name in {"files", "cancelled"} and is_partial)
            text = "?" if is_unknown else f"{number:,}"
            share = "" if name == "files" or is_partial else percent(number or 0, files)
            grid.add_row(name, Text(text, style), share)
    return grid


def _facts(status: JobStatus) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    for name, fact in _each_fact(status):
        grid.add_row(name, Text(one_line(fact)))
    return grid


def _each_fact(status: JobStatus) -> Iterator[tuple[str, str]]:
    progress = status.progress
    yield "audio done", hours(progress.audio_hours)
    if progress.in_progress_audio_hours:
        begun = hours(progress.in_progress_audio_hours)
        yield "in progress", f"{begun} of audio recognised, in files that are not finished"
    if progress.remaining_audio_hours:
        yield "audio left", f"about {hours(progress.remaining_audio_hours)}"
    if progress.throughput_now:
        yield "last 5 minutes", _speed(progress.throughput_now)
    if progress.throughput_since_start:
        yield "since the start", _speed(progress.throughput_since_start)
    if progress.audio_hours_per_device_hour:
        rtfx = decimal(progress.audio_hours_per_device_hour)
        work = hours(progress.device_hours)
        yield "devices", f"{work} of work, {rtfx} audio hours per device hour"
    if progress.cost_so_far is not None:
        total = progress.cost_expected
        expected = "" if total is None else f", about {total:,.2f} in total"
        yield "cost", f"{progress.cost_so_far:,.2f} so far{expected}"
    if status.dead_letters:
        number, job = f"{status.dead_letters:,}", status.counts.job
        yield "dead letters", f"{number}: requeue or drop them, see fleet dead list --job {job}"
    yield (
        "queue",
        f"{status.ready_messages:,} messages ready, {status.unacked_messages:,} held by workers "
        "(all jobs)",
    )


def _speed(speed: Throughput) -> str:
    return (
        f"{decimal(speed.audio_hours_per_hour)} audio hours per hour, "
        f"{decimal(speed.files_per_s)} files/s"
    )


def _workers(workers: tuple[WorkerView, ...]) -> Table:
    table = Table(title="workers of the fleet", title_justify="left", title_style="")
    for name in ("worker", "works on"):
        table.add_column(name, overflow="fold")
    for name in ("last seen", "files", "audio hours", "RTFx"):
        table.add_column(name, justify="right")
    for one in workers:
        table.add_row(
            cell(f"{one.worker}/{one.slot}"),
            cell(one.shard or one.job or "-"),
            f"{span(one.heard_s_ago)} ago",
            f"{one.files:,}",
            decimal(one.audio_hours),
            "-" if one.rtfx is None else decimal(one.rtfx),
        )
    return table
