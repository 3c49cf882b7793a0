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
from contract.settings import Settings, listed_hosts
from worker.attempts import Attempts
from worker.claims import Claims, owner_of
from worker.events import Event, ModelReady, Observer
from worker.health import hopeless
from worker.limits import Limits
from worker.machine import Gpu, list_gpus, usable_cores
from worker.pinning import CPU, SlotPlan, choose_devices, plan_slot
from worker.private_directory import NUMBA_CACHE_DIR, claim_numba_cache
from worker.progress import Heartbeat, Patience, progress_path
from worker.slots import SlotFiles, SlotState
from worker.telling import SlotTeller

if TYPE_CHECKING:
    from contract.store import ObjectStore
    from worker.bookkeeping import ShardBook
    from worker.engine.interface import Engine
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
    claims: Claims
    owner: str
    """The name of this child's claims."""
    heartbeat: Heartbeat
    is_draining: Callable[[], bool]
    """Whether the worker is about to end."""
    shard_ended: Callable[[], None]
    """Writes this slot's file."""
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
    if before.state == "ready":  # whatever ended it, a shard that ends makes it good
        before = replace(before, deaths_in_a_row=before.deaths_in_a_row + 1)
    if hopeless([before]):
        time.sleep(_GIVE_WAY_S)
        leave_process()
    since_s = time.monotonic()
    files.write(
        replace(before, pid=os.getpid(), state="loading", on_device=False, loading_since_s=since_s)
    )
    try:
        return _load(settings, slot, files)
    except BaseException as error:
        reason = str(error) or type(error).__name__
        log.critical("slot %d cannot start: %s", slot, reason)
        failures = before.failures_in_a_row + 1
        deaths = before.deaths_in_a_row
        failed = SlotState(slot=slot, pid=os.getpid(), state="failed", reason=reason)
        failed = replace(failed, deaths_in_a_row=deaths)
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
    # site-packages may be read-only; workers beside and after this one share what is compiled.
    # Checked for each child: temporary files may have been cleaned up since the worker began
    os.environ[NUMBA_CACHE_DIR] = str(claim_numba_cache(settings.run_dir.parent))
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
    from worker.sources import SourceByAddress, WebAudio
    from worker.telemetry.observers import observers
    from worker.watched_store import watched

    heartbeat = Heartbeat(progress_path(settings.run_dir, plan.slot))
    observe = _heard_by(heartbeat, observers(settings.run_dir, plan.slot))
    engine = build_engine(settings, plan, observe)
    redis = connect(settings, patient=True)
    _announce(FleetState(redis, settings.key_prefix), settings.queue, engine)
    observe(_ready(plan, gpu, time.monotonic() - begin, engine.fast_paths))
    teller = SlotTeller.ready(plan, gpu, files, engine)
    store = watched(S3Store(), heartbeat.beat)
    recorder, open_book = _open_books(settings, redis, store, plan.slot)
    pipeline = Pipeline(
        store=store,
        engine=engine,
        observe=teller.along(observe),
        limits=Limits.of(settings),
        audio=SourceByAddress(store, WebAudio(hosts=listed_hosts(settings.allowed_http_hosts))),
        patience=Patience.of(settings),
        beat=heartbeat.beat,
        at_once=min(plan.threads, _FILES_AT_ONCE),
        ahead=plan.device != CPU,
    )
    return Child(
        plan=plan,
        pipeline=pipeline,
        observe=observe,
        ledger=recorder,
        dead_letters=DeadLetters(redis, settings.key_prefix),
        attempts=Attempts(redis, settings.key_prefix),
        claims=Claims(redis, settings.key_prefix, settings.visibility_timeout_s),
        owner=owner_of(files.token(), os.getpid()),
        heartbeat=heartbeat,
        is_draining=files.draining,
        shard_ended=teller.shard_ended,
        open_book=open_book,
    )


def _announce(fleet: FleetState, queue: str, engine: "Engine") -> None:
    """Before this child is ready: who sees that it is must not be told that nobody serves."""
    identity = engine.identity
    fleet.announce(identity.model, identity.model_revision, engine.abilities, queue)
    fleet.serve(queue, identity.model, time.time())


def _heard_by(heartbeat: Heartbeat, observe: Observer) -> Observer:
    """The same observer; every event is a sign of life as well."""

    def heard(event: Event) -> None:
        heartbeat.beat(type(event).__name__)
        observe(event)

    return heard


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
