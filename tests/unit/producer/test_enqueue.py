"""How a job is named, and which rows of its sources are kept."""

import re

from producer.enqueue import EnqueueResult, _keep_good, new_job_name
from producer.sources.interface import BadRow
from tests.unit.examples import a_ref


def test_jobs_begun_in_the_same_second_are_two_jobs() -> None:
    names = {new_job_name() for _ in range(50)}
    assert len(names) == 50
    assert all(re.fullmatch(r"job-\d{8}-\d{6}-[0-9a-f]{6}", name) for name in names)


def test_bad_rows_are_kept_apart_from_files_and_counted_as_none() -> None:
    result = EnqueueResult(job="night", output="s3://out/")
    first, bad, last = (
        a_ref("s3://in/a.wav"),
        BadRow("list.jsonl, line 2", "audio: missing"),
        a_ref(),
    )
    assert list(_keep_good([first, bad, last], result)) == [first, last]
    assert result.files == 2
    assert result.bad_rows == ["list.jsonl, line 2: audio: missing"]
