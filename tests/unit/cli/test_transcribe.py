"""`fleet transcribe`: the arguments that it passes to the producer, and its output."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

import funasr_fleet
from funasr_fleet import Transcription
from funasr_fleet.cli.exits import WrongUsage
from funasr_fleet.cli.transcribe import Printed, _progress, transcribe
from funasr_fleet.contract.job import Options
from funasr_fleet.producer.single_file import FileFailed, NoResult
from funasr_fleet.worker.formats import RENDERERS
from funasr_fleet.worker.formats.interface import Renderer
from tests.support.examples import a_segment, a_transcript, an_error_report, invoke
from tests.support.memory_store import MemoryStore

URI = "s3://scratch/results/1/a.wav.json"
DONE = Transcription(uri=URI, transcript=a_transcript(a_segment(0, 900, "\u4f60 three")))
REPORT = an_error_report("poison", "it bit")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Arguments of the producer's `transcribe`, which is replaced and raises "raise" if set."""
    heard: dict[str, Any] = {}
    store = MemoryStore("scratch")
    store.write(URI, DONE.transcript.to_json(), "application/json")
    store.write(URI.removesuffix("json") + "srt", b"1\n00:00:00,000 --> \n", "text/plain")

    def listen(audio: str, **keywords: Any) -> Transcription:
        heard.update(keywords, audio=audio)
        for warning in heard.get("warnings", []):
            keywords["warn"](warning)
        if "raise" in heard:
            raise heard["raise"]
        return DONE

    monkeypatch.setattr(funasr_fleet, "transcribe", listen)
    monkeypatch.setattr("funasr_fleet.storage.s3.S3Store", lambda: store)
    return heard


def _run(*arguments: str) -> Result:
    return invoke(transcribe, "s3://in/a.wav", *arguments)


def test_the_text_alone_is_on_stdout(asked: dict[str, Any]) -> None:
    result = _run()
    assert (result.exit_code, result.stdout, result.stderr) == (0, "\u4f60 three\n", "")
    assert (asked["audio"], asked["timeout_s"], asked["scratch"]) == ("s3://in/a.wav", 600, None)
    assert (asked["options"], asked["model"]) == (Options(), None)


def test_the_model_is_passed_on_and_warnings_go_to_stderr(asked: dict[str, Any]) -> None:
    asked["warnings"] = ["no worker serves x now"]
    result = _run("--model", "x")
    assert asked["model"] == "x"
    assert (result.stdout, result.stderr) == ("\u4f60 three\n", "fleet: no worker serves x now\n")


@pytest.mark.parametrize("printed", [one for one in Printed if one is not Printed.TEXT])
def test_every_printed_format_is_the_extension_of_its_file(printed: Printed) -> None:
    names: dict[str, Renderer] = {str(name): one for name, one in RENDERERS.items()}
    assert names[printed.value].extension == printed.value


def test_options_reach_the_producer_as_they_were_given(asked: dict[str, Any]) -> None:
    options = ("--language", "zh", "--hotwords", "a,b", "--timestamps", "word", "--format", "srt")
    result = _run(*options, "--audio-track", "1", "--timeout", "5", "--scratch", "s3://b/x/")
    assert result.stdout == "1\n00:00:00,000 --> \n"
    assert (asked["timeout_s"], asked["scratch"]) == (5, "s3://b/x/")
    assert asked["options"] == Options(
        formats=("json", "srt"),
        language="zh",
        hotwords=("a", "b"),
        timestamps="word",
        audio_track=1,
    )


def test_format_json_prints_the_result_from_s3_unchanged(asked: dict[str, Any]) -> None:
    assert _run("--format", "json").stdout.encode() == DONE.transcript.to_json()


def test_the_json_document_names_the_result(asked: dict[str, Any]) -> None:
    document = json.loads(_run("--json").stdout)
    assert (document["audio"], document["result"]) == ("s3://in/a.wav", URI)
    assert document["transcript"] == json.loads(DONE.transcript.to_json())


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (FileFailed(URI, REPORT), 1, "fleet: s3://in/a.wav was not transcribed: poison: it bit\n"),
        (NoResult("no result within 5 s"), 3, "fleet: no result within 5 s\n"),
    ],
)
def test_a_failure_is_one_sentence_and_an_exit_code(
    asked: dict[str, Any], error: Exception, code: int, said: str
) -> None:
    asked["raise"] = error
    result = _run()
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", said)


def test_a_failure_has_a_json_document(asked: dict[str, Any]) -> None:
    asked["raise"] = FileFailed(URI, REPORT)
    document = json.loads(_run("--json").stdout)
    assert (document["error"]["kind"], document["transcript"]) == ("poison", None)


def test_an_invalid_option_is_named_before_anything_is_sent(asked: dict[str, Any]) -> None:
    error = _run("--hotwords", "http://x").exception
    assert isinstance(error, WrongUsage)
    assert str(error).startswith("--hotwords")
    assert asked == {}


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_only_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], terminal: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    say: Callable[[str], None]
    with _progress() as say:
        say("uploading [bold]a.wav")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert ("uploading [bold]a.wav" in printed.err) is terminal
