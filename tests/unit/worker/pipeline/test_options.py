"""What a job asks for is done, or refused with its reason, through the whole pipeline."""

from typing import Any

import pytest

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.contract.job import Shard
from funasr_fleet.worker.engine.interface import Hints
from funasr_fleet.worker.text.spans import Span
from tests.support.audio import tone
from tests.support.examples import a_shard
from tests.support.fake_pipeline import ScriptedEngine, Workbench

WHERE = Span(100, 900)


def _shard(uri: str, **options: Any) -> Shard:
    return a_shard(uri).model_copy(
        update={"options": a_shard(uri).options.model_validate({"formats": ["json"], **options})}
    )


def _bench(text: str = "three nine", **engine: Any) -> tuple[Workbench, str]:
    bench = Workbench(engine=ScriptedEngine({WHERE: text}, **engine))
    return bench, bench.upload("a.wav", tone(1))


def test_what_the_model_cannot_do_is_an_error_that_says_what_to_do() -> None:
    bench, uri = _bench(abilities=Abilities())
    bench.run(_shard(uri, timestamps="word", hotwords=["hush"]))
    assert bench.outcomes == ["failed"]
    error = bench.document("a.wav.error.json")["error"]
    assert error["kind"] == "model_error"
    assert "--timestamps segment" in error["message"]
    assert "does not support hotwords" in error["message"]
    assert "hush" not in error["message"]
    assert bench.store.downloads == []


def test_a_sentence_is_a_segment_where_that_is_asked_for() -> None:
    bench, uri = _bench("Three nine. Zero five?")
    bench.run(_shard(uri, segments="sentence"))
    said = bench.document("a.wav.json")
    assert [one["text"] for one in said["segments"]] == ["Three nine.", "Zero five?"]
    assert said["text"] == "Three nine. Zero five?"
    assert [one["words"] for one in said["segments"]] == [None, None]


def test_the_number_of_speakers_is_handed_on() -> None:
    bench, uri = _bench()
    bench.run(_shard(uri, speakers=True, speaker_count=2))
    assert bench.engine.speaker_counts == [2]


@pytest.mark.parametrize(
    ("asked", "hints"),
    [
        ({}, Hints()),
        ({"itn": False}, Hints(itn=False)),
        ({"timestamps": "word"}, Hints(word_times=True)),
        ({"segments": "sentence"}, Hints(word_times=True)),
        ({"formats": ["json", "srt"]}, Hints(word_times=True)),
        ({"formats": ["json", "txt", "tsv"]}, Hints()),
        ({"language": "zh", "hotwords": ["hush"]}, Hints(language="zh", hotwords=("hush",))),
    ],
)
def test_the_recogniser_is_told_what_is_wanted(asked: dict[str, Any], hints: Hints) -> None:
    bench, uri = _bench()
    bench.run(_shard(uri, **asked))
    assert bench.engine.hints == [hints]
    document = bench.document("a.wav.json")
    assert document["language"] == (hints.language or "en")
    assert "hush" not in str(document)


def test_words_are_in_the_json_only_if_they_were_asked_for() -> None:
    for asked, times in (("segment", None), ("word", [100, 150])):
        bench, uri = _bench()
        bench.run(_shard(uri, formats=["json", "ctm"], timestamps=asked))
        (segment,) = bench.document("a.wav.json")["segments"]
        words = segment["words"]
        assert (words and [word["start_ms"] for word in words]) == times
        assert len(bench.store.objects["out"]["prefix/a.wav.ctm"].splitlines()) == 2


def test_a_doubtful_text_is_flagged_and_counted() -> None:
    bench, uri = _bench("thank you for watching " * 12)
    bench.run(_shard(uri))
    assert "repeated_phrase" in bench.document("a.wav.json")["warnings"]
    assert "repeated_phrase" in bench.finished[0].warnings
