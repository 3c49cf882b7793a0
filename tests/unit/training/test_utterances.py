"""Utterances depend only on the seed; clips are varied; held-out voices are not trained on."""

import pytest

from training.clips import CLIPS, reference_text, spoken_in
from training.utterances import Utterance, draw_short, draw_utterance
from training.vocabulary import LANGUAGES, TOKENS, Language, token_ids
from training.voices import held_out_voices, training_voices

VOICES = ("en-us+f1", "en-us+m1", "en+f2")


def plan(**changes: object) -> Utterance:
    values = {
        "voice": "cmn-latn-pinyin",
        "language": "zh",
        "digits": (1, 7, 0),
        "pauses_ms": (0, 300, 0),
        "words_per_minute": 150,
        "pitch": 50,
        "pitch_range": 50,
    }
    return Utterance(**{**values, **changes})  # type: ignore[arg-type]


def test_the_same_seed_and_index_give_the_same_utterance() -> None:
    assert draw_utterance(1, 5, VOICES, "en") == draw_utterance(1, 5, VOICES, "en")


def test_another_seed_or_index_gives_another_utterance() -> None:
    one = draw_utterance(1, 5, VOICES, "en", count=12)
    assert one.digits != draw_utterance(1, 6, VOICES, "en", count=12).digits
    assert one.digits != draw_utterance(2, 5, VOICES, "en", count=12).digits


def test_lengths_run_from_one_digit_to_a_minute_of_them() -> None:
    counts = [len(draw_utterance(3, index, VOICES, "en").digits) for index in range(400)]
    assert min(counts) == 1
    assert 15 < max(counts) <= 60
    assert 0.02 < sum(count > 14 for count in counts) / 400 < 0.2


def test_short_utterances_stay_short() -> None:
    assert {len(draw_short(4, index, VOICES, "en", most=3).digits) for index in range(60)} == {
        1,
        2,
        3,
    }


def test_rates_and_pauses_are_those_of_people() -> None:
    drawn = [draw_utterance(5, index, VOICES, "en") for index in range(200)]
    assert all(110 <= utterance.words_per_minute <= 230 for utterance in drawn)
    assert all(utterance.pauses_ms[0] == 0 for utterance in drawn)
    assert all(len(utterance.pauses_ms) == len(utterance.digits) for utterance in drawn)
    assert max(pause for utterance in drawn for pause in utterance.pauses_ms) < 2000


def test_han_digits_are_written_joined_and_english_words_apart() -> None:
    assert plan().text == "一七零"
    assert plan(language="en").text == "one seven zero"


def test_labels_name_the_words_that_are_spoken() -> None:
    assert [TOKENS[token] for token in plan().token_ids] == ["一", "七", "零"]
    assert [TOKENS[token] for token in token_ids((9, 0), "en")] == ["nine", "zero"]


def test_a_pause_is_read_before_its_word_only() -> None:
    assert plan().ssml == '<speak>一 <break time="300ms"/> 七 零</speak>'


def test_clips_use_only_held_out_voices() -> None:
    for clip in CLIPS:
        assert {said.voice for said in spoken_in(clip)} <= set(held_out_voices(clip.language))


def test_no_file_is_named_twice_and_every_reference_has_words() -> None:
    assert len({clip.file for clip in CLIPS}) == len(CLIPS)
    assert all(reference_text(clip).strip() for clip in CLIPS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_voice_is_in_both_sets(language: Language) -> None:
    assert not set(training_voices(language)) & set(held_out_voices(language))
    assert len(set(held_out_voices(language))) >= 12


def test_mandarin_is_not_read_by_the_voice_that_says_tone_numbers() -> None:
    assert all(voice.startswith("cmn-latn-pinyin") for voice in training_voices("zh"))


def test_variants_that_crush_mandarin_syllables_examine_english_only() -> None:
    for crushing in ("antonio", "pedro"):
        assert not any(voice.endswith(crushing) for voice in held_out_voices("zh"))
        assert any(voice.endswith(crushing) for voice in held_out_voices("en"))
