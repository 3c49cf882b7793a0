"""Plans are seeded, and their labels say what is spoken."""

from training.utterances import Utterance, draw_short, draw_utterance
from training.vocabulary import TOKENS, token_ids, transcript

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


def test_every_token_has_one_identifier_and_marks_come_first() -> None:
    assert len(set(TOKENS)) == len(TOKENS) == 24
    assert TOKENS[:3] == ("<blank>", "<s>", "</s>")


def test_a_pause_is_read_before_its_word_only() -> None:
    assert plan().ssml == '<speak>一 <break time="300ms"/> 七 零</speak>'


def test_transcript_of_nothing_is_empty() -> None:
    assert transcript((), "en") == ""
