"""A fleet of pods with one slot each: they load, work, are ended and are killed.

It is played as a whole, in steps: shards are alike, a slot that becomes free takes from what waits
at once, a pod that drains does no work, and the broker is never the limit. So it does not show the
last shard of a job, whose length adds to the time.
"""

import math
import random
from dataclasses import dataclass, field

from bench.autoscale.days import Day
from bench.autoscale.history import Answer

_DRAIN_S = 25.0
"""FLEET_DRAIN_S: a pod that is ended finishes the files in hand, and is paid for meanwhile."""

_VISIBILITY_TIMEOUT_S = 120.0
"""FLEET_VISIBILITY_TIMEOUT_S: so long nobody sees what a killed pod had in hand."""


@dataclass
class Fleet:
    """What there is, and what came of it so far."""

    day: Day
    ready: int = 0
    waiting_s: float = 0.0
    """Audio that is not transcribed, without what killed pods had in hand."""
    heard_s: float = 0.0
    """Audio that slots worked on, twice if it was in the hands of one that was killed."""
    again_s: float = 0.0
    """Of that, what has to be done again."""
    paid_s: float = 0.0
    """Time of pods, from their creation to their end."""
    started: int = 0
    _loading: list[float] = field(default_factory=list)
    """When each of them will be ready."""
    _ending: list[float] = field(default_factory=list)
    _unseen: list[tuple[float, float]] = field(default_factory=list)
    """What killed pods had in hand: when it is seen again, and how much."""
    _chance: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def pods(self) -> int:
        """Those that are counted: loading and ready."""
        return self.ready + len(self._loading)

    @property
    def done_s(self) -> float:
        """Audio that is transcribed."""
        return self.heard_s - self.again_s

    @property
    def remaining_s(self) -> float:
        """Audio of open jobs that is not transcribed."""
        return self.waiting_s + sum(audio_s for _, audio_s in self._unseen)

    @property
    def busy(self) -> int:
        """Slots with a shard in hand."""
        return min(self.ready, self._shards())

    def resize(self, at_s: float, pods: int) -> None:
        """As a Deployment does, by deletion cost: those that load end first, then idle ones."""
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
        """Let time pass until `at_s`."""
        self.ready += sum(ready_s <= at_s for ready_s in self._loading)
        self._loading = [ready_s for ready_s in self._loading if ready_s > at_s]
        self._ending = [end_s for end_s in self._ending if end_s > at_s]
        self._see_again(at_s)
        self._kill(at_s, step_s)
        done_s = min(self.waiting_s, self.busy * self.day.rtfx * step_s)
        self.waiting_s = max(self.waiting_s - done_s, 0.0)
        self.heard_s += done_s
        self.paid_s += (self.pods + len(self._ending)) * step_s

    def page(self) -> dict[str, Answer]:
        """What exporter and workers tell, each metric as one series; None for none."""
        messages = 'asr_backlog_messages{{queue="fleet",state="{}"}}'
        return {
            "asr_broker_up": 1.0,
            "asr_backlog_audio_seconds": self.remaining_s or None,
            messages.format("ready"): float(self._shards() - self.busy),
            messages.format("unacked"): float(self.busy + len(self._unseen)),
            "asr_slots": float(self.ready) if self.ready else None,
            "asr_audio_seconds_total": self.heard_s if self.ready else None,
            "asr_shard_seconds_sum": self.heard_s / self.day.rtfx if self.ready else None,
        }

    def _shards(self) -> int:
        return math.ceil(self.waiting_s / self.day.shard_s)

    def _see_again(self, at_s: float) -> None:
        self.waiting_s += sum(audio_s for seen_s, audio_s in self._unseen if seen_s <= at_s)
        self._unseen = [one for one in self._unseen if one[0] > at_s]

    def _kill(self, at_s: float, step_s: float) -> None:
        """Without a notice."""
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
        """Its shard, half done on average, comes again as a whole: no file of it was finished."""
        if self._chance.random() < self.busy / self.ready:
            rest_s = min(self.waiting_s, self.day.shard_s / 2)
            lost_s = min(self.done_s, self.day.shard_s / 2)
            self.waiting_s -= rest_s
            self.again_s += lost_s
            self._unseen.append((at_s + _VISIBILITY_TIMEOUT_S, rest_s + lost_s))
        self.ready -= 1
