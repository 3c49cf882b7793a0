"""Minutes put together to bars."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.producer.jobs.report_page.times import MAX_BARS, bin_minutes

BEGUN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def row(minute: int, files: int = 1, failed: int = 0) -> dict[str, Any]:
    at = BEGUN + timedelta(minutes=minute)
    return {"at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "files": files, "failed": failed, "audio_hours": 0.5}


def test_a_short_job_has_a_bar_for_each_minute_and_for_those_in_which_nothing_ended() -> None:
    found = bin_minutes([row(0, 3), row(2, 5, 1)])
    assert found.minutes == 1
    assert [(bar.files, bar.failed) for bar in found.bars] == [(3, 0), (0, 0), (5, 1)]
    assert found.bars[2].at == BEGUN + timedelta(minutes=2)


def test_bars_begin_at_round_times() -> None:
    found = bin_minutes([row(7), row(7 + 72 * 60)])
    assert found.minutes == 30
    assert found.bars[0].at == BEGUN
    assert found.bars[-1].at == BEGUN + timedelta(hours=72)


def test_no_minutes_make_no_bars() -> None:
    assert bin_minutes([]).bars == ()


@given(st.dictionaries(st.integers(0, 2_000_000), st.integers(1, 1000), min_size=1, max_size=50))
def test_however_long_a_job_was_nothing_is_lost_and_the_page_stays_small(
    minutes: dict[int, int],
) -> None:
    found = bin_minutes([row(minute, minutes[minute]) for minute in sorted(minutes)])
    assert len(found.bars) <= MAX_BARS
    assert sum(bar.files for bar in found.bars) == sum(minutes.values())
    assert sum(bar.audio_hours for bar in found.bars) == pytest.approx(0.5 * len(minutes))
