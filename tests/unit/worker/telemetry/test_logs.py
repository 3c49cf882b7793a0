"""One line per event: its fields, no password, no hotword."""

import json
import logging
from collections.abc import Iterator
from typing import Any, Literal

import pytest
import structlog

from funasr_fleet.storage.base import StoreUnavailable
from funasr_fleet.worker.events import (
    FileFinished,
    ShardDeadLettered,
    ShardRetryScheduled,
    ShardStarted,
)
from funasr_fleet.worker.telemetry.logs import configure_logging, log_event
from tests.support.examples import a_finished_file, a_shard
from tests.support.fake_child import FakeChild

Lines = pytest.CaptureFixture[str]
STARTED = ShardStarted(shard="s-1", job=None, files=3, queue_wait_s=None, redelivered=False)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Restore the logging of the process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _lines(capsys: Lines) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_is_one_line_of_json_with_its_fields(capsys: Lines) -> None:
    configure_logging("json")
    log_event(STARTED)
    (line,) = _lines(capsys)
    assert (line["event"], line["level"], line["logger"]) == ("shard started", "info", "fleet")
    assert (line["shard"], line["files"], line["redelivered"]) == ("s-1", 3, False)
    assert line["timestamp"].endswith("Z")
    assert {"job", "queue_wait_s"}.isdisjoint(line)


def test_times_of_stages_are_whole_milliseconds(capsys: Lines) -> None:
    configure_logging("json")
    log_event(_finished(stages_s={"vad": 0.0126, "fetch": 0.25}))
    (line,) = _lines(capsys)
    assert line["stages_ms"] == {"vad": 13, "fetch": 250}
    assert "stages_s" not in line


def _finished(**fields: Any) -> FileFinished:
    return a_finished_file(outcome="failed", **fields)


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (STARTED, "info"),
        (_finished(), "info"),
        (_finished(error="no audio"), "warning"),
        (ShardDeadLettered(message_id="m", reason="malformed"), "warning"),
        (ShardRetryScheduled(shard="s", kind="disk_full", reason="away", delay_s=2.0), "warning"),
    ],
)
def test_failures_and_retries_are_logged_as_warnings(
    capsys: Lines, event: FileFinished | ShardStarted, level: str
) -> None:
    configure_logging("json")
    log_event(event)
    assert [line["level"] for line in _lines(capsys)] == [level]


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_log_format_shows_a_password(capsys: Lines, form: Literal["text", "json"]) -> None:
    configure_logging(form)
    url = "redis://user:hush@host:6379/0"
    why = f"cannot reach {url}"
    log_event(ShardRetryScheduled(shard="s", kind="disk_full", reason=why, delay_s=1.0))
    logging.getLogger("celery").error("cannot reach %s", url)
    try:
        raise OSError(url)
    except OSError:
        logging.getLogger("celery").exception("it failed")
    said = capsys.readouterr().err
    assert said.count("redis://user:***@host") >= 3
    assert "hush" not in said


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_log_line_of_a_shard_shows_a_hotword(
    capsys: Lines, form: Literal["text", "json"]
) -> None:
    configure_logging(form)
    child = FakeChild()
    good, bad = child.bench.upload("a.wav"), child.bench.upload_bytes("b.wav", b"text")
    message = a_shard(good, bad, options={"hotwords": ["hush"]}).to_message()
    child.run(message)
    child.run({**message, "options": {"hotwords": "hush"}})
    child.run({**message, "files": [{"audio": good, "options": {"hotwords": "hush"}}]})
    child.bench.store.failing_reads[good] = StoreUnavailable("away")
    child.run({**message, "job": "late", "overwrite": True}, max_attempts=1)
    for event in child.bench.events:
        log_event(event)
    said = capsys.readouterr().err
    assert len(child.bench.events) >= 8
    assert "malformed" in said
    assert "hush" not in said


def test_info_messages_of_verbose_libraries_are_dropped(capsys: Lines) -> None:
    configure_logging("json")
    logging.getLogger("funasr").info("step")
    logging.getLogger("funasr").warning("odd")
    logging.getLogger("funasr_fleet.worker.app.child_process").info("ready")
    assert [line["event"] for line in _lines(capsys)] == ["odd", "ready"]


FORGED = "x\x1b[2J\n2026-11-30 [info] all done\u202e\x9b"


@pytest.mark.parametrize("form", ["json", "text"])
def test_text_of_others_cannot_forge_a_line(form: Literal["text", "json"], capsys: Lines) -> None:
    configure_logging(form)
    log_event(ShardStarted(shard=FORGED, job=None, files=3, queue_wait_s=None, redelivered=False))
    logging.getLogger("celery.app.worker").warning("odd %s", FORGED)
    try:
        raise ValueError(FORGED)
    except ValueError:
        logging.getLogger("fleet").exception(FORGED)
    told = capsys.readouterr().err
    assert not set(told) & set("\x1b\x9b\u202e\r")
    assert not any(line.startswith("2026-11-30 [info]") for line in told.splitlines())
    assert told.count("all done") == 4
