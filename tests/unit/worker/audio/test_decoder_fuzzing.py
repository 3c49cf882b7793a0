"""Some inputs of `make fuzz`, and its report."""

import os
import signal
from collections.abc import Callable

import psutil
import pytest

from tests.fuzz.decoder import fuzzed_pool
from tests.fuzz.tally import Tally

SEED = 1
REFUSALS = {"UndecodableAudio", "AudioTooShort", "AudioTooLong"}
CLOCK_TICK_S = 0.01


def test_every_changed_file_has_one_outcome_and_the_pool_stays_whole() -> None:
    tally = Tally()
    with fuzzed_pool(SEED) as pool:
        for number in range(150):
            pool.decode_number(number, tally)
        pool.check_state(tally)
    assert tally.findings == []
    assert tally.inputs == 150
    assert set(tally.outcomes) <= {"accepted", *REFUSALS}
    assert tally.outcomes["accepted"] > 30
    assert tally.outcomes["UndecodableAudio"] > 30


@pytest.mark.slow
def test_every_hostile_head_has_one_outcome_and_the_pool_stays_whole() -> None:
    tally = Tally()
    with fuzzed_pool(SEED, "heads") as pool:
        for number in range(300):
            pool.decode_number(number, tally)
        pool.check_state(tally)
    assert tally.findings == []
    assert tally.inputs == 300
    assert set(tally.outcomes) <= {"accepted", *REFUSALS}
    assert tally.outcomes["UndecodableAudio"] > 60


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSEGV])
def test_a_decoder_process_that_ends_is_reported(
    decoder: Callable[[], int], sent: signal.Signals
) -> None:
    tally = Tally()
    with fuzzed_pool(SEED) as pool:
        os.kill(decoder(), sent)
        pool.decode_number(0, tally)
        pool.check_state(tally)
    assert tally.findings == [f"file 0 of seed 1: a decoder process was killed by {sent.name}"]
    assert tally.inputs == 1


def test_a_descriptor_that_is_left_open_is_reported() -> None:
    tally = Tally()
    with fuzzed_pool(SEED) as pool:
        left = os.dup(0)
        pool.check_state(tally)
        os.close(left)
    assert tally.findings == ["the pool: AssertionError: descriptors are left open"]


@pytest.mark.parametrize(("cpu_s", "findings"), [(9.9, []), (10.1, ["x: took 10.1 s of CPU time"])])
def test_an_input_that_takes_too_much_cpu_time_is_reported(
    cpu_s: float, findings: list[str]
) -> None:
    tally = Tally()
    tally.run_input("x", lambda: None, (), iter((5.0, 5.0 + cpu_s)).__next__)
    assert (tally.findings, tally.inputs) == (findings, 1)


def test_the_cpu_time_of_the_decoder_process_counts(decoder: Callable[[], int]) -> None:
    with fuzzed_pool(SEED) as pool:
        used = sum(psutil.Process(decoder()).cpu_times()[:2])
        without = sum(os.times()[:4])
        assert used > 0
        assert pool._cpu_s() - without > used - CLOCK_TICK_S / 2  # a sum of floats is not exact
