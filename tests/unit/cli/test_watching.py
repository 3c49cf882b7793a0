"""`fleet status --watch` over a list of statuses, on a simulated clock."""

import io

import pytest
from rich.console import Console

from funasr_fleet.cli.exits import Exit, exit_for
from funasr_fleet.cli.watching import PATIENCE_S, watch_job
from funasr_fleet.contract.queues import BrokerUnavailable
from funasr_fleet.producer.errors import JobLost, NoSuchJob
from funasr_fleet.producer.jobs.status import JobStatus
from tests.support.examples import counted, status_of, steady

AT_3 = status_of(counted({"ok": 3}, files=9), steady(10, 1, 1000))
AT_6 = status_of(counted({"ok": 6}, files=9), steady(10, 1, 1000))
OVER = status_of(counted({"ok": 9}))
AWAY = BrokerUnavailable("Redis cannot be reached")


class Story:
    """The status of each poll, and a clock that advances only in `sleep`."""

    def __init__(self, *told: JobStatus | Exception) -> None:
        self.told = list(told)
        self.now = 0.0

    def look(self) -> JobStatus:
        one = self.told.pop(0) if len(self.told) > 1 else self.told[0]
        if isinstance(one, Exception):
            raise one
        return one

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        assert self.now < 1000, "the command waits forever"

    def watch(self, screen: Console, *, quiet: bool = False) -> JobStatus:
        return watch_job(
            self.look, quiet=quiet, sleep=self.sleep, clock=lambda: self.now, screen=screen
        )


@pytest.fixture
def pipe() -> Console:
    return Console(file=io.StringIO(), width=120)


@pytest.fixture
def terminal() -> Console:
    return Console(file=io.StringIO(), width=120, height=60, force_terminal=True)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_each_change_is_one_line(
    pipe: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story(AT_3, AT_3, AT_6, AT_6, AT_6, OVER)
    assert story.watch(pipe) is OVER
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" files")[0] for line in lines] == [
        "night running: 3 of 9",
        "night running: 6 of 9",
        "night complete: 9 of 9",
    ]
    assert story.now == 25  # five polls after the first, 5 s apart


def test_a_terminal_is_redrawn_every_two_seconds(terminal: Console) -> None:
    story = Story(AT_3, AT_6, OVER)
    assert story.watch(terminal) is OVER
    text = shown(terminal)
    assert text.index("33.3 %") < text.index("66.7 %") < text.index("100 %")
    assert story.now == 4


def test_a_finished_job_is_shown_once_without_waiting(
    pipe: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    story = Story(OVER)
    story.watch(pipe)
    assert (len(capsys.readouterr().out.splitlines()), story.now) == (1, 0)


def test_watching_stops_when_the_ledger_becomes_incomplete(
    pipe: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = status_of(counted({"ok": 6}, whole=False))
    story = Story(AT_3, lost)
    assert story.watch(pipe) is lost
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("night unknown: 6 files finished")
    assert "fleet reconcile night" in last


def test_a_cancelled_job_is_watched_until_nothing_is_in_flight(pipe: Console) -> None:
    left, over = (
        status_of(counted({"ok": 3}, cancelled_at=1.0, in_flight=n, whole=False)) for n in (2, 0)
    )
    assert Story(left, left, over).watch(pipe) is over


def test_with_json_nothing_is_shown_while_waiting(
    terminal: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Story(AT_3, OVER).watch(terminal, quiet=True) is OVER
    assert shown(terminal) + capsys.readouterr().out == ""


def test_a_restart_of_redis_does_not_end_watching(pipe: Console) -> None:
    assert Story(AT_3, AWAY, AWAY, OVER).watch(pipe) is OVER


def test_an_outage_of_redis_is_an_error_after_a_minute(pipe: Console) -> None:
    story = Story(AT_3, AWAY)
    with pytest.raises(BrokerUnavailable):
        story.watch(pipe)
    assert PATIENCE_S <= story.now <= PATIENCE_S + 10


def test_an_unreachable_redis_at_the_start_is_an_error_at_once(pipe: Console) -> None:
    story = Story(AWAY)
    with pytest.raises(BrokerUnavailable):
        story.watch(pipe)
    assert story.now == 0


def test_a_job_that_vanishes_while_it_is_watched_is_lost_and_not_unknown_from_the_start(
    pipe: Console,
) -> None:
    gone = NoSuchJob("there is no job 'night'; rebuild it with `fleet reconcile night`")
    with pytest.raises(JobLost, match="fleet reconcile night") as caught:
        Story(AT_3, gone).watch(pipe)
    assert exit_for(caught.value) is Exit.UNREACHABLE
    with pytest.raises(NoSuchJob):
        Story(gone).watch(pipe)
