"""What `bench soak` calls steady: the seed's symptom must never pass."""

from collections.abc import Sequence

import pytest

from bench.soak import Run, SoakResult


def a_series(
    seconds: Sequence[float], threads: int = 2, mebibytes: Sequence[int] = (800,)
) -> list[Run]:
    memory = [*mebibytes, *[mebibytes[-1]] * len(seconds)]
    return [
        Run(
            seconds=one,
            rtfx=100.0,
            device="cpu",
            threads_before=threads,
            threads_after=threads,
            resident_bytes=memory[at] << 20,
            peak_resident_bytes=memory[at] << 20,
        )
        for at, one in enumerate(seconds)
    ]


def soaked(*series: list[Run]) -> SoakResult:
    return SoakResult(minutes=60, series=list(series), machine={})


STEADY, NOISY = a_series([9, 4, 4.5, 5]), a_series([6, 4, 4.1, 7])


@pytest.mark.parametrize(
    ("series", "steady"),
    [
        ([STEADY], True),
        ([NOISY], False),
        ([NOISY, a_series([4, 4.5, 5, 4])], True),
        ([NOISY, NOISY, NOISY], False),
        ([a_series([2, 2, 20, 20])], False),
        ([a_series([2, 2, 20, 20]), a_series([20, 20, 20, 20])], False),
        ([NOISY, a_series([4, 4, 4, 4], threads=72)], False),
        ([a_series([4, 4, 7, 4], threads=72), STEADY], False),
        ([NOISY, a_series([4, 4, 4, 4], mebibytes=[800, 900, 1000])], False),
        ([a_series([4, 4, 4], mebibytes=[800, 900, 900])], True),
        ([a_series([4, 4, 4], mebibytes=[800, 900, 1000])], False),
    ],
)
def test_what_gets_slower_larger_or_more_threaded_is_not_steady(
    series: list[list[Run]], *, steady: bool
) -> None:
    assert soaked(*series).steady is steady
    assert f'"steady": {str(steady).lower()}' in soaked(*series).to_json()


def test_the_text_says_every_run_and_the_verdict() -> None:
    text = soaked(NOISY, STEADY).to_text()
    assert len(text.splitlines()) == 10
    assert "slower than the first series x1.00" in text
