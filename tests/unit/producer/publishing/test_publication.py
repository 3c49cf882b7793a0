"""Above the high mark nothing is sent until half of it is gone."""

import pytest

from funasr_fleet.producer.publishing.publication import wait_for_room


class Queue:
    """Holds so many messages at each look; counts the waits."""

    def __init__(self, *ready: int) -> None:
        self.ready = list(ready)
        self.waits = 0

    def look(self) -> int:
        return self.ready.pop(0)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.waits += 1


@pytest.mark.parametrize(
    ("ready", "room", "waits"),
    [([0], 100, 0), ([99], 1, 0), ([100, 51, 50], 50, 2), ([150, 20], 80, 1)],
)
def test_room_is_what_the_high_mark_leaves(ready: list[int], room: int, waits: int) -> None:
    queue, told = Queue(*ready), list[int]()
    assert wait_for_room(100, queue.look, lambda: False, told.append, queue.sleep) == room
    assert (queue.waits, told) == (waits, ready[:waits])


def test_who_is_stopped_does_not_wait() -> None:
    queue = Queue(100)
    assert wait_for_room(100, queue.look, lambda: True, lambda _: None, queue.sleep) == 0
    assert queue.waits == 0
