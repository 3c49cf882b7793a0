"""Whether the commands and metrics show a job as complete."""

import contextlib

from funasr_fleet import JobStatus, list_jobs, report, status
from funasr_fleet.cli.exits import Exit, exit_of
from funasr_fleet.cli.watching import watch_job
from funasr_fleet.exporter.metrics import read
from funasr_fleet.exporter.snapshot import FleetCollector
from funasr_fleet.producer.errors import NoSuchJob
from funasr_fleet.producer.progress.measuring import state_of
from funasr_fleet.settings import Settings


class StillWatching(Exception):
    """`--watch` and `--wait` would continue."""


def said_by_all(settings: Settings, job: str) -> tuple[dict[str, bool], int | None]:
    """Whether each command and metric shows the job as complete.

    The second value is the number of waiting files in `status`, if it is known.
    """
    waiting = None
    listed = [state_of(one) for one in list_jobs(settings) if one.job == job]
    snapshot = FleetCollector(settings).collect()
    values = {(name, labels): value for name, labels, value in read(snapshot)}
    is_planning = values["asr_jobs", ("planning",)] > 0  # then only some of the files are known
    told = {
        "jobs": "complete" in listed,
        "exporter": values["asr_jobs", ("complete",)] > 0,
        "exported files": values.get(("asr_backlog_files", (job,))) == 0 and not is_planning,
    }
    with contextlib.suppress(NoSuchJob):
        now = status(job, settings)
        waiting = now.waiting
        told["status"] = now.progress.state == "complete"
        told["status --json"] = now.to_json()["complete"]
        told["fraction"] = now.progress.fraction == 1.0 and not is_planning
        has_ended = watched(now) != ""
        told["exit code"] = has_ended and exit_of(now) in {Exit.OK, Exit.SOME_FAILED}
        told["report"] = report(job, settings)["finished_at"] is not None
        told["watch"] = watched(now) == "complete"
    return told, waiting


def watched(now: JobStatus) -> str:
    """The state with which `--watch` and `--wait` end; "" if they continue."""

    def go_on(_: float) -> None:
        raise StillWatching

    try:
        return watch_job(lambda: now, quiet=True, sleep=go_on).progress.state
    except StillWatching:
        return ""
