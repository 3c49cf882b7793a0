"""`fleet enqueue`: its final output, and what it rejects before it starts."""

import json
from typing import Any

import pytest
from typer.testing import Result

import funasr_fleet
from funasr_fleet import EnqueueResult
from funasr_fleet.broker.ledger import JobCounts
from funasr_fleet.cli.enqueue import _sentence, enqueue
from funasr_fleet.cli.exits import WrongUsage
from funasr_fleet.contract.job import FORMATS, Options
from funasr_fleet.contract.queues import DEFAULT_PRIORITY
from funasr_fleet.producer import api
from funasr_fleet.producer.api import MAX_READY
from funasr_fleet.producer.estimate.cost import DryRun
from funasr_fleet.producer.jobs.status import JobStatus
from funasr_fleet.producer.planning.packing import ShardLimits
from tests.support.estimates import a_dry_run
from tests.support.examples import counted, invoke, status_of


def _result(**fields: Any) -> EnqueueResult:
    return EnqueueResult(job="night", output="s3://out/", **fields)


@pytest.mark.parametrize(
    ("found", "phrases"),
    [
        (_result(), ["no audio found"]),
        (_result(files=3, skipped=3), ["3 files found", "none needs to be enqueued"]),
        (
            _result(files=5, skipped=2, enqueued=3, shards=1),
            ["5 files found", "2 skipped", "3 enqueued", "1 shards", "fleet status night"],
        ),
        (
            _result(files=9, enqueued=3, shards=1, cancelled=True),
            ["night was cancelled", "3 files were enqueued before that"],
        ),
        (_result(cancelled=True), ["night was cancelled", "0 files were enqueued before that"]),
    ],
)
def test_one_sentence_summarises_the_result(found: EnqueueResult, phrases: list[str]) -> None:
    sentence = _sentence(found)
    assert all(phrase in sentence for phrase in phrases)
    assert "\n" not in sentence


def _run(*arguments: str) -> Result:
    return invoke(enqueue, "s3://in/", "--output", "s3://out/", *arguments)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Arguments of the producer's `enqueue`, which is replaced and finds one file."""
    heard: dict[str, Any] = {}

    def listen(sources: list[str], **keywords: Any) -> EnqueueResult:
        heard.update(keywords, sources=sources)
        bad, warnings = heard.get("bad", []), heard.get("warnings", [])
        for warning in warnings:
            keywords["warn"](warning)
        found = _result(files=1, enqueued=1, shards=1, bad_rows=bad, bad_row_count=len(bad))
        found.warnings, found.empty = warnings, heard.get("empty", False)
        found.ignored = heard.get("ignored", {})
        return found

    monkeypatch.setattr(funasr_fleet, "enqueue", listen)
    return heard


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (
            "--formats json,srt --hotwords a,b --timestamps word",
            {"formats": ("json", "srt"), "hotwords": ("a", "b"), "timestamps": "word"},
        ),
        (
            "--no-itn --speaker-count 2 --segments sentence --second-look",
            {"itn": False, "speaker_count": 2, "segments": "sentence", "second_look": True},
        ),
        (
            "--merge-seconds 15 --max-segment-seconds 30 --audio-track 0",
            {"merge_seconds": 15, "max_segment_seconds": 30, "audio_track": 0},
        ),
    ],
)
def test_options_reach_the_producer_as_they_were_given(
    asked: dict[str, Any], arguments: str, options: dict[str, Any]
) -> None:
    assert _run("--job", "n", "--model", "iic/x", *arguments.split()).exit_code == 0
    assert (asked["sources"], asked["output"]) == (["s3://in/"], "s3://out/")
    assert (asked["job"], asked["overwrite"], asked["model"]) == ("n", False, "iic/x")
    assert asked["options"] == Options(**options)


def test_what_is_not_given_is_left_to_the_producer(asked: dict[str, Any]) -> None:
    assert _run().exit_code == 0
    assert (asked["model"], asked["options"]) == (None, Options())
    assert asked.keys().isdisjoint({"limits", "max_ready"})
    assert asked["priority"] == DEFAULT_PRIORITY


@pytest.mark.parametrize("formats", ["all", "json,all"])
def test_all_stands_for_every_format(asked: dict[str, Any], formats: str) -> None:
    assert _run("--formats", formats).exit_code == 0
    assert asked["options"].formats == FORMATS


def test_what_is_not_audio_is_counted_on_stderr_and_in_the_json_document(
    asked: dict[str, Any],
) -> None:
    assert _run().stderr == ""
    asked["ignored"] = {".txt": 10, ".pdf": 2}
    said = _run("--json")
    assert said.stderr == "fleet: ignored: 12 (.txt 10, .pdf 2)\n"
    assert json.loads(said.stdout)["ignored"] == asked["ignored"]


def test_a_warning_is_on_stderr_and_in_the_json_document(asked: dict[str, Any]) -> None:
    asked["warnings"] = ["no worker serves x now"]
    result = _run("--json")
    assert (result.exit_code, result.stderr) == (0, "fleet: no worker serves x now\n")
    document = json.loads(result.stdout)
    assert document["warnings"] == ["no worker serves x now"]
    assert (document["job"], document["files"], document["enqueued"]) == ("night", 1, 1)


def test_given_limits_reach_the_producer(asked: dict[str, Any]) -> None:
    result = _run("--max-shard-seconds", "90", "--max-ready", "7", "--priority", "9")
    assert result.exit_code == 0
    assert asked["limits"] == ShardLimits(seconds=90)
    assert (asked["max_ready"], asked["priority"]) == (7, 9)


def test_the_help_names_every_format_and_the_defaults_of_the_producer() -> None:
    assert (ShardLimits().seconds, MAX_READY) == (2 * 3600, 1_000_000 / 2)
    text = " ".join(_run("--help").stdout.replace("│", " ").split())
    for phrase in (*FORMATS, "all", "two hours by default", "half a million by default"):
        assert phrase in text


@pytest.mark.parametrize(("bad_rows", "code"), [(0, 0), (2, 1)])
def test_a_dry_run_passes_every_option_on_and_has_the_code_of_a_real_run(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch, bad_rows: int, code: int
) -> None:
    heard: dict[str, Any] = {}

    def estimate(sources: list[str], **keywords: Any) -> DryRun:
        heard.update(keywords, sources=sources)
        return a_dry_run(bad_rows=bad_rows)

    monkeypatch.setattr(api, "estimate", estimate)
    options = ("--strict", "--overwrite", "--job", "n", "--timestamps", "word", "--model", "m")
    assert _run(*options).exit_code == 0
    assert _run(*options, "--dry-run", "--gpus", "3").exit_code == code
    own = {"gpus": 3, "rtfx": None, "gpu_hour_price": None}
    ignored = {"warn", "progress"}
    assert {key: heard[key] for key in heard.keys() - ignored} == {
        **{key: asked[key] for key in asked.keys() - ignored},
        **own,
    }
    error = _run("--dry-run", "--hotwords", "http://x").exception
    assert isinstance(error, WrongUsage)


@pytest.fixture
def waited(asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replaces the status that `--wait` polls."""

    def look(job: str) -> JobStatus:
        asked["looked"] = job
        return status_of(asked["counts"])

    monkeypatch.setattr(funasr_fleet, "status", look)
    return asked


@pytest.mark.parametrize(
    ("counts", "bad", "code"),
    [
        (counted({"ok": 5}), [], 0),
        (counted({"ok": 5}), ["line 2: bad"], 1),
        (counted({"ok": 5, "failed": 1}), [], 1),
        (counted({"ok": 5, "cancelled": 1}, cancelled_at=5.0), [], 1),
        (counted({"ok": 5}, files=9, cancelled_at=5.0), [], 1),
        (counted({"ok": 5}, whole=False), [], 3),
        (counted({"ok": 5}, whole=False), ["line 2: bad"], 3),
    ],
)
@pytest.mark.parametrize("arguments", [("--wait",), ("--wait", "--json")])
def test_waiting_exits_with_the_code_of_the_job(
    waited: dict[str, Any], counts: JobCounts, bad: list[str], code: int, arguments: tuple[str, ...]
) -> None:
    waited.update(counts=counts, bad=bad)
    result = _run(*arguments)
    assert (result.exit_code, waited["looked"]) == (code, "night")
    assert ("fleet reconcile night" in result.output) == (code == 3)


def test_an_empty_backlog_is_not_waited_for(waited: dict[str, Any]) -> None:
    waited["empty"] = True
    assert _run("--wait").exit_code == 0
    assert "looked" not in waited


def test_invalid_rows_are_reported_and_the_rest_is_enqueued(asked: dict[str, Any]) -> None:
    asked["bad"] = ["list.jsonl, line 2: audio: missing"]
    result = _run()
    assert result.exit_code == 1
    assert "fleet: list.jsonl, line 2: audio: missing" in result.stderr
    assert "1 enqueued" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--formats", "json,docx"), "--formats"),
        (("--timestamps", "never"), "--timestamps"),
        (("--channels", "left"), "--channels"),
        (("--language", "xx"), "--language: must be a language, such as en"),
        (("--language", "*"), "--language: must be a language, such as en"),
        (("--output", "s3://out"), "--output must be s3://bucket/prefix/"),
        (
            ("--output", f"s3://out/{'a' * 650}/"),
            "--output must have a prefix of at most 650 bytes",
        ),
        (
            ("--output", "s3://out/vict/_jobs/v1/"),
            "--output must not contain the path component _jobs",
        ),
    ],
)
def test_an_invalid_option_is_named_before_anything_is_published(
    asked: dict[str, Any], arguments: tuple[str, str], named: str
) -> None:
    error = _run(*arguments).exception
    assert isinstance(error, WrongUsage)
    assert str(error).startswith(named)
    assert asked == {}
