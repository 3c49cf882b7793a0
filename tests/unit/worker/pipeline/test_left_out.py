"""Text that the model removes because a clip has no speech is recorded in the .json."""

from collections.abc import Sequence
from dataclasses import replace

from funasr_fleet.contract.transcript import LeftOut
from funasr_fleet.worker.engine.interface import Clip, Hints
from funasr_fleet.worker.pipeline.file_state import ChannelResult, merge_channels
from funasr_fleet.worker.text.segments import Recognition
from tests.support.audio import tone
from tests.support.examples import a_ref, a_shard
from tests.support.fake_pipeline import ScriptedEngine, Workbench


class EngineOfASilentRoom(ScriptedEngine):
    """Removes the text "zero" of every clip, as Whisper does for a clip without speech."""

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        return [
            replace(one, text="", words=None, left_out="zero", probably_no_speech=True)
            if one.text == "zero"
            else one
            for one in super().recognise(clips, hints)
        ]


def test_removed_text_is_recorded_with_its_times() -> None:
    bench = Workbench(engine=EngineOfASilentRoom())
    bench.run(a_shard(a_ref(bench.upload("a.wav", tone(3.0)), start_ms=2000)))
    document = bench.document("a.wav.json")
    assert document["text"] == "three nine"
    assert document["warnings"] == ["probably_no_speech"]
    assert document["left_out"] == [{"start_ms": 2600, "end_ms": 2900, "text": "zero"}]


def _without_text(channel: int, text: LeftOut) -> ChannelResult:
    return ChannelResult(channel=channel, segments=(), speech_ms=100, left_out=(text,))


def test_texts_left_out_of_both_channels_are_merged_by_time() -> None:
    late, early = (LeftOut(start_ms=ms, end_ms=ms + 5, text="you") for ms in (20, 10))
    merged = merge_channels([_without_text(0, late), _without_text(1, early)])
    assert merged.left_out == (early, late)
