"""Options of each model family, and the parsing of its results."""

import inspect
import math
from types import SimpleNamespace
from typing import Any

import pytest

from funasr_fleet.contract.transcript import Word
from funasr_fleet.worker.engine.families import (
    FAMILIES,
    OTHER,
    PARTS,
    family_of,
    nano,
    sense_voice,
    whisper,
)
from funasr_fleet.worker.engine.families.paraformer import read_result as read_paraformer
from funasr_fleet.worker.engine.interface import Hints
from funasr_fleet.worker.text.segments import Recognition
from tests.support.examples import a_word


def test_every_class_has_one_family() -> None:
    classes = [*(one.classes for one in FAMILIES), *(one.classes for one in PARTS)]
    names = [name for some in classes for name in some]
    assert len(names) == len(set(names))


def test_results_of_an_unknown_class_are_plain_text() -> None:
    model = SimpleNamespace(kwargs={"model": "SomethingNew"})
    assert family_of(model) is OTHER
    heard = OTHER.read({"text": " one  two ", "language": "en"}, None)
    assert (heard.text, heard.language, heard.words) == ("one two", "en", None)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.title)
def test_supported_options_reach_each_family(family: Any) -> None:
    plain = family.generate_options(Hints())
    if family.can.hotwords:
        assert "hush" in str(family.generate_options(Hints(hotwords=("hush",))))
    if family.can.itn:
        assert family.generate_options(Hints(itn=False)) != family.generate_options(Hints(itn=True))
    for language in family.can.languages or ():
        assert family.generate_options(Hints(language=language)) != plain


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: one.title)
def test_an_empty_result_is_an_empty_text_in_each_family(family: Any) -> None:
    for result in ({}, {"text": ""}, {"text": "", "timestamp": []}, {"text": " "}):
        heard = family.read(result, None)
        assert (heard.text, heard.words or None, heard.confidence) == ("", None, None)


def test_sense_voice_returns_language_emotion_and_events() -> None:
    raw = "<|en|><|HAPPY|><|Laughter|><|withitn|>Hello there."
    heard = sense_voice.read_result({"text": raw})
    assert (heard.text, heard.language, heard.emotion, heard.events) == (
        "Hello there.",
        "en",
        "happy",
        ("laughter",),
    )


@pytest.mark.parametrize(
    ("pieces", "times", "words"),
    [
        (["\u2581hello", "there", "."], [[0, 90], [90, 200], [200, 210]], ["hello", "there"]),
        (["a"], [[-30, 60]], ["a"]),
        (["<|woitn|>", "\u2581hello"], [[0, 60], [60, 90]], ["hello"]),
        (["a", "b"], [[0, 9]], None),
        (None, None, None),
    ],
)
def test_words_of_sense_voice_have_their_times(
    pieces: Any, times: Any, words: list[str] | None
) -> None:
    read = sense_voice.read_words(pieces, times)
    assert (read and [word.text for word in read]) == words


def _tokens(*said: tuple[str, float, float]) -> list[dict[str, Any]]:
    return [{"token": text, "start_time": start, "end_time": end} for text, start, end in said]


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (
            _tokens((" hel", 0.06, 0.1), ("lo", 0.1, 0.2), (" you", 0.3, 0.4), (".", 0.4, 0.5)),
            (a_word("hello", 60, 200), a_word("you", 300, 400)),
        ),
        (
            _tokens(("\u4f60", 0, 0.1), ("\u597d", 0.1, 0.2), ("\u3002", 0.2, 0.2)),
            (a_word("\u4f60", 0, 100), a_word("\u597d", 100, 200)),
        ),
        (
            _tokens((" Hi", 0, 0.1), (".", 0.1, 0.2), ("You", 0.2, 0.3)),
            (a_word("Hi", 0, 100), a_word("You", 200, 300)),
        ),
        ([], None),
        (None, None),
    ],
)
def test_tokens_of_nano_become_words_in_ms(tokens: Any, words: tuple[Word, ...] | None) -> None:
    assert nano.read_words(tokens) == words


def _whisper(text: str, seconds: float = 4.0, **decoded: float) -> Recognition:
    known = {"avg_logprob": -0.5, "no_speech_prob": 0.1, "compression_ratio": 1.0, **decoded}
    result = SimpleNamespace(language="de", **known)
    return whisper.read_result({"text": text, "decoded": result, "seconds": seconds})


def test_whisper_returns_a_confidence() -> None:
    heard = _whisper(" Guten Tag.")
    assert (heard.text, heard.language, heard.confidence) == ("Guten Tag.", "de", 0.6065)
    assert (heard.no_speech_prob, heard.probably_no_speech) == (0.1, False)
    assert _whisper("a", no_speech_prob=math.nan).no_speech_prob is None


@pytest.mark.parametrize(
    ("seconds", "no_speech", "logprob", "ratio", "kept"),
    [
        (4.0, 0.61, -1.01, 1.0, False),
        (4.0, 0.59, -1.01, 1.0, True),
        (4.0, 0.61, -0.99, 1.0, True),
        (4.0, 0.99, -0.1, 2.5, False),
        (4.0, 0.1, -0.1, 26.0, True),
        (0.53, 0.789, -0.76, 0.56, False),  # half a second of noise
        (1.0, 0.789, -0.76, 0.56, True),
        (0.53, 0.74, -0.76, 0.56, True),
        (0.53, 0.789, -0.59, 0.56, True),
        (0.50, 0.622, -0.684, 0.6, True),  # "on the left." of a real speaker
        (0.53, 0.634, -0.94, 0.58, True),  # "do for you.", with noise
        (0.53, 0.57, -1.7, 0.2, True),
        (4.0, math.nan, -3.0, 1.0, True),
    ],
)
def test_whispers_no_speech_rule(
    seconds: float, no_speech: float, logprob: float, ratio: float, kept: bool
) -> None:
    heard = _whisper(
        "Thank you.",
        seconds,
        no_speech_prob=no_speech,
        avg_logprob=logprob,
        compression_ratio=ratio,
    )
    assert (heard.text, heard.left_out) == (("Thank you.", "") if kept else ("", "Thank you."))
    assert heard.probably_no_speech == (no_speech > 0.6)


def test_the_thresholds_are_those_of_openai_whisper() -> None:
    transcribe = pytest.importorskip("whisper", reason="openai-whisper is optional").transcribe
    defaults = inspect.signature(transcribe).parameters
    assert defaults["no_speech_threshold"].default == whisper.NO_SPEECH_PROB
    assert defaults["logprob_threshold"].default == whisper.MIN_AVG_LOGPROB
    assert defaults["compression_ratio_threshold"].default == whisper.MAX_COMPRESSION_RATIO


@pytest.mark.parametrize(
    ("loaded", "file"),
    [
        ({"hub": "openai", "model_path": "large-v3"}, "large-v3.pt"),
        ({"hub": "openai", "model_path": "turbo"}, "large-v3-turbo.pt"),
        ({"hub": "openai", "model_path": "Whisper-large-v3"}, "large-v3.pt"),
        ({"model_path": "/models/w", "init_param": "/models/w/model.pt"}, "model.pt"),
    ],
)
def test_weights_of_whisper_are_found_where_its_package_stores_them(
    loaded: dict[str, Any], file: str
) -> None:
    found = whisper.weights(loaded)
    assert found is not None
    assert found.name == file


def test_tokens_are_paired_with_their_times() -> None:
    heard = read_paraformer({"text": "three nine", "timestamp": [[10, 200], [210, 400]]})
    assert heard.text == "three nine"
    assert heard.words == (a_word("three", 10, 200), a_word("nine", 210, 400))


def test_han_characters_are_words_of_their_own_and_stand_without_spaces() -> None:
    heard = read_paraformer({"text": "你 好", "timestamp": [[0, 100], [100, 200]]})
    assert heard.text == "你好"
    assert [word.text for word in heard.words or ()] == ["你", "好"]


@pytest.mark.parametrize(
    "result",
    [
        {"text": "three nine"},
        {"text": "three nine", "timestamp": None},
        {"text": "three nine", "timestamp": []},
        {"text": "three nine", "timestamp": [[0, 1]]},
        {"text": "three nine", "timestamp": [[0, 1], [1, 2], [2, 3]]},
    ],
)
def test_times_that_do_not_match_the_words_are_dropped(result: dict[str, Any]) -> None:
    heard = read_paraformer(result)
    assert (heard.text, heard.words) == ("three nine", None)


def test_a_word_never_ends_before_it_begins() -> None:
    (word,) = read_paraformer({"text": "one", "timestamp": [[300, 200]]}).words or ()
    assert word.start_ms <= word.end_ms
