"""Files of a shard are recognised together, with and without preparing the next ones ahead."""

import threading
import weakref
from typing import Any

import pytest

from funasr_fleet.storage.base import ObjectInfo, StoreUnavailable
from funasr_fleet.worker.engine.interface import Hints
from funasr_fleet.worker.errors import DeviceLost, ModelError
from funasr_fleet.worker.events import InferenceTime
from funasr_fleet.worker.pipeline.fetch import FetchedFile
from funasr_fleet.worker.pipeline.file_state import FileInProgress
from funasr_fleet.worker.text.spans import Span
from tests.support.audio import Planes, tone
from tests.support.examples import a_ref, a_shard
from tests.support.fake_pipeline import EVERYTHING, Workbench, wait_for
from tests.support.groups import one_group, small_groups


@pytest.fixture(params=[False, True], ids=["on the CPU", "beside a device"])
def bench(request: pytest.FixtureRequest) -> Workbench:
    return Workbench(ahead=request.param)


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("funasr_fleet.worker.pipeline.pipeline.in_groups", one_group)


@pytest.mark.usefixtures("together")
def test_the_clips_of_all_files_go_through_the_recogniser_at_once(bench: Workbench) -> None:
    uris = [bench.upload(f"{name}.wav") for name in "abcde"]
    bench.run(a_shard(*uris))
    assert bench.engine.groups == [10]
    assert {bench.document(f"{name}.wav.json")["text"] for name in "abcde"} == {"three nine zero"}
    assert bench.recorded == [(number, "ok", 1000) for number in range(5)]


@pytest.mark.usefixtures("together")
def test_files_with_other_hints_do_not_share_a_batch(bench: Workbench) -> None:
    refs = [
        a_ref(bench.upload("a.wav"), index=0),
        a_ref(bench.upload("b.wav"), index=1, options={"language": "zh"}),
        a_ref(bench.upload("c.wav"), index=2),
    ]
    bench.run(a_shard(*refs))
    assert bench.engine.hints == [Hints(), Hints(language="zh")]
    assert bench.engine.groups == [4, 2]


@pytest.mark.usefixtures("together")
def test_a_failing_speaker_model_does_not_affect_other_files(bench: Workbench) -> None:
    bench.engine.voiceless = ModelError("no speaker model")
    uris = [bench.upload(f"{name}.wav") for name in "abc"]
    asking = a_ref(uris[1], index=1, options={"speakers": True})
    bench.run(a_shard(a_ref(uris[0], index=0), asking, a_ref(uris[2], index=2)))
    assert sorted(bench.outcomes) == ["failed", "ok", "ok"]
    assert bench.engine.groups == [6]


@pytest.mark.usefixtures("together")
def test_the_time_of_a_group_is_shared_out_among_its_files(bench: Workbench) -> None:
    bench.run(a_shard(*(bench.upload(f"{name}.wav") for name in "abc")))
    shares = [event.stages_s["recognise"] for event in bench.finished]
    assert shares == pytest.approx([shares[0]] * 3)
    worked = sum(event.seconds for event in bench.events if isinstance(event, InferenceTime))
    assert worked >= sum(shares)


def test_every_file_ends_once_however_small_the_groups_are(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("funasr_fleet.worker.pipeline.pipeline.in_groups", small_groups)
    uris = [bench.upload(f"{number}.wav", tone(0.95)) for number in range(20)]
    bench.run(a_shard(*uris, "s3://in/gone.wav"))
    assert sorted(index or 0 for index, *_ in bench.recorded) == list(range(21))
    assert bench.outcomes.count("ok") == 20
    assert len(bench.outputs()) == 21


@pytest.mark.parametrize("error", [DeviceLost("CUDA error"), StoreUnavailable("away")])
def test_a_shard_that_breaks_off_leaves_no_thread_and_asks_storage_for_few_files(
    bench: Workbench, error: Exception
) -> None:
    before = threading.active_count()
    uris = [bench.upload(f"{number}.wav", tone(25)) for number in range(40)]
    if isinstance(error, DeviceLost):
        bench.engine.failures = {1: error}
    else:
        bench.store.failing_reads = dict.fromkeys(uris, error)
    with pytest.raises(type(error)):
        bench.run(a_shard(*uris))
    assert threading.active_count() == before
    assert len(bench.store.reads) < 30


def test_a_long_file_that_fails_midway_blocks_nothing(bench: Workbench) -> None:
    """Eight minutes exceed the decode-ahead limit: the waiting decoder must be released."""
    long = [bench.upload(f"{name}.wav", tone(480)) for name in "ab"]
    bench.max_audio_s = 1000
    bench.engine.deaf = {0: ModelError("odd"), 1: ModelError("odd")}
    bench.run(a_shard(*long, bench.upload("c.wav")))
    assert bench.outcomes == ["failed", "failed", "ok"]


def test_silent_files_have_their_outcome_before_the_last_one_is_fetched(bench: Workbench) -> None:
    bench.engine.script = {}
    uris = [bench.upload(f"{number}.wav") for number in range(400)]
    bench.store.failing_reads = {uris[-1]: DeviceLost("pulled")}
    with pytest.raises(DeviceLost):
        bench.run(a_shard(*uris))
    assert len(bench.recorded) > 100


def test_a_failed_file_keeps_no_audio_in_memory(bench: Workbench) -> None:
    hearing = FileInProgress(FetchedFile(file_job=None, decoder=None))  # type: ignore[arg-type]
    held = weakref.ref(raised_among_samples(hearing))
    assert hearing.error
    assert held() is None


def raised_among_samples(hearing: FileInProgress) -> Planes:
    samples = tone(1)
    try:
        try:
            samples[9, 9] = 1
        except IndexError as error:
            raise ModelError("odd") from error
    except ModelError as error:
        hearing.fail(error)
    return samples


@pytest.mark.usefixtures("together")
def test_word_times_are_requested_when_one_file_of_a_batch_needs_them(bench: Workbench) -> None:
    uris = [bench.upload(f"{name}.wav") for name in "ab"]
    wanting = a_ref(uris[1], index=1, options={"timestamps": "word"})
    bench.run(a_shard(a_ref(uris[0], index=0), wanting))
    assert [hints.word_times for hints in bench.engine.hints] == [True]
    assert bench.document("a.wav.json")["segments"][0]["words"] is None
    assert bench.document("b.wav.json")["segments"][0]["words"]


def test_a_file_has_its_outcome_while_the_next_one_is_still_being_fetched(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("funasr_fleet.worker.pipeline.pipeline.GROUP_WORK_S", 0.1)
    monkeypatch.setattr("funasr_fleet.worker.pipeline.vad._WAIT_S", 0.1)
    uris = [bench.upload(f"{name}.wav", tone(0.95 + n)) for n, name in enumerate("ab")]
    download, recorded_meanwhile = bench.store.download, []

    def slow_download(uri: str, *args: Any) -> ObjectInfo:
        if uri == uris[1]:
            recorded_meanwhile.append(wait_for(lambda: len(bench.recorded) == 1))
        return download(uri, *args)

    monkeypatch.setattr(bench.store, "download", slow_download)
    bench.run(a_shard(*uris))
    assert recorded_meanwhile == [True]
    assert bench.outcomes == ["ok", "ok"]


def test_a_model_without_batches_finishes_file_by_file(bench: Workbench) -> None:
    bench.engine.abilities = EVERYTHING.model_copy(update={"batch": False})
    bench.run(a_shard(*(bench.upload(f"{number}.wav") for number in range(5))))
    assert bench.engine.groups == [2] * 5


def test_a_slow_model_finishes_file_by_file(bench: Workbench) -> None:
    bench.speed.add(speech_s=1.0, work_s=20.0)
    bench.run(a_shard(*(bench.upload(f"{number}.wav") for number in range(5))))
    assert bench.engine.groups[0] == 2


def test_files_are_recognised_together_once_the_model_is_known_to_be_fast(
    bench: Workbench,
) -> None:
    bench.speed.add(speech_s=1000.0, work_s=1.0)
    bench.engine.script = {Span(0, 10_000): "three nine"}
    bench.run(a_shard(*(bench.upload(f"{number}.wav", tone(10)) for number in range(5))))
    assert bench.engine.groups == ([3, 2] if bench.ahead else [5])


def test_the_first_group_of_a_process_is_small(bench: Workbench) -> None:
    bench.engine.script = {Span(0, 10_000): "three nine"}
    bench.run(a_shard(*(bench.upload(f"{number}.wav", tone(10)) for number in range(5))))
    assert bench.engine.groups == [3, 2]
    assert bench.speed.value
    assert bench.speed.value > 0
