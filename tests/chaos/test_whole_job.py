"""A whole job under every fault, beside a hostile sender; CHAOS_SEED determines their order."""

import os
import random
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.faults.broker import RestartableBroker
from bench.faults.storage import Storage
from funasr_fleet.embedded.stack import Stack
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.chaos import schedule
from tests.chaos.acts import ACTS, PRODUCER, Acts, Operator
from tests.chaos.fleet import Fleet
from tests.chaos.hostile import hostile_sender
from tests.chaos.jobs import Job, write_manifest
from tests.chaos.recordings import make_backlog
from tests.chaos.schedule import Driver

SEED = int(os.environ.get("CHAOS_SEED", "1"))
DEADLINE_S = 480.0
"""Time limit of the job, which takes half as long on two idle cores."""

_MAX_READY = 12
"""So small that the producer keeps publishing for most of the job."""


@pytest.mark.timeout(DEADLINE_S + 300)
def test_every_file_has_one_outcome_whatever_fails(  # noqa: PLR0917 - fixtures
    stack: Stack,
    broker: RestartableBroker,
    storage: Storage,
    fleet: Fleet,
    settings: Settings,
    store: S3Store,
    manifest: Path,
    add_note: Callable[[str], None],
) -> None:
    steps = schedule.draw(SEED)
    add_note(f"CHAOS_SEED={SEED}: {schedule.summary(steps)}")
    storage.dice = random.Random(SEED)
    files = make_backlog(store, SEED)
    fleet.stand(2)
    name, output = f"chaos-{SEED}-{uuid.uuid4().hex[:6]}", f"s3://transcripts/{uuid.uuid4()}/"
    job = Job(name, output, settings, store, fleet)
    operator = Operator(
        manifest=write_manifest(manifest, files.rows),
        job=name,
        output=output,
        environment={**stack.environment, "FLEET_MODEL": "demo"},
        log=manifest.with_name("enqueue.log"),
        max_ready=_MAX_READY,
    )
    acts = Acts(random.Random(SEED), job, fleet, broker, storage, operator)
    driver = Driver(job, len(files.rows), acts, list(steps), add_note)
    begun = time.monotonic()
    try:
        with hostile_sender(settings, SEED, lambda: not driver.steps) as hostile:
            driver.run(DEADLINE_S)
    finally:
        acts.end_all_faults()
        operator.stop()
    add_note(f"the job took {time.monotonic() - begun:.0f} s; S3: {dict(storage.counts)}")
    add_note(f"enqueued in {operator.starts} runs, reconciled {driver.reconciled} times")
    add_note(f"{len(hostile)} hostile messages were sent")
    evidence = job.check()
    assert files.wrong(evidence) == []
    assert not driver.steps
    assert len(hostile) > 20
    put_aside = {one for one, _ in files.rows if one.startswith(("poison/", "hanging/"))}
    assert evidence.dead.keys() == put_aside
    # the last attempt may have been ended by the schedule
    assert all("crashed its worker 3 times" in why for why in evidence.dead.values())
    assert "SIGKILL" in evidence.dead["poison/000"]
    fleet.stop()
    assert fleet.remaining_processes() == []


def test_a_schedule_has_every_act_and_is_reproducible_from_its_seed() -> None:
    steps = schedule.draw(7)
    assert steps == schedule.draw(7)
    assert steps != schedule.draw(8)
    assert sorted(step.act for step in steps) == sorted((*ACTS, PRODUCER))
    assert list(steps) == sorted(steps, key=lambda step: step.share)
    assert all(0 < step.share < 0.9 for step in steps)


def test_the_producer_is_killed_while_it_still_publishes() -> None:
    for seed in range(50):
        (dies,) = (step for step in schedule.draw(seed) if step.act == PRODUCER)
        assert dies.share <= 0.3
