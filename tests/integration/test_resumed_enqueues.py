"""A resumed enqueue reports what was published before; `status` counts the queue's messages."""

import json
from pathlib import Path
from typing import Any

import pytest

from funasr_fleet import enqueue, status
from funasr_fleet.broker.ledger import JobWriter, connect
from funasr_fleet.cli.enqueue import enqueue as enqueue_command
from funasr_fleet.settings import Settings
from tests.support.examples import invoke
from tests.support.messages import shards_waiting


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet without workers: messages stay in the queue."""
    return separate_fleet


def rows(files: int) -> str:
    return "".join(f'{{"audio": "s3://audio/calls/{number}.wav"}}\n' for number in range(files))


def test_an_enqueue_that_ended_before_its_last_step_is_resumed_with_its_counts(
    settings: Settings, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(rows(3))

    def die(*_: object) -> None:
        raise InterruptedError

    with monkeypatch.context() as patch:
        patch.setattr(JobWriter, "end_publishing", die)
        with pytest.raises(InterruptedError):
            enqueue([str(path)], output=output, job="night")
    assert status("night").progress.state == "planning"
    again = invoke(enqueue_command, str(path), "--output", output, "--job", "night")
    assert "no audio" not in again.output
    assert "3 files found; all were published or skipped before" in again.output
    assert status("night").progress.state == "running"
    assert len(shards_waiting(settings)) == 1
    result = enqueue([str(path)], output=output, job="night")
    assert result.published_before


def test_the_unacknowledged_messages_of_a_job_are_those_of_its_queue(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    (tmp_path / "list.jsonl").write_text(rows(1))
    job = enqueue([str(tmp_path / "list.jsonl")], output=output).job
    lanes = {"a": settings.queue, "b": f"{settings.queue}.2", "c": "another-queue"}
    held = {tag: json.dumps([{}, "", lane]) for tag, lane in lanes.items()}
    redis: Any = connect(settings)
    redis.hset(f"{settings.key_prefix}unacked", mapping=held)
    assert (status(job).ready_messages, status(job).unacked_messages) == (1, 2)
