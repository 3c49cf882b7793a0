"""Some messages of `make fuzz`: a worker does every valid message among them."""

import pytest

from tests.fuzz.messages import GROUP, run_messages


@pytest.mark.slow
def test_no_fuzzed_message_ends_a_child_or_keeps_a_valid_one_from_being_done() -> None:
    tally = run_messages(10 * GROUP, seed=1)
    assert tally.findings == []
    assert tally.inputs == 10 * GROUP
    assert min(tally.outcomes.values()) > GROUP
