"""From some files to all: unbiased, with a band that holds the truth about as often as it says."""

import math
import random
from collections import Counter

import pytest

from funasr_fleet.producer.estimate.stratified import LEAST_PER_FORMAT, Strata, ratio_estimate
from tests.support.examples import a_ref


def test_files_of_one_rate_have_no_variance() -> None:
    sample = [(32_000.0 * s, 1000.0 * s) for s in (1, 5, 30)]
    found = ratio_estimate(sample, 1000, 32_000.0 * 20_000)
    assert found
    assert found.audio_ms == pytest.approx(20_000_000)
    assert found.variance == pytest.approx(0, abs=1e-3)


def test_a_full_census_has_no_variance() -> None:
    population = [(100.0, 1000.0), (200.0, 9000.0), (50.0, 10.0)]
    found = ratio_estimate(population, 3, 350.0)
    assert found
    assert found.audio_ms == pytest.approx(10_010)
    assert found.variance == 0.0


@pytest.mark.parametrize(("sample", "files"), [([], 5), ([(1.0, 9.0)], 2), ([(0.0, 0.0)] * 3, 9)])
def test_a_sample_that_is_too_small_gives_no_estimate(
    sample: list[tuple[float, float]], files: int
) -> None:
    assert ratio_estimate(sample, files, 100.0) is None


def test_the_variance_is_that_of_the_textbook() -> None:
    # worked by hand: ratio 6, residuals -2, 4, -2; n 3 of N 30; X = 30 times the mean
    sample = [(2.0, 10.0), (3.0, 22.0), (4.0, 22.0)]
    found = ratio_estimate(sample, 30, 90.0)
    assert found
    assert found.audio_ms == pytest.approx(540)
    assert found.variance == pytest.approx(30**2 * (1 - 3 / 30) * ((4 + 16 + 4) / 2) / 3)


def test_the_interval_covers_the_truth_as_often_as_stated() -> None:
    chance = random.Random(1)
    held = 0
    for _ in range(300):
        sizes = [chance.lognormvariate(13, 1) for _ in range(2000)]
        population = [(size, size / chance.choice([8, 16, 32])) for size in sizes]
        truth = sum(audio_ms for _, audio_ms in population)
        found = ratio_estimate(chance.sample(population, 64), 2000, sum(sizes))
        assert found
        held += abs(found.audio_ms - truth) <= 2 * math.sqrt(found.variance)
    assert 0.85 <= held / 300 <= 0.99


@pytest.mark.parametrize(
    ("limit", "others", "drawn_each"), [(4, [], 4), (16, ["s3://in/huge.mp4"], LEAST_PER_FORMAT)]
)
def test_every_file_is_drawn_as_often_as_every_other(
    limit: int, others: list[str], drawn_each: int
) -> None:
    """Also when fewer are measured than were kept, beside a format with most of the audio."""
    drawn: Counter[str] = Counter()
    for seed in range(2000):
        strata = Strata(limit, seed)
        for uri in others:
            strata.add(a_ref(uri, bytes=1 << 40))
        for n in range(10):
            strata.add(a_ref(f"s3://in/{n}.amr", bytes=1000))
        drawn.update(ref.audio for ref in strata.sample()["amr", True])
    assert (len(drawn), sum(drawn.values())) == (10, drawn_each * 2000)
    assert all(700 < count < 900 for count in drawn.values())  # 800, standard deviation 22


def test_formats_are_sampled_by_their_share_of_audio_and_rare_ones_too() -> None:
    strata = Strata(64, 0)
    for n in range(1000):
        strata.add(a_ref(f"s3://in/{n}.mp3", bytes=16_000 * 60))
    for n in range(9):
        strata.add(a_ref(f"s3://in/{n}.m4a", bytes=12_000))
        strata.add(a_ref(f"s3://in/{n}.mp3"))
        strata.add(a_ref(f"s3://in/odd.{n}", bytes=16_000))
    counts = {key: len(some) for key, some in strata.sample().items()}
    assert counts == {("mp3", True): 63, ("m4a", True): 4, ("mp3", False): 4, ("", True): 4}


def test_memory_is_bounded_by_formats_not_by_files() -> None:
    strata = Strata(64, 0)
    for n in range(5000):
        strata.add(a_ref(f"s3://in/a.{n}", bytes=n))
    assert len(strata.by_key) == 1
    assert [len(one.drawn) for one in strata.by_key.values()] == [64]
    assert [one.files for one in strata.by_key.values()] == [5000]
