"""A file of a job does not replace the result of another file of the same job."""

from typing import Any

import pytest

from funasr_fleet.contract.job import AudioRef
from tests.support.audio import tone
from tests.support.examples import a_shard
from tests.support.fake_pipeline import Workbench


@pytest.fixture
def done(bench: Workbench) -> Workbench:
    """A workbench in which the file of index 0, a.wav, has a result, and nothing is recorded."""
    bench.run(a_shard(bench.upload("a.wav")))
    bench.events.clear()
    bench.engine.lengths_ms.clear()
    return bench


@pytest.mark.parametrize(
    "ref",
    [
        {"audio": "s3://in/b.wav"},
        {"audio": "s3://in/b.wav", "index": 0},
        {"audio": "s3://in/b.wav", "index": None},
        {"start_ms": 50},
        {"end_ms": 700},
        {"channel": 0},
    ],
)
@pytest.mark.parametrize("changed", [{}, {"overwrite": True}])
def test_a_result_of_another_file_of_the_job_is_kept(
    done: Workbench, ref: dict[str, Any], changed: dict[str, Any]
) -> None:
    """No report is written either: its name would be that of the other file's."""
    done.upload("b.wav", tone(1.5))
    before = done.store.objects["out"].copy()
    other = {"audio": "s3://in/a.wav", "index": 1, **ref}
    done.run(a_shard(AudioRef(relative="a.wav", **other), shard="night-1", **changed))
    assert done.outcomes == ["failed"]
    assert done.finished[0].is_name_taken
    assert (done.finished[0].error_kind, done.store.objects["out"]) == ("model_error", before)
    reason = done.finished[0].error or ""
    assert "job night has a result of s3://in/a.wav with the output name a.wav; send" in reason


@pytest.mark.parametrize(
    ("ref", "changed"),
    [
        ({"audio": "s3://in/a.wav", "end_ms": 99_000}, {"options": {"formats": ["srt"]}}),
        ({"audio": "s3://in/b.wav"}, {"job": "other"}),
    ],
)
def test_an_outdated_result_of_the_file_or_of_another_job_is_replaced(
    done: Workbench, ref: dict[str, Any], changed: dict[str, Any]
) -> None:
    done.upload("b.wav", tone(1.5))
    given = {"index": 1, "relative": "a.wav", **ref}
    done.run(a_shard(AudioRef.model_validate(given), **changed))
    assert (done.outcomes, len(done.engine.lengths_ms)) == (["ok"], 1)


def test_files_of_shards_without_a_job_replace_each_other(bench: Workbench) -> None:
    for name in ("a.wav", "b.wav"):
        ref = AudioRef(audio=bench.upload(name), relative="a.wav")
        bench.run(a_shard(ref, job=None))
    assert bench.outcomes == ["ok", "ok"]
    assert bench.document("a.wav.json")["audio"]["uri"] == "s3://in/b.wav"
