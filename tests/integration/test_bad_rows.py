"""Invalid rows are reported by line and do not fail the enqueue."""

import json
import uuid
from pathlib import Path

import pytest

from funasr_fleet import EnqueueResult, enqueue, reconcile, status
from funasr_fleet.contract.job import MAX_AUDIO_BYTES, MAX_CHANNEL, MAX_TIME_MS
from funasr_fleet.contract.layout import job_uri
from funasr_fleet.producer.errors import BadArgument
from funasr_fleet.producer.planning.estimating import LONGEST_MS
from funasr_fleet.settings import Settings
from funasr_fleet.storage.s3 import S3Store
from tests.support.messages import shards_waiting, wipe


@pytest.fixture
def settings(separate_fleet: Settings) -> Settings:
    """A separate fleet."""
    return separate_fleet


def bad_lines(found: EnqueueResult) -> list[int]:
    return [int(row.partition(", line ")[2].partition(":")[0]) for row in found.bad_rows]


def audio_in(settings: Settings) -> list[str]:
    return sorted(file["audio"] for shard in shards_waiting(settings) for file in shard["files"])


GOOD = [
    "",
    f', "start_ms": {MAX_TIME_MS - 1}, "end_ms": {MAX_TIME_MS}',
    f', "duration_ms": {MAX_TIME_MS}',
    f', "bytes": {MAX_AUDIO_BYTES}',
    f', "channel": {MAX_CHANNEL}',
]
BAD = [
    *(f', "{name}": 1e300' for name in ("duration_ms", "bytes", "start_ms", "end_ms", "channel")),
    *(f', "bytes": {number}' for number in (10**30, -1, "true", "NaN", "Infinity", "1e19")),
    f', "start_ms": "{"9" * 5000}"',
    f', "duration_ms": {"9" * 4000}',
    f', "duration_ms": {"9" * 5000}',
    ', "relative": "vict/_jobs/v1/report"',
    ', "id": "_jobs"',
    ', "id": "a.openai-verbose"',
    ', "id": "a.ch0"',
]


def test_rows_with_numbers_out_of_range_are_bad_rows(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    path, fields = tmp_path / "list.jsonl", [*GOOD, *BAD, *GOOD]
    rows = [f'{{"audio": "s3://audio/{n}.wav"{more}}}' for n, more in enumerate(fields)]
    path.write_text("\n".join(rows))
    found = enqueue([str(path)], output=output)
    good = [n for n, more in enumerate(fields) if more in GOOD]
    assert (found.files, found.enqueued, found.bad_row_count) == (len(good),) * 2 + (len(BAD),)
    assert bad_lines(found) == [n + 1 for n, more in enumerate(fields) if more in BAD]
    assert audio_in(settings) == sorted(f"s3://audio/{n}.wav" for n in good)
    counts = status(found.job, settings).counts
    assert (counts.files, counts.waiting, counts.published) == (len(good), len(good), True)
    wipe(settings)  # the plan can be read again
    assert reconcile(found.job, output=output, settings=settings).enqueued == len(good)


def test_invalid_numbers_in_csv_and_nemo_manifests_are_bad_rows(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    table, nemo = tmp_path / "list.csv", tmp_path / "nemo.json"
    cells = ["", "5", "1e300", "9" * 5000, "nan", "-1", "1e19"]
    lines = (f"s3://audio/{n}.wav,{cell}\n" for n, cell in enumerate(cells))
    table.write_text("audio,duration_ms\n" + "".join(lines))
    lengths = ["1.5", "1e300", "1e308", "NaN", "-1", "true", '"5"']
    nemo.write_text(
        "".join(
            f'{{"audio_filepath": "s3://audio/n{n}.wav", "offset": 1, "duration": {length}}}\n'
            f'{{"audio_filepath": "s3://audio/m{n}.wav", "offset": {length}}}\n'
            for n, length in enumerate(lengths)
        )
    )
    found = enqueue([str(table), str(nemo)], output=output)
    assert bad_lines(found) == [4, 5, 6, 7, 8, *range(3, 15)]
    expected = ["s3://audio/0.wav", "s3://audio/1.wav", "s3://audio/m0.wav", "s3://audio/n0.wav"]
    assert audio_in(settings) == expected


def test_the_estimate_of_files_of_the_maximum_size_is_capped_per_file(
    settings: Settings, output: str, tmp_path: Path
) -> None:
    path, files = tmp_path / "list.jsonl", 11_000
    row = f'{{"audio": "s3://audio/%d.amr", "bytes": {MAX_AUDIO_BYTES}}}\n'
    path.write_text("".join(row % n for n in range(files)))
    found = enqueue([str(path)], output=output)
    assert (found.enqueued, found.bad_rows) == (files, [])
    assert status(found.job, settings).counts.estimated_ms == files * LONGEST_MS


def test_audio_below_a_jobs_folder_is_a_bad_row_and_other_files_are_enqueued(
    settings: Settings, store: S3Store, output: str
) -> None:
    folder = f"s3://audio/{uuid.uuid4()}/"
    for name in ("a.wav", "_jobs/x.wav", "calls/_jobs/x.wav", "calls/my_jobs/y.wav"):
        store.write(folder + name, b"x", "audio/wav")
    found = enqueue([folder], output=output)
    assert audio_in(settings) == [f"{folder}a.wav", f"{folder}calls/my_jobs/y.wav"]
    assert [row.partition(": ")[0] for row in found.bad_rows] == [
        f"{folder}_jobs/x.wav",
        f"{folder}calls/_jobs/x.wav",
    ]
    assert all("the path component _jobs" in row for row in found.bad_rows)
    (kept,) = store.list(job_uri(output, found.job, "bad_rows/"))
    assert len(store.read(kept.uri).splitlines()) == 2


def test_the_subprocess_that_plans_reports_what_is_not_audio(
    settings: Settings, store: S3Store, output: str
) -> None:
    folder = f"s3://audio/{uuid.uuid4()}/"
    for name in ("a.txt", "b.3gp", "c/d.PDF", "e.ts", "f.txt", "g"):
        store.write(folder + name, b"x", "")
    found = enqueue([folder], output=output)
    assert audio_in(settings) == [f"{folder}b.3gp", f"{folder}e.ts"]
    assert found.ignored == {".txt": 2, "(no suffix)": 1, ".pdf": 1}
    nothing = enqueue([f"{folder}c/"], output=output)
    assert (nothing.empty, nothing.ignored) == (True, {".pdf": 1})


@pytest.mark.parametrize("below", ["_jobs/", "vict/_jobs/v1/", "_JOBS/v1/"])
def test_an_output_inside_a_jobs_folder_is_rejected(
    settings: Settings, store: S3Store, output: str, tmp_path: Path, below: str
) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(json.dumps({"audio": "s3://audio/a.wav"}))
    with pytest.raises(BadArgument, match="_jobs"):
        enqueue([str(path)], output=output + below)
    assert list(store.list(output)) == []
    assert shards_waiting(settings) == []
