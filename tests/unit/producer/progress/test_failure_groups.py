"""Failures by kind."""

from funasr_fleet.broker.ledger.values import FailureExample
from funasr_fleet.producer.progress.failure_groups import group_failures
from tests.support.examples import counted


def test_the_most_frequent_kind_comes_first_with_its_examples() -> None:
    counts = counted({"failed": 9}, kinds={"poison": 2, "audio_missing": 4})
    missing = FailureExample(kind="audio_missing", index=3, relative="a.mp3", message="is gone")
    groups = group_failures(counts, [missing])
    assert [(group.kind, group.count) for group in groups] == [
        ("audio_missing", 4),
        ("unknown", 3),
        ("poison", 2),
    ]
    assert [group.examples for group in groups] == [(missing,), (), ()]


def test_a_job_without_failures_has_no_groups() -> None:
    assert group_failures(counted({"ok": 3}), []) == ()
