"""Where frames lie, and which gaps between them are believed."""

import pytest

from funasr_fleet.worker.audio.damage.gaps import NO_GAP, Clock, ClockPosition, DamageEvidence, Gap

FRAME_S = 0.02
FRAME_BYTES = 100


def _after(seconds: float, *, has_timestamps: bool = True) -> Clock:
    """A clock that has followed so much of a sound file of 5,000 bytes a second."""
    clock = Clock(has_timestamps=has_timestamps, is_stream=not has_timestamps)
    clock.begin(0.0)
    for number in range(round(seconds / FRAME_S)):
        clock.update_averages(FRAME_BYTES, FRAME_S)
        clock.advance(number * FRAME_S, FRAME_S, number * FRAME_BYTES)
    return clock


def _failed(count: int) -> DamageEvidence:
    return DamageEvidence(failed=count, failed_bytes=count * FRAME_BYTES, failed_s=count * FRAME_S)


@pytest.mark.parametrize("wavering_s", [-3.0, -0.01, 0.0, 0.0009, 0.0099])
def test_timestamps_that_waver_by_less_than_half_a_frame_make_no_gap(wavering_s: float) -> None:
    assert _after(5).gap_s(5 + wavering_s, FRAME_S) == 0


def test_a_gap_is_damage_only_with_evidence() -> None:
    clock, place = _after(5), ClockPosition(5.2, FRAME_S)
    assert clock.gap_s(5.2, FRAME_S) == pytest.approx(0.2)
    assert not clock.missing(place, DamageEvidence())
    assert clock.missing(place, DamageEvidence(suspect=True)).lost_s == pytest.approx(0.2)
    assert clock.missing(place, _failed(1)).fill_s == pytest.approx(0.2)


def test_a_pause_is_filled_and_nothing_lost() -> None:
    gap = _after(5).missing(ClockPosition(9.0, FRAME_S), DamageEvidence(paused=True))
    assert gap.fill_s == pytest.approx(4)
    assert gap.lost_s == 0


@pytest.mark.parametrize(("unread", "is_explained"), [(0, False), (40, False), (600, True)])
def test_a_gap_is_explained_by_the_bytes_that_lie_in_it_and_not_by_headers(
    unread: int, is_explained: bool
) -> None:
    assert _after(5).is_explained(0.2, unread) is is_explained


def test_a_timestamp_that_claims_hours_is_not_believed() -> None:
    gap = _after(5).missing(ClockPosition(50_000.0, FRAME_S, bytes_since=300), _failed(3))
    assert gap.fill_s == pytest.approx(3 * FRAME_S)


def test_a_long_gap_is_believed_where_as_much_of_the_file_lies_in_it() -> None:
    gap = _after(5).missing(ClockPosition(65.0, FRAME_S, bytes_since=300_000), _failed(3))
    assert gap.fill_s == pytest.approx(60)


@pytest.mark.parametrize(
    ("seen", "frames"),
    [
        (_failed(3), 3),
        (DamageEvidence(failed=1, failed_bytes=40), 1),
        (DamageEvidence(failed=1, failed_bytes=710), 7),
        (DamageEvidence(skipped_bytes=230), 2),
        (DamageEvidence(skipped_bytes=30), 0),
        (DamageEvidence(dropped_frames=2), 2),
    ],
)
def test_without_timestamps_the_bytes_tell_how_many_frames_are_missing(
    seen: DamageEvidence, frames: int
) -> None:
    clock = _after(5, has_timestamps=False)
    expected = Gap(fill_s=frames * FRAME_S, lost_s=frames * FRAME_S)
    found = clock.missing(ClockPosition(5.0, FRAME_S), seen)
    assert found.fill_s == pytest.approx(expected.fill_s)
    assert found.lost_s == pytest.approx(expected.lost_s)


def test_a_stream_may_begin_in_the_middle_of_a_packet() -> None:
    clock = Clock(has_timestamps=False, is_stream=True)
    clock.update_averages(FRAME_BYTES, FRAME_S)
    assert clock.missing(ClockPosition(0.0, FRAME_S), _failed(2)) is NO_GAP
    assert clock.missing(ClockPosition(0.0, FRAME_S), _failed(50)).lost_s == pytest.approx(1)


def test_a_file_may_end_in_the_middle_of_a_packet() -> None:
    clock = _after(5)
    assert clock.missing_at_the_end(_failed(1)) is NO_GAP
    assert clock.missing_at_the_end(_failed(5)).lost_s == pytest.approx(5 * FRAME_S)


@pytest.mark.parametrize(
    ("told_s", "seconds"), [(0.02, 0.02), (0.5, 0.5), (36_000.0, 0.04), (0.0, 0.04), (-1.0, 0.04)]
)
def test_how_long_a_packet_is_the_file_tells_unless_that_is_absurd(
    told_s: float, seconds: float
) -> None:
    assert _after(5).seconds_of(2 * FRAME_BYTES, told_s) == pytest.approx(seconds)
