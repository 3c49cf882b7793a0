"""A worker registers its models again after Redis has lost its data."""

import time
from pathlib import Path

import pytest

from funasr_fleet.broker.ledger import connect
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.settings import Settings
from funasr_fleet.worker.consumer.parent_context import ParentContext
from funasr_fleet.worker.consumer.renewal import Registration
from funasr_fleet.worker.process.hardware import SlotPlan
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotReporter
from tests.support.fake_pipeline import ScriptedEngine
from tests.support.messages import wipe

PLAN = SlotPlan(slot=0, device="cpu", visible="", threads=1)


@pytest.fixture
def worker(
    separate_fleet: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Registration:
    """The registration step of a worker with one ready child."""
    files = SlotFiles(tmp_path)
    files.start(1)
    SlotReporter.ready(PLAN, None, files, ScriptedEngine())
    context = ParentContext(separate_fleet, files)
    monkeypatch.setattr(Registration, "parent_context", context, raising=False)
    return Registration(None)


@pytest.fixture
def registry(separate_fleet: Settings) -> WorkerRegistry:
    return WorkerRegistry(connect(separate_fleet), separate_fleet.key_prefix)


def test_a_worker_registers_its_models_again_after_redis_was_emptied(
    worker: Registration, registry: WorkerRegistry, separate_fleet: Settings
) -> None:
    engine, model, queue = ScriptedEngine(), separate_fleet.model, separate_fleet.queue
    worker.tick()
    wipe(separate_fleet)
    assert registry.revision_of(model, queue) is None
    worker.tick()
    assert registry.active(time.time()) == [(queue, model)]
    assert registry.revision_of(model, queue) == engine.identity.model_revision
    assert registry.abilities_of(model, queue) == engine.abilities


def test_the_models_of_the_last_worker_that_started_stay_registered(
    worker: Registration, registry: WorkerRegistry, separate_fleet: Settings
) -> None:
    model, queue = separate_fleet.model, separate_fleet.queue
    registry.register_model(model, "sha256:newer", Abilities(), queue)
    worker.tick()
    assert registry.revision_of(model, queue) == "sha256:newer"
    assert registry.abilities_of(model, queue) == Abilities()
