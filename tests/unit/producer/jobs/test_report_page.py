"""The report's page is complete HTML, loads nothing, and escapes the names of files."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from funasr_fleet.broker.job_report import (
    FailureGroup,
    WarningGroup,
    group_failures,
    group_warnings,
    report,
)
from funasr_fleet.broker.ledger.file_warnings import WarningExample
from funasr_fleet.broker.ledger.values import FailureExample, JobCounts, Minute
from funasr_fleet.producer.jobs.report_page import page
from tests.support.examples import BEGUN, FIRST_MINUTE, counted, steady

VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Parses a page and fails on tags that are not properly closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)


def read(counts: JobCounts, minutes: list[Minute], *examples: FailureExample) -> Reader:
    return _read(page(report(counts, minutes, {3: 5}), group_failures(counts, examples)))


def _read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


SMALL = counted(
    {"ok": 40, "empty": 3, "failed": 2, "skipped": 6},
    audio_ms=2_695_000,
    work_ms=70_000,
    kinds={"undecodable_audio": 1},
    closed_at=BEGUN + 95,
)
HUGE = counted(
    {"ok": 9_900_000, "failed": 100_000}, audio_ms=10**15, work_ms=10**12, closed_at=BEGUN + 259_200
)
JOBS = {
    "small": (SMALL, steady(2, 22, 1_347_000)),
    "huge": (HUGE, steady(3 * 1440, 2300, 550_000_000)),
    "empty": (counted(), []),
    "planned": (counted(files=10_000), []),
    "cancelled": (counted({"ok": 1}, files=9, cancelled_at=BEGUN + 60), steady(1, 1, 1000)),
    "cancellation lost": (counted({"ok": 1, "cancelled": 2}, closed_at=BEGUN + 60), []),
    "lost": (counted({"ok": 9}, whole=False), steady(1, 9, 1000)),
}


@pytest.mark.parametrize("name", JOBS)
def test_every_tag_is_closed_and_nothing_is_fetched_or_run(name: str) -> None:
    html = page(report(*JOBS[name], {}))
    reader = _read(html)
    assert html.startswith("<!DOCTYPE html>")
    assert {tag for tag, _ in reader.tags} & {"script", "link", "img", "iframe", "object"} == set()
    for _, attributes in reader.tags:
        assert not {"src", "href"} & attributes.keys()
        assert not [one for one in attributes if one.startswith("on")]
    assert not re.search(r"url\(|@import|https?://", html)
    assert "prefers-color-scheme: dark" in html


def test_the_page_has_the_numbers_of_the_job() -> None:
    text = " ".join(read(*JOBS["small"]).text)
    for phrase in ("night", "complete, some failed", "51", "44 min 55 s", "1 min 35 s", "38.5"):
        assert phrase in text
    for phrase in ("2026-11-18 11:07:00 to 2026-11-18 11:08:35 UTC", "transcribed", "3.9 %"):
        assert phrase in text


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        ("huge", "complete, some failed"),
        ("empty", "The job has no files."),
        ("planned", "not complete yet"),
        ("cancelled", "cancelled"),
        ("cancellation lost", "cancelled"),
        ("lost", "unknown: Redis does not have the full plan"),
    ],
)
def test_the_page_has_the_state_of_the_job(name: str, phrase: str) -> None:
    assert phrase in " ".join(read(*JOBS[name]).text)


def test_a_job_with_an_incomplete_ledger_does_not_look_finished() -> None:
    assert "100 % finished" in " ".join(read(counted({"ok": 9}), []).text)
    text = " ".join(read(*JOBS["lost"]).text)
    assert "% finished" not in text
    assert "complete" not in text


def test_failures_come_with_examples() -> None:
    example = FailureExample(
        kind="undecodable_audio", index=3, relative="calls/a.mp3", message="no audio stream"
    )
    text = read(*JOBS["small"], example).text
    for phrase in ("undecodable_audio", "calls/a.mp3", "no audio stream", "unknown"):
        assert phrase in text


def test_failures_without_examples_are_shown() -> None:
    assert "undecodable_audio" in _read(page(report(*JOBS["small"], {}))).text


def test_warnings_come_with_examples() -> None:
    counts = counted({"ok": 40}, warnings={"audio_damaged": 3, "unknown": 1})
    example = WarningExample(kind="audio_damaged", index=3, relative="calls/b.mp3")
    groups = group_warnings(counts, [example])
    text = _read(page(report(counts, [], {}), (), groups)).text
    for phrase in ("Warnings", "audio_damaged", "7.5 %", "calls/b.mp3", "unknown"):
        assert phrase in text
    without_examples = _read(page(report(counts, [], {}))).text
    assert "audio_damaged" in without_examples


EVIL = '"><script>alert(1)</script>&amp;<i>'


def test_no_name_and_no_message_becomes_markup() -> None:
    counts = counted({"failed": 1}, job=EVIL, output=f"s3://out/{EVIL}/")
    example = FailureExample(kind="poison", index=0, relative=EVIL, message=EVIL)
    group = FailureGroup(kind=EVIL, count=1, examples=(example,))
    warned = WarningExample(kind=EVIL, index=0, relative=EVIL)
    warnings = WarningGroup(kind=EVIL, count=1, examples=(warned,))
    reader = _read(page(report(counts, [], {}), [group], [warnings]))
    assert not {"script", "i"} & {tag for tag, _ in reader.tags}
    assert reader.text.count(EVIL) >= 5
    assert f"{EVIL} - funasr-fleet" in reader.text


def test_no_name_and_no_message_has_controls() -> None:
    evil = "a\x1b\x9b\u202e\u2066\ud800z"
    counts = counted({"failed": 1}, job=evil, output=f"s3://out/{evil}/")
    example = FailureExample(kind="poison", index=0, relative=evil, message=evil)
    warned = WarningExample(kind=evil, index=0, relative=evil)
    html = page(
        report(counts, [], {}),
        [FailureGroup(kind=evil, count=1, examples=(example,))],
        [WarningGroup(kind=evil, count=1, examples=(warned,))],
    )
    assert not set(evil[1:-1]) & set(html)
    assert html.count("a\\u001b\\u009b\\u202e\\u2066\\ud800z") >= 5


def _bars(html: str) -> list[dict[str, Any]]:
    return [dict(attributes) for tag, attributes in _read(html).tags if tag == "rect"]


def test_three_days_are_at_most_two_hundred_columns_a_chart() -> None:
    html = page(report(*JOBS["huge"], {}))
    assert 150 <= len(_bars(html)) <= 2 * 200 + 20
    assert len(html) < 100_000
    assert "Audio hours finished in each 30 min" in html


def test_failed_files_are_shown_in_their_minute() -> None:
    minutes = [*steady(1, 5, 300_000), Minute(minute=FIRST_MINUTE + 1, files=4, failed=4)]
    reader = read(counted({"ok": 5, "failed": 4}), minutes)
    assert "2026-11-18 11:08: 4 files, 4 of them failed" in reader.text
    assert "2026-11-18 11:07: 5.00 audio minutes" in reader.text


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
