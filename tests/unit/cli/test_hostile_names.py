"""Texts of others are printed without control characters by every command."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import funasr_fleet
from funasr_fleet import EnqueueResult, Transcription
from funasr_fleet.broker.dead_letters import DeadLetter
from funasr_fleet.broker.job_report import FailureGroup, WarningGroup
from funasr_fleet.broker.ledger.file_warnings import WarningExample
from funasr_fleet.broker.ledger.values import FailureExample
from funasr_fleet.broker.ledger.worker_seen import WorkerSeen
from funasr_fleet.cli import terminal
from funasr_fleet.cli.dead import list_letters
from funasr_fleet.cli.enqueue import enqueue
from funasr_fleet.cli.exits import print_bad_rows
from funasr_fleet.cli.failures import failures
from funasr_fleet.cli.jobs import jobs, status
from funasr_fleet.cli.results import evaluate, report
from funasr_fleet.cli.transcribe import transcribe
from funasr_fleet.producer.dead_letters.select import DeadList
from funasr_fleet.producer.evaluation.result import Evaluation, FileResult
from funasr_fleet.producer.evaluation.scoring import Counts, Score
from tests.support.examples import (
    BEGUN,
    a_segment,
    a_transcript,
    counted,
    invoke,
    status_of,
    steady,
)
from tests.support.memory_store import MemoryStore

EVIL = "x\x1b]0;me\x07\x9b2J\r\u202ey\ud800\nfleet: all done"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
JOB = replace(counted({"ok": 6, "failed": 4}, closed_at=BEGUN + 120), job=EVIL, output=EVIL)
EXAMPLE = FailureExample(kind="poison", index=2, relative=EVIL, message=EVIL)
LETTER = DeadLetter(message_id=EVIL, reason=EVIL, document=[EVIL], worker=EVIL, at=EVIL)
TRANSCRIPT = a_transcript(a_segment(0, 900, f"\u4f60 three {EVIL}".replace("\ud800", "")))
URI = "s3://scratch/a.json"

ENQUEUED = EnqueueResult(
    job="night",
    output="s3://out/",
    ignored={EVIL: 2},
    bad_rows=[f"l.jsonl, line 2: {EVIL}"],
    bad_row_count=1,
)
EVALUATED = Evaluation(
    rows=(
        FileResult(relative=EVIL, outcome="compared", score=Score("wer", Counts(words=9))),
        FileResult(relative=EVIL, outcome="missing", reason=EVIL),
    ),
    models=(EVIL,),
    bad_rows=(EVIL,),
)
SEEN = WorkerSeen(worker=EVIL, slot=1, at=BEGUN + 590, job=EVIL, shard=EVIL)
WATCHED = replace(
    status_of(JOB, steady(2, 5, 3_600_000), workers=[SEEN]),
    postponed={EVIL: 1},
    postponed_message=EVIL,
    unserved_queue=EVIL,
)
ANSWERS: dict[str, Any] = {
    "enqueue": ENQUEUED,
    "failures": (FailureGroup(kind=EVIL, count=3, examples=(EXAMPLE,)),),
    "file_warnings": (
        WarningGroup(
            kind=EVIL, count=3, examples=(WarningExample(kind=EVIL, index=3, relative=EVIL),)
        ),
    ),
    "report": {"job": EVIL, "failures": {EVIL: 1}},
    "status": WATCHED,
    "list_jobs": [JOB],
    "list_dead": DeadList(letters=(LETTER,), total=1),
    "evaluate": EVALUATED,
    "transcribe": Transcription(uri=URI, transcript=TRANSCRIPT),
}
"""What the functions of the package return; every text in it is hostile."""

COMMANDS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "dead": (list_letters, ()),
    "enqueue": (enqueue, ("s3://in/", "--output", "s3://out/")),
    "evaluate": (evaluate, ("--references", "said.jsonl", "--output", "s3://out/")),
    "failures": (failures, ("night",)),
    "jobs": (jobs, ()),
    "report": (report, ("night",)),
    "status": (status, ("night",)),
    "status in lines": (status, ("night", "--watch")),
    "transcribe": (transcribe, ("s3://in/a.wav",)),
    "transcribe to srt": (transcribe, ("s3://in/a.wav", "--format", "srt")),
    "warnings": (failures, ("night", "--warnings")),
}


@pytest.fixture(autouse=True)
def hostile(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, answer in ANSWERS.items():
        monkeypatch.setattr(funasr_fleet, name, lambda *_, answer=answer, **__: answer)
    store = MemoryStore("scratch")
    store.write(URI.replace("json", "srt"), f"1\n{EVIL}".replace("\ud800", "").encode(), "")
    monkeypatch.setattr("funasr_fleet.storage.s3.S3Store", lambda: store)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_terminal_gets_no_control_characters(name: str) -> None:
    command, arguments = COMMANDS[name]
    result = invoke(command, *arguments)
    assert not UNSAFE.search(result.output)
    shown = "".join(result.output.split())  # cells of tables are folded
    assert "x\\u001b]0;me\\u0007\\u009b2J" in shown
    assert "\\u202ey" in shown


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"transcribe", "transcribe to srt"}))
def test_no_line_of_a_text_imitates_a_message(name: str) -> None:
    command, arguments = COMMANDS[name]
    lines = [line.strip(" │┃") for line in invoke(command, *arguments).output.splitlines()]
    assert "fleet: all done" not in lines


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"status in lines", "transcribe to srt"}))
def test_json_has_the_same_texts_escaped(name: str) -> None:
    command, arguments = COMMANDS[name]
    given = [*arguments] if name == "report" else [*arguments, "--json"]
    result = invoke(command, *given)
    assert not UNSAFE.search(result.stdout)
    expected = TRANSCRIPT.text if name == "transcribe" else EVIL
    assert any(expected in text for text in _texts(json.loads(result.stdout)))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.items() for part in item for text in _texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []


def test_a_transcript_is_printed_as_it_is() -> None:
    command, arguments = COMMANDS["transcribe"]
    text = (
        "\u4f60 [red]three\n caf\u00e9 \u0645\u06cc\u200c\u062e\t\U0001f468\u200d\U0001f469 \\u001b"
    )
    answer = Transcription(uri=URI, transcript=a_transcript(a_segment(0, 900, text)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(funasr_fleet, "transcribe", lambda *_, **__: answer)
        assert invoke(command, *arguments).stdout == f"{text}\n"


def test_a_name_cannot_imitate_another_message(capsys: pytest.CaptureFixture[str]) -> None:
    print_bad_rows(["l.jsonl, line 2: unknown field a\nfleet: all done"], 1)
    terminal.warn("it failed: a\nfleet: all done")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("unknown field a\\u000afleet: all done")
    assert lines[1:] == ["fleet: it failed: a", "    fleet: all done"]


def test_all_output_of_commands_passes_one_module() -> None:
    folder = Path(terminal.__file__).parent
    direct = re.compile(r"typer\.echo|click\.echo|(?<![\w.])print\(|Console\(|sys\.std(out|err)\.w")
    found = [path.name for path in folder.glob("*.py") if direct.search(path.read_text())]
    assert found == ["terminal.py"]
