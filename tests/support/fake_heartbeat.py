"""A heartbeat that records its calls."""

from dataclasses import dataclass, field


@dataclass
class FakeHeartbeat:
    """Records heartbeats."""

    beating: str | None = None
    """The shard in progress."""
    beats: list[str] = field(default_factory=list)

    attempts: list[str] = field(default_factory=list)
    """The attempt of each begin()."""

    def begin(self, shard: str, attempt_id: str) -> None:
        self.attempts.append(attempt_id)
        self.beating = shard

    def touch(self, doing: str, time_allowance_s: float = 0.0) -> None:
        self.beats.append(doing)

    def end(self) -> None:
        self.beating = None
