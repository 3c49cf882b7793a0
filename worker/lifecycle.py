"""worker_process_init: pin, load, assert, announce. Celery swallows what is raised here."""

import logging
import os
import platform
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from contract.closing import Closer
from contract.dead_letters import DeadLetters
from contract.fleet_state import FleetState
from contract.job import Shard
from contract.ledger import Ledger, Planner, Recorder, connect
from contract.settings import Settings
from worker.attempts import Attempts
from worker.events import ModelReady, Observer
from worker.machine import Gpu, list_gpus, usable_cores
from worker.pinning import CPU, SlotPlan, choose_devices, plan_slot
from worker.slots import SlotFiles, SlotState, hopeless

if TYPE_CHECKING:
    from contract.store import ObjectStore
    from worker.bookkeeping import ShardBook
    from worker.pipeline import Pipeline

log = logging.getLogger(__name__)

_FILES_AT_ONCE = 4
"""Files that come in at the same time: each may hold some minutes of audio, and lies on disk."""

_GIVE_WAY_S = 0.5
"""A child that need not try any more waits a little for the parent to notice."""


@dataclass(frozen=True, kw_only=True)
class Child:
    """A worker child that is ready for tasks."""

    plan: SlotPlan
    pipeline: "Pipeline"
    observe: Observer
    ledger: Recorder
    dead_letters: DeadLetters
    attempts: Attempts
    tell_state: Callable[[], None]
    """Writes this slot's file, device memory included."""
    open_book: Callable[[Shard], "ShardBook"]
    """The books of a shard."""


def start_child(settings: Settings) -> Child:
    """Bring this child up, or end its process with the reason in the log and in its file."""
    try:
        return _start(settings)
    finally:
        if sys.exc_info()[0] is not None:
            leave_process()


def _start(settings: Settings) -> Child:
    from billiard.process import current_process

    slot = int(current_process().index)
    files = SlotFiles(settings.run_dir)
    before = files.read(slot) or SlotState(slot=slot, pid=0, state="loading")
    if before.state == "loading" and before.pid:  # killed while it loaded: for memory, perhaps
        reason = before.reason or "it was killed while it loaded its models"
        before = replace(before, failures_in_a_row=before.failures_in_a_row + 1, reason=reason)
        files.write(before)
    if hopeless([before]):
        time.sleep(_GIVE_WAY_S)
        leave_process()
    files.write(replace(before, pid=os.getpid(), state="loading", on_device=False))
    try:
        return _load(settings, slot, files)
    except BaseException as error:
        reason = str(error) or type(error).__name__
        log.critical("slot %d cannot start: %s", slot, reason)
        failures = before.failures_in_a_row + 1
        failed = SlotState(slot=slot, pid=os.getpid(), state="failed", reason=reason)
        files.write(replace(failed, failures_in_a_row=failures))
        raise


def leave_process() -> NoReturn:
    """End this child at once: Celery would go on with a child that is not fit for work."""
    logging.shutdown()
    os._exit(1)


def _load(settings: Settings, slot: int, files: SlotFiles) -> Child:
    gpus = list_gpus()
    devices = choose_devices(
        settings.devices,
        [gpu.uuid for gpu in gpus],
        os.environ.get("CUDA_VISIBLE_DEVICES"),
        settings.on_missing_gpu,
    )
    plan = plan_slot(slot, devices, usable_cores(), settings.torch_threads)
    os.environ.update(plan.environment)  # before anything imports torch, numpy or numba
    # site-packages may be read-only; the children of one worker share what is compiled
    os.environ["NUMBA_CACHE_DIR"] = str(settings.run_dir / "numba")
    log.info("slot %d: %s, %d threads", slot, plan.visible or plan.device, plan.threads)
    return _wire(settings, plan, _gpu_of(plan, gpus), files)


def _gpu_of(plan: SlotPlan, gpus: list[Gpu]) -> Gpu | None:
    if plan.device == CPU:
        return None
    matches = (g for g in gpus if plan.visible == str(g.index) or g.uuid.startswith(plan.visible))
    return next(matches, None)


def _wire(settings: Settings, plan: SlotPlan, gpu: Gpu | None, files: SlotFiles) -> Child:
    begin = time.monotonic()
    from contract.s3 import S3Store
    from worker.engine.build import build_engine
    from worker.pipeline import Pipeline
    from worker.telemetry.observers import observers

    observe = observers(settings.run_dir, plan.slot)
    engine = build_engine(settings, plan, observe)
    redis = connect(settings, patient=True)
    identity = engine.identity
    FleetState(redis, settings.key_prefix).announce(identity.model, identity.model_revision)
    uuid = gpu.uuid if gpu else ""
    observe(_ready(plan, gpu, time.monotonic() - begin, engine.fast_paths))
    state = SlotState(
        slot=plan.slot,
        pid=os.getpid(),
        state="ready",
        device=plan.device,
        device_uuid=uuid,
        threads=plan.threads,
    )

    def tell_state() -> None:
        found = replace(state, memory=engine.memory_bytes(), on_device=engine.on_device())
        try:
            files.write(found)
        except OSError as error:  # a full disk is no reason to fail a shard that is done
            log.warning("the state of slot %d cannot be written: %s", plan.slot, error)

    tell_state()
    store = S3Store()
    recorder, open_book = _open_books(settings, redis, store, plan.slot)
    return Child(
        plan=plan,
        pipeline=Pipeline(
            store=store,
            engine=engine,
            observe=observe,
            max_audio_s=settings.max_audio_s,
            at_once=min(plan.threads, _FILES_AT_ONCE),
            ahead=plan.device != CPU,
        ),
        observe=observe,
        ledger=recorder,
        dead_letters=DeadLetters(redis, settings.key_prefix),
        attempts=Attempts(redis, settings.key_prefix),
        tell_state=tell_state,
        open_book=open_book,
    )


def _ready(
    plan: SlotPlan, gpu: Gpu | None, seconds: float, fast_paths: dict[str, bool]
) -> ModelReady:
    return ModelReady(
        slot=plan.slot,
        device=plan.device,
        device_name=gpu.name if gpu else platform.processor() or platform.machine(),
        device_uuid=gpu.uuid if gpu else "",
        seconds=seconds,
        threads=plan.threads,
        fast_paths=fast_paths,
    )


def _open_books(
    settings: Settings, redis: Any, store: "ObjectStore", slot: int
) -> tuple[Recorder, Callable[[Shard], "ShardBook"]]:
    """Where this child takes down what it does, and what opens the books of a shard."""
    from worker.bookkeeping import ShardBook, Tally

    prefix = settings.key_prefix
    recorder = Recorder(redis, prefix)
    closer = Closer(Ledger(redis, prefix), Planner(redis, prefix), store)
    tally = Tally(worker=socket.gethostname(), slot=slot)
    return recorder, lambda shard: ShardBook(shard, recorder, store, tally, closer.close)
