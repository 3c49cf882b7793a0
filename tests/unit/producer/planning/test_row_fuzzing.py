"""Some rows of `make fuzz`, and its report."""

import pytest

from tests.fuzz.changing_rows import FuzzedManifest
from tests.fuzz.manifests import RowRejected, check, run_rows

GOOD = b'{"audio": "s3://in/good.wav"}'


def test_every_changed_row_is_planned_or_is_an_invalid_row_with_its_line() -> None:
    tally = run_rows(0, 600, seed=1)
    assert tally.findings == []
    assert set(tally.outcomes) <= {"accepted", "RowRejected", "HeaderRejected"}
    assert tally.outcomes["accepted"] > 60
    assert tally.outcomes["RowRejected"] > 200
    assert tally.outcomes["HeaderRejected"] > 1


@pytest.mark.parametrize("good", [b"[]", b""])
def test_a_valid_row_that_is_lost_is_a_finding(good: bytes) -> None:
    check(FuzzedManifest("rows.jsonl", b"", GOOD, GOOD))
    with pytest.raises(RowRejected, match="line 2: "):
        check(FuzzedManifest("rows.jsonl", b"", b"[]", GOOD))
    with pytest.raises(AssertionError, match="a valid row was lost"):
        check(FuzzedManifest("rows.jsonl", b"", GOOD, good))
