"""`fleet dead list`, `requeue` and `drop`."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import funasr_fleet
from funasr_fleet.broker.dead_letters import DeadLetter
from funasr_fleet.cli.dead import app
from funasr_fleet.cli.exits import Exit, exit_for
from funasr_fleet.producer.dead_letters.requeue import RequeueResult
from funasr_fleet.producer.dead_letters.select import DeadList, DropResult
from funasr_fleet.producer.errors import NothingChosen

LETTER = DeadLetter(
    message_id="night-00000-0003",
    reason="it ended its worker 3 times:\n SIGSEGV",
    document={"job": "night", "files": [{"audio": "s3://in/a\x1b[2J.mp3"}, {"audio": "s3://in/b"}]},
    worker="fleet@host",
    at="2026-11-22T12:00:00Z",
    device="cuda:1",
)
NO_SHARD = DeadLetter(
    message_id="odd", reason="malformed shard", document=[1], worker="w", at="2026-11-21T00:00:00Z"
)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Replaces the producer's functions: their results, and the arguments of the last call."""
    known: dict[str, Any] = {
        "list": DeadList(letters=(LETTER, NO_SHARD), total=1204),
        "requeue": RequeueResult(requeued=2, files=51),
        "drop": DropResult(dropped=1),
    }

    def answer(name: str) -> Any:
        def told(*arguments: Any, **named: Any) -> Any:
            known["asked"] = (*arguments, named)
            return known[name]

        return told

    for name in ("list", "requeue", "drop"):
        monkeypatch.setattr(funasr_fleet, f"{name}_dead", answer(name))
    return known


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_the_list_has_file_reason_worker_and_time(asked: dict[str, Any]) -> None:
    result = run("list", "--job", "night", "--limit", "7")
    assert asked["asked"] == ("night", {"limit": 7})
    first, second, end = result.stdout.split("\n\n")
    assert first.splitlines() == [
        "night-00000-0003",
        "  job    night",
        "  file   s3://in/a\\u001b[2J.mp3 and 1 others",
        "  reason it ended its worker 3 times: SIGSEGV",
        "  worker fleet@host",
        "  device cuda:1",
        "  when   2026-11-22T12:00:00Z",
    ]
    assert second.splitlines()[:2] == ["odd", "  file   none: not a shard"]
    assert end.startswith("2 of 1,204 dead letters of job night; ")


def test_the_list_can_be_one_json_document() -> None:
    document = json.loads(run("list", "--json").stdout)
    assert document["total"] == 1204
    first, second = document["letters"]
    assert (first["job"], first["files"][1], first["device"]) == ("night", "s3://in/b", "cuda:1")
    assert "document" not in first  # its addresses may contain signatures
    assert (second["job"], second["files"]) == (None, [])


def test_an_empty_list_of_dead_letters_says_so(asked: dict[str, Any]) -> None:
    asked.update({"list": DeadList(letters=(), total=0), "requeue": RequeueResult()})
    assert run("list").stdout == "no dead letters\n"
    result = run("requeue", "--job", "night")
    assert (result.exit_code, result.stdout) == (0, "no dead letters of job night: nothing to do\n")


@pytest.mark.parametrize("command", ["requeue", "drop"])
def test_the_selection_of_dead_letters_is_passed_on(command: str, asked: dict[str, Any]) -> None:
    for arguments, expected in (
        (("a", "b"), {"ids": ["a", "b"], "job": None, "everything": False}),
        (("--job", "night"), {"ids": (), "job": "night", "everything": False}),
        (("--all",), {"ids": (), "job": None, "everything": True}),
    ):
        assert run(command, *arguments).exit_code == 0
        assert asked["asked"][0] == expected


def test_requeue_reports_counts_and_the_command_to_watch() -> None:
    assert run("requeue", "--all").stdout == "2 dead letters (51 files) enqueued again\n"
    assert "fleet status night" in run("requeue", "--job", "night").stdout


def test_dead_letters_that_cannot_be_requeued_are_listed_and_exit_1(asked: dict[str, Any]) -> None:
    result = RequeueResult(requeued=1, files=1)
    for number in range(1002):
        result.refuse(f"odd-{number}", "it is no shard")
    asked["requeue"] = result
    told = run("requeue", "--all")
    assert told.exit_code == Exit.SOME_FAILED
    assert told.stdout == "1 dead letter (1 files) enqueued again\n"
    assert "fleet: odd-0 not requeued: it is no shard\n" in told.stderr
    assert told.stderr.endswith("fleet: 2 more not requeued\n")
    document = json.loads(run("requeue", "--all", "--json").stdout)
    assert (document["requeued"], document["refused"]) == (1, 1002)
    assert document["refusals"][0] == {"message_id": "odd-0", "why": "it is no shard"}


def test_dropping_an_unknown_dead_letter_exits_1(asked: dict[str, Any]) -> None:
    assert run("drop", "a").stdout == "1 dead letter dropped\n"
    asked["drop"] = DropResult(dropped=0, unknown=["b"])
    result = run("drop", "b")
    assert (result.exit_code, result.stdout) == (Exit.SOME_FAILED, "")
    assert result.stderr == "fleet: no dead letter has the id b\n"
    assert json.loads(run("drop", "b", "--json").stdout) == {"dropped": 0, "unknown": ["b"]}


@pytest.mark.parametrize("command", ["requeue", "drop"])
@pytest.mark.parametrize("arguments", [(), ("a", "--all"), ("--job", "night", "--all")])
def test_a_selection_of_dead_letters_is_required(
    command: str, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    error = run(command, *arguments).exception
    assert isinstance(error, NothingChosen)
    assert exit_for(error) == Exit.WRONG_USAGE
    assert "or all of them" in str(error)
