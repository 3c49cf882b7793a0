"""Starts a worker child: pins it to a device, loads the models, registers them.

It runs in Celery's worker_process_init signal, which swallows errors: it exits on any error.
"""

import logging
import os
import platform
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from funasr_fleet.broker.dead_letters import DeadLetters
from funasr_fleet.broker.job_finalizer import JobFinalizer
from funasr_fleet.broker.ledger import JobWriter, LedgerReader, OutcomeWriter, connect
from funasr_fleet.broker.redis_client import RedisClient
from funasr_fleet.broker.worker_registry import WorkerRegistry
from funasr_fleet.contract.job import Shard
from funasr_fleet.contract.shard_message import InvalidEntry
from funasr_fleet.settings import Settings, listed_hosts
from funasr_fleet.worker.audio.decoding.input_checks import Limits
from funasr_fleet.worker.coordination.attempts import Attempts
from funasr_fleet.worker.coordination.shard_lock import ShardLock, lock_owner
from funasr_fleet.worker.errors import ModelInvalid
from funasr_fleet.worker.events import ModelReady, Observer
from funasr_fleet.worker.process.hardware import (
    CPU,
    Gpu,
    SlotPlan,
    choose_devices,
    list_gpus,
    plan_slot,
    usable_cores,
)
from funasr_fleet.worker.process.health import first_failed_slot
from funasr_fleet.worker.process.heartbeat import Heartbeat, TimeLimits, progress_path
from funasr_fleet.worker.process.private_directory import NUMBA_CACHE_DIR, claim_numba_cache
from funasr_fleet.worker.process.slot_state import SlotFiles, SlotReporter, SlotState

if TYPE_CHECKING:
    from funasr_fleet.storage.base import ObjectStore
    from funasr_fleet.worker.engine.interface import Engine
    from funasr_fleet.worker.pipeline.pipeline import Pipeline
    from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter

log = logging.getLogger(__name__)

_CONCURRENT_FETCHES = 4
"""Maximum number of files fetched ahead; some decoded minutes of each are in memory."""

_EXIT_DELAY_S = 0.5
"""Delay of a child whose slot has failed too often, so that the parent notices before it exits."""


@dataclass(frozen=True, kw_only=True)
class WorkerContext:
    """The dependencies of the task, in a worker child whose models are loaded."""

    plan: SlotPlan
    pipeline: "Pipeline"
    observe: Observer
    dead_letters: DeadLetters
    attempts: Attempts
    shard_lock: ShardLock
    owner: str
    """This child as the owner of shard locks; see lock_owner."""
    heartbeat: Heartbeat
    is_draining: Callable[[], bool]
    """Whether the worker is shutting down."""
    shard_ended: Callable[[], None]
    """Resets the slot's crash count and writes its state file."""
    make_reporter: Callable[[Shard, Sequence[InvalidEntry]], "ShardReporter"]
    """Makes the object that records a shard and its message's invalid entries in ledger and S3."""


def start_child(settings: Settings) -> WorkerContext:
    """Start this child; on an error, log it, write it to the slot's state file and exit."""
    try:
        return _start(settings)
    finally:
        if sys.exc_info()[0] is not None:
            leave_process()


def _start(settings: Settings) -> WorkerContext:
    from billiard.process import current_process

    slot = int(current_process().index)
    files = SlotFiles(settings.run_dir)
    before = files.read(slot) or SlotState(slot=slot, pid=0, state="loading")
    if before.state == "loading" and before.pid:  # killed while loading, perhaps out of memory
        reason = before.reason or "the process was killed while it loaded the models"
        before = replace(before, failures_in_a_row=before.failures_in_a_row + 1, reason=reason)
        files.write(before)
    if before.state == "ready":  # counts every exit, whatever its cause; a finished shard resets it
        before = replace(before, deaths_in_a_row=before.deaths_in_a_row + 1)
    if first_failed_slot([before]):
        time.sleep(_EXIT_DELAY_S)
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
        failed = SlotState(
            slot=slot,
            pid=os.getpid(),
            state="failed",
            reason=reason,
            failures_in_a_row=before.failures_in_a_row + 1,
            cannot_start=isinstance(error, ModelInvalid),
            deaths_in_a_row=before.deaths_in_a_row,
        )
        files.write(failed)
        raise


def leave_process() -> NoReturn:
    """Exit at once: after an exception, Celery would keep using this child."""
    logging.shutdown()
    os._exit(1)


def _load(settings: Settings, slot: int, files: SlotFiles) -> WorkerContext:
    gpus = list_gpus()
    devices = choose_devices(
        settings.devices,
        [gpu.uuid for gpu in gpus],
        os.environ.get("CUDA_VISIBLE_DEVICES"),
        settings.on_missing_gpu,
    )
    plan = plan_slot(slot, devices, usable_cores(), settings.torch_threads)
    os.environ.update(plan.environment)  # before anything imports torch, numpy or numba
    # numba's default, site-packages, may be read-only. Current and later workers share this cache.
    # Checked for each child: the directory for temporary files may have been cleaned since
    os.environ[NUMBA_CACHE_DIR] = str(claim_numba_cache(settings.run_dir.parent))
    log.info("slot %d starting on %s, %d threads", slot, plan.visible or plan.device, plan.threads)
    return build_context(settings, plan, _gpu_of(plan, gpus), files)


def _gpu_of(plan: SlotPlan, gpus: list[Gpu]) -> Gpu | None:
    if plan.device == CPU:
        return None
    matches = (g for g in gpus if plan.visible == str(g.index) or g.uuid.startswith(plan.visible))
    return next(matches, None)


def build_context(
    settings: Settings, plan: SlotPlan, gpu: Gpu | None, files: SlotFiles
) -> WorkerContext:
    """Load the models, register them in Redis and build the pipeline."""
    begin = time.monotonic()
    from funasr_fleet.storage.s3 import S3Store
    from funasr_fleet.worker.audio.decoder_pool import DecoderPool
    from funasr_fleet.worker.audio.source import SourceByAddress
    from funasr_fleet.worker.audio.web import WebAudio
    from funasr_fleet.worker.engine.loader import build_engine
    from funasr_fleet.worker.pipeline.fetch import Fetcher
    from funasr_fleet.worker.pipeline.pipeline import Pipeline
    from funasr_fleet.worker.pipeline.timers import RecognitionSpeed
    from funasr_fleet.worker.process.heartbeat import touch_on_request, with_heartbeat
    from funasr_fleet.worker.telemetry.observers import observers

    heartbeat = Heartbeat(progress_path(settings.run_dir, plan.slot))
    observe = with_heartbeat(heartbeat, observers(settings.run_dir, plan.slot))
    decoders = DecoderPool.of(settings, plan.threads, observe)
    engine = build_engine(settings, plan, observe)
    decoders.wait_until_ready()
    redis = connect(settings, retry_forever=True)
    _register_model(WorkerRegistry(redis, settings.key_prefix), settings.queue, engine)
    observe(_ready(plan, gpu, time.monotonic() - begin, engine.fast_paths))
    slot_reporter = SlotReporter.ready(plan, gpu, files, engine)
    observe = slot_reporter.wrap(observe)
    store = touch_on_request(S3Store(), heartbeat.touch)
    web = WebAudio(hosts=listed_hosts(settings.allowed_http_hosts), touch=heartbeat.touch)
    fetcher = Fetcher(
        store=store,
        decoders=decoders,
        audio=SourceByAddress(store, web),
        model_revision=engine.identity.model_revision,
        abilities=engine.abilities,
        limits=Limits.of(settings),
        time_limits=TimeLimits.of(settings),
        touch=heartbeat.touch,
        at_once=min(plan.threads, _CONCURRENT_FETCHES),
    )
    pipeline = Pipeline(
        engine=engine,
        observe=observe,
        fetcher=fetcher,
        vad_ahead=plan.device != CPU,
        speed=RecognitionSpeed(engine.canary_speed),
    )
    return WorkerContext(
        plan=plan,
        pipeline=pipeline,
        observe=observe,
        dead_letters=DeadLetters(redis, settings.key_prefix),
        attempts=Attempts(redis, settings.key_prefix),
        shard_lock=ShardLock(redis, settings.key_prefix, settings.visibility_timeout_s),
        owner=lock_owner(files.token(), os.getpid()),
        heartbeat=heartbeat,
        is_draining=files.draining,
        shard_ended=slot_reporter.shard_ended,
        make_reporter=_reporters(settings, redis, store, plan.slot),
    )


def _register_model(fleet: WorkerRegistry, queue: str, engine: "Engine") -> None:
    """Register model and queue in Redis; called before producers can see that a child is ready."""
    identity = engine.identity
    fleet.register_model(identity.model, identity.model_revision, engine.abilities, queue)
    fleet.heartbeat(queue, identity.model, time.time())


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


def _reporters(
    settings: Settings, redis: RedisClient, store: "ObjectStore", slot: int
) -> Callable[[Shard, Sequence[InvalidEntry]], "ShardReporter"]:
    """Return a function that makes a shard's reporter."""
    from funasr_fleet.worker.pipeline.child_counters import ChildCounters
    from funasr_fleet.worker.pipeline.shard_reporter import ShardReporter

    ledger, prefix = OutcomeWriter(redis, settings.key_prefix), settings.key_prefix
    close = JobFinalizer(LedgerReader(redis, prefix), JobWriter(redis, prefix), store).close
    counters = ChildCounters(worker=socket.gethostname(), slot=slot)
    return lambda one, invalid: ShardReporter(one, ledger, store, counters, close, invalid=invalid)
