"""A limit counts references, and counts them right when the producer starts again."""

import pytest

from contract.job import AudioRef
from producer.sources.filters import Limited
from producer.sources.interface import BadRow
from tests.unit.examples import a_ref
from tests.unit.producer.sources.backlog import Fixed

BAD = BadRow("list, line 2", "bad")
ROWS: list[AudioRef | BadRow] = [a_ref(), BAD, a_ref(), a_ref(), BAD, a_ref()]


@pytest.mark.parametrize(
    ("limit", "yielded"), [(0, 0), (1, 1), (2, 3), (3, 4), (4, 6), (5, 6), (100, 6)]
)
def test_bad_rows_do_not_count(limit: int, yielded: int) -> None:
    assert len(list(Limited(source=Fixed(ROWS), limit=limit).after(""))) == yielded


@pytest.mark.parametrize("stopped_behind", [1, 2, 3, 4, 5, 6])
def test_the_limit_is_the_same_across_a_restart(stopped_behind: int) -> None:
    whole = list(Limited(source=Fixed(ROWS), limit=3).after(""))
    before = whole[:stopped_behind]
    counted = sum(isinstance(found.item, AudioRef) for found in before)
    rest = Limited(source=Fixed(ROWS), limit=3, counted=counted).after(before[-1].position)
    assert before + list(rest) == whole


def test_nothing_is_taken_that_is_not_wanted() -> None:
    source = Fixed(ROWS)
    list(Limited(source=source, limit=2).after(""))
    assert source.taken == 3
