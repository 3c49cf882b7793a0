"""Rows with many hotwords are packed into messages that brokers and workers accept."""

from funasr_fleet.producer.planning.packing import MAX_ROWS_BYTES, PlannedFile, ShardLimits, pack


def test_rows_with_many_hotwords_do_not_exceed_the_size_of_a_message() -> None:
    row = b"x" * (MAX_ROWS_BYTES // 3)
    groups = list(pack([PlannedFile(n, row, 10, 10) for n in range(7)], ShardLimits()))
    assert [len(group) for group in groups] == [3, 3, 1]
