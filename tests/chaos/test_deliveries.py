"""Duplicate deliveries, and shards that take longer than the visibility timeout."""

import itertools
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from bench.faults.telling import SHARD_ENDS
from funasr_fleet.settings import Settings
from tests.chaos.fleet import VISIBILITY_TIMEOUT_S, Fleet, Member
from tests.chaos.jobs import SHARD_FILES, Job, duplicate_deliveries, names

ReportDuration = Callable[[str, float], None]
BeginSlow = Callable[[float, Sequence[str], int], Job]
Span = tuple[float, float]


def test_two_workers_never_process_one_shard_at_the_same_time(
    fleet: Fleet, settings: Settings, begin_slow: BeginSlow
) -> None:
    members, shards = fleet.stand(2), 6
    with fleet.cut_off():
        job = begin_slow(0.7, names(shards), SHARD_FILES)
        assert duplicate_deliveries(settings, shards) == shards
    job.wait_until_over(120)
    job.check()
    for shard in {one["shard"] for member in members for one in member.events("shard started")}:
        spans = sorted(span for member in members for span in work_on(member, shard))
        for (_, end), (begin_again, _) in itertools.pairwise(spans):
            assert begin_again >= end, f"{shard}: {spans}"


def test_work_longer_than_three_visibility_timeouts_is_processed_once(
    fleet: Fleet, begin_slow: BeginSlow, report_duration: ReportDuration
) -> None:
    members = fleet.stand(2)
    file_s, files = 8.0, 6
    assert file_s * files > 3 * VISIBILITY_TIMEOUT_S
    begun = time.monotonic()
    job = begin_slow(file_s, [str(number) for number in range(files)], files)
    job.wait_until_over(120)
    report_duration(f"one shard of {files * file_s:.0f} s", time.monotonic() - begun)
    job.check()
    started = [one for member in members for one in member.events("shard started")]
    assert len([one for one in started if one["job"] == job.name]) == 1


def work_on(member: Member, shard: str) -> list[Span]:
    """Times at which a worker processed a shard, from its log."""
    spans, begun = [], 0.0
    for event in member.events("shard started", *SHARD_ENDS):
        if event.get("shard") == shard:
            at = datetime.fromisoformat(event["timestamp"]).timestamp()
            if event["event"] == "shard started":
                begun = at
            elif begun:
                spans.append((begun, at))
                begun = 0.0
    return spans
