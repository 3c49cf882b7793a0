"""Which reserved messages wait beside an idle child, and for how long."""

from funasr_fleet.worker.consumer.unstarted import UnstartedMessages


def looked(*looks: tuple[set[str], int]) -> UnstartedMessages:
    unstarted = UnstartedMessages()
    for waiting, idle in looks:
        unstarted.update(waiting, idle, 1.0)
    return unstarted


def test_a_message_that_was_just_reserved_has_not_waited() -> None:
    assert looked(({"a"}, 1)).longest_s == 0


def test_waiting_beside_an_idle_child_adds_up() -> None:
    unstarted = looked(*[({"a"}, 1)] * 4, ({"a", "b"}, 1))
    assert unstarted.longest_s == 4
    assert unstarted.longer_than(3.5) == {"a"}
    assert unstarted.longer_than(4) == set()


def test_waiting_for_a_busy_child_does_not_count() -> None:
    assert looked(({"a"}, 0), ({"a"}, 0), ({"a"}, -1)).longest_s == 0
    assert looked(({"a"}, 1), ({"a"}, -1), ({"a"}, 1), ({"a"}, 1)).longest_s == 2


def test_a_child_that_is_replaced_does_not_hide_the_message() -> None:
    unstarted = looked(*[({"a"}, 1)] * 4, ({"a"}, 0))
    assert unstarted.longest_s == 3
    unstarted.update({"a"}, 1, 1.0)
    assert unstarted.longest_s == 4


def test_a_message_that_was_started_is_forgotten() -> None:
    assert looked(({"a"}, 1), ({"a"}, 1), (set(), 1), ({"a"}, 1)).longest_s == 0


def test_a_new_connection_starts_anew() -> None:
    unstarted = looked(*[({"a"}, 1)] * 9)
    unstarted.clear()
    assert (unstarted.longest_s, unstarted.longer_than(0)) == (0, set())
