"""Files that crash or block a child, and endless files, do not affect other files."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.faults.evidence import Evidence
from bench.faults.storage import HEALTHY, FaultProfile, Storage
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.chaos.fleet import MAX_ATTEMPTS, RELOAD_S, Fleet, Member, until
from tests.chaos.jobs import Job, begin, upload, write_manifest
from tests.chaos.recordings import DECODER_FAULTS, HANGING, POISON, silence

pytestmark = pytest.mark.timeout(600)  # a dozen children are replaced, on a shared machine

ReportDuration = Callable[[str, float], None]
_DEATH = "Task handler raised error: WorkerLostError"
_DEAD_LETTERED = "shard dead lettered"
_DECIDED = (_DEAD_LETTERED, "shard retry scheduled", _DEATH)


@pytest.fixture
def begin_with(
    fleet: Fleet, settings: Settings, store: S3Store, manifest: Path, spoken: list[str]
) -> Callable[[bytes], Job]:
    """Enqueues one shard of six files, including the bad file."""

    def enqueue(body: bytes) -> Job:
        (bad,) = upload(store, {"bad": body}).values()
        rows = [(f"good/{number}", spoken[number % len(spoken)]) for number in range(5)]
        rows.insert(2, ("bad", bad))
        return begin(fleet, settings, write_manifest(manifest, rows), 6)

    return enqueue


def check_neighbours(evidence: Evidence) -> None:
    assert evidence.results == {f"good/{number}" for number in range(5)}
    assert not evidence.ending.success


def test_files_that_crash_or_hang_their_child_become_dead_letters(
    fleet: Fleet, begin_with: Callable[[bytes], Job], report_duration: ReportDuration
) -> None:
    fleet.stand(2)
    begun = time.monotonic()
    said_of = {POISON: "SIGKILL", HANGING: "no progress"}
    jobs = {body: begin_with(body) for body in said_of}
    for body, job in jobs.items():
        job.wait_until_over(240)
        report_duration(
            f"a file with {body.decode().strip()} dead-lettered", time.monotonic() - begun
        )
    for body, job in jobs.items():
        evidence = job.check()
        check_neighbours(evidence)
        assert evidence.dead.keys() == {"bad"}
        assert said_of[body] in evidence.dead["bad"]
        report = job.error("bad")
        assert report["kind"] == "poison"
        assert said_of[body] in report["message"]
        assert report["attempts"] == MAX_ATTEMPTS


def test_files_that_harm_their_decoder_fail_and_the_children_live_on(
    fleet: Fleet, begin_with: Callable[[bytes], Job]
) -> None:
    fleet.stand(2)
    pids = fleet.child_pids()
    jobs = {name: begin_with(body) for name, body in DECODER_FAULTS.items()}
    reasons = {
        "decoder-killed": "SIGKILL",
        "decoder-crashing": "SIGSEGV",
        "decoder-hanging": "did not respond",
        "decoder-memory": "more memory than a decoder process may use",
    }
    for name, job in jobs.items():
        job.wait_until_over(150)
        evidence = job.check()
        check_neighbours(evidence)
        assert not evidence.dead
        report = job.error("bad")
        assert report["kind"] == "undecodable_audio"
        assert reasons[name] in report["message"]
        assert report["attempts"] == 1
    assert fleet.child_pids() == pids


def test_a_dead_letter_gets_its_error_report_despite_a_storage_outage(
    fleet: Fleet, begin_with: Callable[[bytes], Job], storage: Storage
) -> None:
    members = fleet.stand(2)
    dead, dead_lettered = count_lines(members, _DEATH), count_lines(members, _DEAD_LETTERED)
    job = begin_with(POISON)

    def last_death() -> bool:
        """Whether the last crash of shard and file has happened, or the file is dead-lettered."""
        deaths = count_lines(members, _DEATH) - dead
        return deaths > MAX_ATTEMPTS or count_lines(members, _DEAD_LETTERED) > dead_lettered

    until(last_death, 240, "its last crash", job.describe)
    before = count_lines(members, *_DECIDED)
    storage.weather = FaultProfile(failing=1.0)

    def decides() -> bool:
        return (
            count_lines(members, *_DECIDED) > before
            or count_lines(members, _DEAD_LETTERED) > dead_lettered
        )

    until(decides, RELOAD_S, "a worker decides, or is killed while deciding", job.describe)
    storage.weather = HEALTHY
    job.wait_until_over(150)
    check_neighbours(job.check())
    assert job.error("bad")["kind"] == "poison"


def count_lines(members: list[Member], *beginnings: str) -> int:
    """The number of the members' log lines that begin with one of these texts."""
    events = (str(event.get("event")) for member in members for event in member.events())
    return sum(event.startswith(beginnings) for event in events)


def test_files_of_a_hundred_hours_fail_without_crashing_a_worker(
    fleet: Fleet, begin_with: Callable[[bytes], Job], report_duration: ReportDuration
) -> None:
    fleet.stand(2)
    begun, pids = time.monotonic(), fleet.child_pids()
    jobs = [begin_with(silence(100, declared=declared)) for declared in (True, False)]
    for job in jobs:
        job.wait_until_over(90)
    report_duration("files of 100 hours rejected", time.monotonic() - begun)
    for job in jobs:
        check_neighbours(job.check())
        assert job.error("bad")["kind"] == "audio_too_long"
    assert fleet.child_pids() == pids
