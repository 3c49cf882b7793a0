"""A fleet of pods with one slot each: they load, work, are stopped and are killed.

The fleet is simulated as a whole, in steps: all shards are equal, a free slot takes waiting work
at once, a draining pod does no work, and the broker is never the limit. The simulation therefore
omits the last shard of a job, whose length adds to the time.
"""

import math
import random
from dataclasses import dataclass, field

from bench.autoscale.days import Day
from bench.autoscale.history import Answer

_DRAIN_S = 25.0
"""FLEET_DRAIN_S: a stopped pod finishes the files in progress, and is paid for meanwhile."""

_VISIBILITY_TIMEOUT_S = 120.0
"""FLEET_VISIBILITY_TIMEOUT_S: the delay until a killed pod's shard is redelivered."""


@dataclass
class Fleet:
    """The state of the fleet, and its totals so far."""

    day: Day
    ready: int = 0
    waiting_s: float = 0.0
    """Audio that waits for transcription, without the shards of killed pods."""
    processed_s: float = 0.0
    """Audio that slots worked on; audio of a killed pod counts twice."""
    repeated_s: float = 0.0
    """The part of `processed_s` that must be repeated."""
    paid_s: float = 0.0
    """Total lifetime of pods, from creation to end."""
    started: int = 0
    _loading: list[float] = field(default_factory=list)
    """Times at which the loading pods become ready."""
    _ending: list[float] = field(default_factory=list)
    _unseen: list[tuple[float, float]] = field(default_factory=list)
    """Shards of killed pods: the time of redelivery, and the audio."""
    _chance: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def pods(self) -> int:
        """Number of loading and ready pods."""
        return self.ready + len(self._loading)

    @property
    def done_s(self) -> float:
        """Transcribed audio."""
        return self.processed_s - self.repeated_s

    @property
    def remaining_s(self) -> float:
        """Audio of open jobs that is not transcribed yet."""
        return self.waiting_s + sum(audio_s for _, audio_s in self._unseen)

    @property
    def busy(self) -> int:
        """Number of slots with a shard in progress."""
        return min(self.ready, self._shards())

    def resize(self, at_s: float, pods: int) -> None:
        """Resize as a Deployment with deletion costs: loading pods stop first, then idle ones."""
        more = pods - self.pods
        if more > 0:
            self._loading += [at_s + self.day.start_s] * more
            self.started += more
            return
        ended_loading = min(-more, len(self._loading))
        if ended_loading:
            del self._loading[-ended_loading:]
        ended = -more - ended_loading
        drained = max(ended - (self.ready - self.busy), 0)
        self.ready -= ended
        self._ending += [at_s + _DRAIN_S] * drained

    def tick(self, at_s: float, step_s: float) -> None:
        """Advance the simulation to `at_s`."""
        self.ready += sum(ready_s <= at_s for ready_s in self._loading)
        self._loading = [ready_s for ready_s in self._loading if ready_s > at_s]
        self._ending = [end_s for end_s in self._ending if end_s > at_s]
        self._see_again(at_s)
        self._kill(at_s, step_s)
        done_s = min(self.waiting_s, self.busy * self.day.rtfx * step_s)
        self.waiting_s = max(self.waiting_s - done_s, 0.0)
        self.processed_s += done_s
        self.paid_s += (self.pods + len(self._ending)) * step_s

    def page(self) -> dict[str, Answer]:
        """Return the metrics of exporter and workers, each as one series; None if it is absent."""
        messages = 'asr_backlog_messages{{queue="fleet",state="{}"}}'
        return {
            "asr_broker_up": 1.0,
            "asr_backlog_audio_seconds": self.remaining_s or None,
            messages.format("ready"): float(self._shards() - self.busy),
            messages.format("unacked"): float(self.busy + len(self._unseen)),
            "asr_slots": float(self.ready) if self.ready else None,
            "asr_audio_seconds_total": self.processed_s if self.ready else None,
            "asr_shard_seconds_sum": self.processed_s / self.day.rtfx if self.ready else None,
        }

    def _shards(self) -> int:
        return math.ceil(self.waiting_s / self.day.shard_s)

    def _see_again(self, at_s: float) -> None:
        self.waiting_s += sum(audio_s for seen_s, audio_s in self._unseen if seen_s <= at_s)
        self._unseen = [one for one in self._unseen if one[0] > at_s]

    def _kill(self, at_s: float, step_s: float) -> None:
        """Kill pods without notice, at random."""
        if not self.day.kills_per_hour:
            return
        chance = 1 - math.exp(-self.day.kills_per_hour * step_s / 3600)
        for _ in range(self.pods):
            if self._chance.random() >= chance:
                continue
            if self._chance.random() < len(self._loading) / self.pods:
                self._loading.pop()
            else:
                self._kill_ready(at_s)

    def _kill_ready(self, at_s: float) -> None:
        """Kill a ready pod. Its shard, half done on average, is repeated as a whole."""
        if self._chance.random() < self.busy / self.ready:
            rest_s = min(self.waiting_s, self.day.shard_s / 2)
            lost_s = min(self.done_s, self.day.shard_s / 2)
            self.waiting_s -= rest_s
            self.repeated_s += lost_s
            self._unseen.append((at_s + _VISIBILITY_TIMEOUT_S, rest_s + lost_s))
        self.ready -= 1
