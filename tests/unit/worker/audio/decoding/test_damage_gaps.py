"""Positions of frames, and the gaps between them that count as damage."""

import random

import pytest

from funasr_fleet.worker.audio.decoding.damage.evidence import NO_GAP, DamageEvidence, Gap
from funasr_fleet.worker.audio.decoding.damage.gaps import Clock, ClockPosition

FRAME_S = 0.02
FRAME_BYTES = 100


def _after(seconds: float, *, has_timestamps: bool = True) -> Clock:
    """A clock after `seconds` of an undamaged file of 5,000 bytes a second."""
    clock = Clock(has_timestamps=has_timestamps, is_stream=not has_timestamps)
    clock.begin(0.0)
    for number in range(round(seconds / FRAME_S)):
        clock.averages.update(FRAME_BYTES, FRAME_S)
        clock.advance(number * FRAME_S, FRAME_S, number * FRAME_BYTES)
    return clock


def _failed(count: int) -> DamageEvidence:
    return DamageEvidence(failed=count, failed_bytes=count * FRAME_BYTES, failed_s=count * FRAME_S)


@pytest.mark.parametrize("wavering_s", [-3.0, -0.01, 0.0, 0.0009, 0.0099])
def test_jitter_below_half_a_frame_is_not_a_gap(wavering_s: float) -> None:
    assert _after(5).gap_s(5 + wavering_s, FRAME_S) == 0


def test_a_gap_is_damage_only_with_evidence() -> None:
    clock, place = _after(5), ClockPosition(5.2, FRAME_S)
    assert clock.gap_s(5.2, FRAME_S) == pytest.approx(0.2)
    pause = clock.missing(place, DamageEvidence())
    assert pause.lost_s == 0
    assert pause.pause_s == pytest.approx(0.2)
    assert not clock.missing(ClockPosition(5.1, FRAME_S), DamageEvidence())
    assert clock.missing(place, DamageEvidence(suspect=True)).lost_s == pytest.approx(0.2)
    assert clock.missing(place, _failed(1)).fill_s == pytest.approx(0.2)


def test_a_pause_is_filled_and_nothing_lost() -> None:
    gap = _after(5).missing(ClockPosition(9.0, FRAME_S), DamageEvidence(paused=True))
    assert gap.fill_s == pytest.approx(4)
    assert gap.lost_s == 0


@pytest.mark.parametrize(("unread", "is_explained"), [(0, False), (40, False), (600, True)])
def test_a_gap_is_explained_by_its_bytes_without_headers(unread: int, is_explained: bool) -> None:
    assert _after(5).averages.explain(0.2, unread) is is_explained


def test_a_trimmed_frame_does_not_count_for_the_byte_rate() -> None:
    clock = Clock(has_timestamps=True, is_stream=False)
    clock.averages.update(FRAME_BYTES, FRAME_S / 25, FRAME_S)
    assert not clock.averages.explain(0.2, 600)
    clock.averages.update(FRAME_BYTES, FRAME_S, FRAME_S)
    assert clock.averages.explain(0.2, 600)


def test_noise_that_decodes_hardly_changes_the_mean_size_of_packets() -> None:
    clock = _after(5, has_timestamps=False)
    clock.averages.update(60 * FRAME_BYTES, FRAME_S)
    evidence = DamageEvidence(skipped_bytes=100 * FRAME_BYTES)
    assert clock.missing(ClockPosition(5.0, FRAME_S), evidence).lost_s == pytest.approx(2, rel=0.05)


def test_an_implausible_timestamp_is_ignored() -> None:
    gap = _after(5).missing(ClockPosition(50_000.0, FRAME_S, bytes_since=300), _failed(3))
    assert gap.fill_s == pytest.approx(3 * FRAME_S)


def test_what_fails_before_the_first_frame_is_lost_by_its_timestamps() -> None:
    """The duration of packets is unknown until one packet is decoded."""
    clock = Clock(has_timestamps=True, is_stream=False)
    clock.begin(0.0)
    evidence = DamageEvidence(failed=860, failed_bytes=170_000)
    assert clock.missing(ClockPosition(20.0, 0.1), evidence).lost_s == pytest.approx(20)


def test_a_timestamp_that_is_too_early_opens_no_gap_after_it() -> None:
    clock = _after(5)
    clock.advance(3.0, FRAME_S, 0)
    assert clock.gap_s(5.0 + FRAME_S, FRAME_S) == 0
    assert clock.gap_s(5.5 + FRAME_S, FRAME_S) == pytest.approx(0.5)


def test_timestamps_that_jump_back_and_return_in_small_steps_hide_no_gap() -> None:
    clock = _after(5)
    for round_s in (5 + 0.1 * number for number in range(30)):
        for number, late_s in enumerate((-0.012, -0.006, 0.0, 0.0, 0.0)):
            clock.advance(round_s + number * FRAME_S + late_s, FRAME_S, 0)
    assert clock.gap_s(10.0, FRAME_S) == pytest.approx(2, abs=0.02)


def test_a_gap_after_a_clock_was_set_back_is_measured_by_the_new_clock() -> None:
    clock = _after(5)
    for number in range(100):
        clock.advance(number * FRAME_S, FRAME_S, 0)
    assert clock.gap_s(4.0, FRAME_S) == pytest.approx(2)


def test_a_timestamp_beyond_the_declared_duration_opens_no_gap() -> None:
    clock = Clock(has_timestamps=True, is_stream=False)
    clock.begin(0.0, declared_s=20.0)
    clock.advance(3.0, FRAME_S, 0)
    assert clock.gap_s(22.0, FRAME_S) == pytest.approx(19, abs=0.1)
    assert clock.gap_s(40.0, FRAME_S) == 0


def test_a_long_gap_with_as_many_bytes_is_accepted() -> None:
    gap = _after(5).missing(ClockPosition(65.0, FRAME_S, bytes_since=300_000), _failed(3))
    assert gap.fill_s == pytest.approx(60)


def test_a_frame_without_a_timestamp_after_a_gap_does_not_change_the_byte_rate() -> None:
    clock = _after(5)
    clock.advance(None, FRAME_S, 325_000)
    gap = clock.missing(ClockPosition(65.0, FRAME_S, bytes_since=300_000), _failed(3))
    assert gap.fill_s == pytest.approx(60, abs=0.1)


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
def test_without_timestamps_missing_frames_are_counted_by_bytes(
    seen: DamageEvidence, frames: int
) -> None:
    clock = _after(5, has_timestamps=False)
    expected = Gap(fill_s=frames * FRAME_S, lost_s=frames * FRAME_S)
    found = clock.missing(ClockPosition(5.0, FRAME_S), seen)
    assert found.fill_s == pytest.approx(expected.fill_s)
    assert found.lost_s == pytest.approx(expected.lost_s)


def test_a_stream_may_start_in_the_middle_of_a_packet() -> None:
    clock = Clock(has_timestamps=False, is_stream=True)
    clock.averages.update(FRAME_BYTES, FRAME_S)
    assert clock.missing(ClockPosition(0.0, FRAME_S), _failed(2)) is NO_GAP
    assert clock.missing(ClockPosition(0.0, FRAME_S), _failed(50)).lost_s == pytest.approx(1)


def test_a_file_may_end_in_the_middle_of_a_packet() -> None:
    clock = _after(5)
    assert clock.missing_at_the_end(_failed(1)) is NO_GAP
    assert clock.missing_at_the_end(_failed(5)).lost_s == pytest.approx(5 * FRAME_S)


def test_the_unread_rest_of_a_file_is_lost_however_short_it_is() -> None:
    evidence = DamageEvidence()
    evidence.add_unread_rest(FRAME_BYTES, FRAME_S)
    assert (evidence.failed, evidence.is_lost, evidence.is_single) == (0, True, False)
    assert _after(5).missing_at_the_end(evidence).lost_s == pytest.approx(FRAME_S)
    without_times = _after(5, has_timestamps=False)
    assert without_times.missing_at_the_end(evidence).lost_s == pytest.approx(FRAME_S)


@pytest.mark.parametrize(
    ("told_s", "seconds"), [(0.02, 0.02), (0.5, 0.5), (36_000.0, 0.04), (0.0, 0.04), (-1.0, 0.04)]
)
def test_the_declared_packet_duration_is_used_unless_implausible(
    told_s: float, seconds: float
) -> None:
    assert _after(5).averages.seconds_of(2 * FRAME_BYTES, told_s) == pytest.approx(seconds)


@pytest.mark.parametrize("seed", range(20))
def test_following_frames_advance_the_clock_as_any_frame_does(seed: int) -> None:
    rng = random.Random(seed)
    fast, slow = (Clock(has_timestamps=True, is_stream=False) for _ in range(2))
    fast.begin(0.0)
    slow.begin(0.0)
    time_s, followed = 0.0, 0
    for number in range(300):
        jump_s = rng.choice([0.0] * 200 + [0.0004, -0.0004, 0.002, -0.03, 0.3, -0.3])
        time_s += jump_s
        at_s = rng.choice([*[time_s] * 20, None])
        gap_s = slow.gap_s(at_s, FRAME_S)
        if fast.follow(at_s, FRAME_S, number):
            followed += 1
            assert gap_s == 0
        else:
            assert fast.gap_s(at_s, FRAME_S) == gap_s
            fast.advance(at_s, FRAME_S, number)
        slow.advance(at_s, FRAME_S, number)
        states = [{**vars(one), "averages": None} for one in (fast, slow)]
        assert states[0] == states[1]
        time_s += FRAME_S
    assert 0 < followed < 300
