"""Expressions over single series; tests/deploy/test_autoscale.py compares with promtool."""

import math

import pytest

from bench.autoscale.history import History
from bench.autoscale.promql import CannotPlay, names, query


@pytest.fixture
def history() -> History:
    history = History()
    for step in range(21):
        history.add("work_total", step * 15.0, step * 30.0)
        history.add('waits{state="ready"}', step * 15.0, 7.0)
        history.add('waits{state="unacked"}', step * 15.0, 3.0)
    history.add("gone", 0.0, 5.0)
    history.add("gone", 15.0, None)
    return history


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("rate(work_total[2m])", 2.0),
        ("rate(work_total[1s])", None),
        ("last_over_time(gone[10m])", 5.0),
        ("gone", None),
        ("gone or vector(4)", 4.0),
        ('waits{state="ready"} * 2 - 1', 13.0),
        ("sum(waits)", 10.0),
        ("sum(nothing)", None),
        ('ceil(waits{state="ready"} / 2)', 4),
        ('waits{state="ready"} > 7', None),
        ('0 * (waits{state="ready"} == 7)', 0.0),
        ("clamp_max(sum(waits), scalar(sum(work_total)) / 100)", 6.0),
        ("clamp_max(nothing, 3)", None),
    ],
)
def test_expressions_are_evaluated_as_prometheus_does(
    history: History, text: str, answer: float | None
) -> None:
    assert query(text)(history, 300.0) == answer


def test_clamping_by_an_empty_result_gives_nan(history: History) -> None:
    found = query("clamp_max(sum(waits), scalar(nothing))")(history, 300.0)
    assert found is not None
    assert math.isnan(found)


def test_samples_older_than_five_minutes_are_ignored(history: History) -> None:
    assert query("work_total")(history, 599.0) == 600.0
    assert query("work_total")(history, 600.0) is None


@pytest.mark.parametrize(
    "text", ["avg(work_total)", "work_total ^ 2", "floor(work_total)", "increase(work_total[5m])"]
)
def test_unsupported_expressions_are_rejected(text: str) -> None:
    with pytest.raises(CannotPlay):
        query(text)


def test_several_series_are_rejected_unless_they_are_aggregated(history: History) -> None:
    with pytest.raises(CannotPlay):
        query("waits")(history, 300.0)


def test_metric_names_are_extracted_from_an_expression() -> None:
    assert list(names('a_x / sum(rate(b[5m])) or c{d="e"}')) == ["a_x", "b", "c"]
