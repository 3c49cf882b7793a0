"""`fleet evaluate`: its tables, its document and its exit code."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

import funasr_fleet
from funasr_fleet.cli.exits import WrongUsage
from funasr_fleet.cli.main import run
from funasr_fleet.cli.results import evaluate
from funasr_fleet.producer.evaluation.result import Evaluation, FileResult
from funasr_fleet.producer.evaluation.scoring import Counts, Metric, Score
from funasr_fleet.producer.evaluation.text_rules import TextRules
from tests.support.examples import invoke

GIVEN = ("--references", "said.jsonl", "--output", "s3://out/x/")


def _compared(name: str, words: int, deleted: int, metric: Metric = "wer") -> FileResult:
    counts = Counts(words=words, deletions=deleted)
    return FileResult(relative=name, outcome="compared", score=Score(metric, counts))


GOOD = Evaluation(
    rows=(_compared("a[red].wav", 1000, 1), _compared("b.wav", 2, 2), _compared("c.wav", 9, 0)),
    models=("paraformer-zh",),
)
MISSING = FileResult(relative="gone.wav", outcome="missing", reason="gone.wav.json does not exist")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replaces the producer's `evaluate`: its arguments and its result."""
    known: dict[str, Any] = {"answer": GOOD}

    def answer(references: str, **how: Any) -> Evaluation:
        known.update(references=references, **how)
        found: Evaluation = known["answer"]
        return found

    monkeypatch.setattr(funasr_fleet, "evaluate", answer)
    return known


def _run(*arguments: str) -> Result:
    return invoke(evaluate, *GIVEN, *arguments)


def _cells(output: str, name: str) -> list[str]:
    line = next(line for line in output.splitlines() if name in line)
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_the_total_and_the_worst_files_are_shown(asked: dict[str, Any]) -> None:
    result = _run("--language", "en", "--metric", "wer")
    assert result.exit_code == 0
    assert _cells(result.stdout, "words (WER)") == [
        "words (WER)",
        "3",
        "1,011",
        "0",
        "3",
        "0",
        "0.30 %",
    ]
    assert result.stdout.index("b.wav") < result.stdout.index("a[red].wav")
    assert "c.wav" not in result.stdout
    assert "paraformer-zh: 3 of 3 files compared\n" in result.stdout
    assert (asked["references"], asked["metric"]) == ("said.jsonl", "wer")
    assert (asked["output"], asked["language"]) == ("s3://out/x/", "en")


def test_the_rules_are_passed_on_and_shown(asked: dict[str, Any]) -> None:
    rules = TextRules(normalizer="whisper", simplified=True, chinese_numbers=True)
    asked["answer"] = replace(GOOD, rules=rules)
    given = ("--normalizer", "whisper", "--simplified", "--chinese-numbers")
    assert "3 of 3 files compared; texts normalised as openai-whisper does" in _run(*given).stdout
    assert asdict(rules).items() <= asked.items()
    assert asdict(rules).items() <= json.loads(_run(*given, "--json").stdout).items()


def test_the_number_of_worst_files_can_be_chosen(asked: dict[str, Any]) -> None:
    shown = _run("--worst", "1").stdout
    assert "b.wav" in shown
    assert "a[red].wav" not in shown
    assert "worst" not in _run("--worst", "0").stdout


def test_the_json_document_has_every_row(asked: dict[str, Any]) -> None:
    document = json.loads(_run("--json").stdout)
    assert (document["files"], document["missing"], document["failed"]) == (3, 0, 0)
    assert document["metrics"] == ["wer"]
    assert document["wer"]["errors"] == 3
    assert document["cer"] is None
    assert [row["relative"] for row in document["rows"]] == ["a[red].wav", "b.wav", "c.wav"]


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_file_that_was_not_compared_exits_1(
    asked: dict[str, Any], arguments: tuple[str, ...]
) -> None:
    asked["answer"] = Evaluation(rows=(*GOOD.rows, MISSING))
    result = _run(*arguments)
    assert result.exit_code == 1
    assert "gone.wav.json does not exist" in result.stdout


def test_omitted_files_are_counted_by_kind_and_listed_up_to_a_limit(asked: dict[str, Any]) -> None:
    mute = FileResult(relative="mute.wav", outcome="without_text")
    asked["answer"] = Evaluation(rows=(*GOOD.rows, *[MISSING] * 1000, mute))
    shown = _run().stdout
    assert "3 of 1,004 files compared, 1,000 missing, 1 without text" in shown
    assert shown.count("gone.wav.json") == 20
    assert "and 981 more" in shown


def test_bad_rows_go_to_stderr(asked: dict[str, Any]) -> None:
    bad = tuple(f"said.jsonl, line {n}: not UTF-8" for n in range(1, 31))
    asked["answer"] = Evaluation(rows=GOOD.rows, bad_rows=bad)
    result = _run("--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["bad_rows"] == 30
    assert result.stderr.splitlines()[0] == "fleet: said.jsonl, line 1: not UTF-8"
    assert result.stderr.splitlines()[-1] == "fleet: and 10 more invalid rows"


def test_missing_results_explain_how_outputs_are_named(asked: dict[str, Any]) -> None:
    asked["answer"] = Evaluation(rows=(MISSING,))
    assert "outputs are named by a row's relative" in _run().stdout


def test_only_invalid_rows_leave_nothing_to_compare(asked: dict[str, Any]) -> None:
    asked["answer"] = Evaluation(rows=(), bad_rows=("said.jsonl, line 1: not UTF-8",))
    result = _run()
    assert result.exit_code == 1
    assert "no references: nothing to compare" in result.stdout


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_references_without_a_row_are_wrong_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    given = ["--references", str(empty), "--output", "s3://out/x/", *more]
    monkeypatch.setattr(sys, "argv", ["fleet", "evaluate", *given])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "empty.jsonl: The references have no row: add one row per file" in told.err


def test_an_output_that_is_not_a_prefix_is_wrong_usage(asked: dict[str, Any]) -> None:
    error = _run("--output", "s3://out").exception
    assert isinstance(error, WrongUsage)
    assert "--output must be s3://bucket/prefix/" in str(error)
    assert "references" not in asked


def test_a_missing_jiwer_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def needs_jiwer(*_: Any, **__: Any) -> Evaluation:
        raise ModuleNotFoundError(name="jiwer")

    monkeypatch.setattr(funasr_fleet, "evaluate", needs_jiwer)
    monkeypatch.setattr(sys, "argv", ["fleet", "evaluate", *GIVEN])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 2
    assert "pip install 'funasr-fleet[evaluate]'" in capsys.readouterr().err
