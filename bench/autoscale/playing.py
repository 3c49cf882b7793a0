"""Simulates one day with one scaler."""

import itertools
import math
from dataclasses import dataclass

from bench.autoscale.autoscaler import SYNC_S, Autoscaler
from bench.autoscale.days import Day
from bench.autoscale.fleet import Fleet
from bench.autoscale.history import History
from bench.autoscale.prometheus import Prometheus
from bench.autoscale.promql import Query, query
from bench.autoscale.scaler import Scaler, wanted_rule

_GIVE_UP_S = 30 * 86_400.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of one day with one scaler."""

    day: str
    scaler: str
    drain_hours: float | None
    """From submission to the last file, for the slowest job; None: not within 30 days."""
    gpu_hours: float
    """Paid hours: from a pod's creation to its end, including loading and draining."""
    gpu_hours_wasted: float
    """Paid hours beyond what the audio needs: loading, idling, draining, lost work."""
    peak_gpus: int
    overshoot_gpus: int
    """GPUs at the peak beyond those that would finish the remaining audio in half an hour."""
    gpus_started: int


def play(day: Day, scaler: Scaler) -> Outcome:
    """Simulate the day in steps of 15 s."""
    fleet, prometheus = Fleet(day), Prometheus(scaler.rules)
    autoscaler = Autoscaler(scaler, day.most)
    asked, wanted = [query(one.query) for one in scaler.triggers], query(wanted_rule())
    ends: list[float] = []
    peak = needed = 0
    coming = list(itertools.accumulate(audio_s for _, audio_s in day.jobs))
    for step in itertools.count():
        at_s = step * SYNC_S
        fleet.waiting_s += _coming(day, at_s)
        fleet.tick(at_s, SYNC_S)
        while len(ends) < len(coming) and fleet.done_s >= coming[len(ends)] - 1e-3:
            ends.append(at_s)
        prometheus.scrape(at_s, fleet.page())
        answers = [prometheus.ask(one, at_s) for one in asked]
        fleet.resize(at_s, autoscaler.decide(at_s, fleet.pods, answers))
        peak, needed = max(peak, fleet.pods), max(needed, _needed(wanted, day, fleet.remaining_s))
        if _is_over(at_s, day, fleet, scaler, len(ends)):
            break
    done = len(ends) == len(coming)
    took = (end - begin for end, (begin, _) in zip(ends, day.jobs, strict=False))
    return Outcome(
        day=day.name,
        scaler=scaler.name,
        drain_hours=round(max(took) / 3600, 2) if done else None,
        gpu_hours=round(fleet.paid_s / 3600, 1),
        gpu_hours_wasted=round((fleet.paid_s - fleet.done_s / day.rtfx) / 3600, 1),
        peak_gpus=peak,
        overshoot_gpus=max(peak - needed, 0),
        gpus_started=fleet.started,
    )


def _coming(day: Day, at_s: float) -> float:
    """Return the audio of the jobs submitted since the previous step."""
    return sum(audio_s for begin_s, audio_s in day.jobs if at_s - SYNC_S < begin_s <= at_s)


def _needed(wanted: Query, day: Day, audio_s: float) -> int:
    """Return the number of slots that the rule requests once the speed is known."""
    history = History()
    history.add("asr_backlog_audio_seconds", 0, audio_s)
    history.add("asr_backlog_messages", 0, math.ceil(audio_s / day.shard_s))
    history.add("asr:rtfx_per_slot", 0, day.rtfx)
    return min(int(wanted(history, 0) or 0), day.most)


def _is_over(at_s: float, day: Day, fleet: Fleet, scaler: Scaler, ended: int) -> bool:
    """Whether all audio is done and no pod is left; a fixed fleet stops after the last file."""
    gone = not scaler.triggers or not fleet.pods
    done = ended == len(day.jobs) and at_s >= day.lasts_s
    return (done and gone) or at_s > _GIVE_UP_S
