"""Files that kill, hang or never end: put aside with their reason, their neighbours unharmed."""

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
from tests.chaos.recordings import HANGING, POISON, silence

pytestmark = pytest.mark.timeout(600)  # a dozen children are replaced; others use the machine too

Say = Callable[[str, float], None]
_DEATH = "Task handler raised error: WorkerLostError"
_DEAD_LETTERED = "shard dead lettered"
_DECIDED = (_DEAD_LETTERED, "shard retry scheduled", _DEATH)


@pytest.fixture
def begin_with(
    fleet: Fleet, settings: Settings, store: S3Store, manifest: Path, spoken: list[str]
) -> Callable[[bytes], Job]:
    """Enqueues one shard of six, the bad file among them."""

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
    fleet: Fleet, begin_with: Callable[[bytes], Job], say: Say
) -> None:
    fleet.stand(2)
    begun = time.monotonic()
    said_of = {POISON: "SIGKILL", HANGING: "no progress"}
    jobs = {body: begin_with(body) for body in said_of}
    for body, job in jobs.items():
        job.wait_until_over(240)
        say(f"a file with {body.decode().strip()} put aside", time.monotonic() - begun)
    for body, job in jobs.items():
        evidence = job.check()
        check_neighbours(evidence)
        assert evidence.dead.keys() == {"bad"}
        assert said_of[body] in evidence.dead["bad"]
        report = job.error("bad")
        assert report["kind"] == "poison"
        assert said_of[body] in report["message"]
        assert report["attempts"] == MAX_ATTEMPTS


def test_a_dead_letter_gets_its_error_report_despite_a_storage_outage(
    fleet: Fleet, begin_with: Callable[[bytes], Job], storage: Storage
) -> None:
    members = fleet.stand(2)
    dead, aside = told(members, _DEATH), told(members, _DEAD_LETTERED)
    job = begin_with(POISON)

    def last_death() -> bool:
        """The shard's own, and those of the file when it came alone; or it is decided already."""
        deaths = told(members, _DEATH) - dead
        return deaths > MAX_ATTEMPTS or told(members, _DEAD_LETTERED) > aside

    until(last_death, 240, "its last death", job.describe)
    before = told(members, *_DECIDED)
    storage.weather = FaultProfile(failing=1.0)

    def decides() -> bool:
        return told(members, *_DECIDED) > before or told(members, _DEAD_LETTERED) > aside

    until(decides, RELOAD_S, "somebody decides, or is killed while trying", job.describe)
    storage.weather = HEALTHY
    job.wait_until_over(150)
    check_neighbours(job.check())
    assert job.error("bad")["kind"] == "poison"


def told(members: list[Member], *beginnings: str) -> int:
    """How many lines of their logs begin so."""
    events = (str(event.get("event")) for member in members for event in member.events())
    return sum(event.startswith(beginnings) for event in events)


def test_files_of_a_hundred_hours_fail_without_crashing_a_worker(
    fleet: Fleet, begin_with: Callable[[bytes], Job], say: Say
) -> None:
    fleet.stand(2)
    begun, pids = time.monotonic(), fleet.child_pids()
    jobs = [begin_with(silence(100, declared=declared)) for declared in (True, False)]
    for job in jobs:
        job.wait_until_over(90)
    say("files of 100 hours refused", time.monotonic() - begun)
    for job in jobs:
        check_neighbours(job.check())
        assert job.error("bad")["kind"] == "audio_too_long"
    assert fleet.child_pids() == pids
