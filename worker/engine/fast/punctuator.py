"""CT-Transformer over a batch of texts: rules run per text, the model runs for all together.

FunASR (funasr/models/ct_transformer/model.py, 1.4.16) processes twenty words per step and carries
the words after the last complete sentence over to the next step. Here the rules of one text are a
generator that requests the marks of some words, so that the words of many texts can be scored in
one batch.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from funasr.models.ct_transformer.utils import split_words

from funasr_fleet.worker.engine.device_errors import translate_errors

_WORDS_PER_STEP = 20
_LONGEST_OPEN = 200
"""After this many words without a full stop, the last comma becomes a sentence end."""
_COMMA, _STOP, _QUESTION, _LIST_COMMA = "\uff0c", "\u3002", "\uff1f", "\u3001"
_NONE = "_"
_LATIN = {_COMMA: ",", _STOP: ".", _QUESTION: "?"}
"""Marks after a word that begins with an ASCII character."""


@dataclass(frozen=True)
class Marks:
    """The marks that a punctuation model predicts."""

    names: tuple[str, ...]
    """Mark by number; _ means no mark."""
    sentence_end: int
    """Number of the mark that replaces a comma where a long sentence is cut."""

    def ends(self, mark: int) -> bool:
        """Whether a sentence ends with this mark."""
        return self.names[mark] in (_STOP, _QUESTION)


PunctuationRequests = Generator[list[int], Sequence[int], str]
"""Yields token numbers of some words, is sent one mark per word, and returns the text."""


def punctuate(words: Sequence[str], numbers: Sequence[int], marks: Marks) -> PunctuationRequests:
    """Build the text with punctuation; requests marks by yielding token numbers.

    Args:
        words: at least one.
        numbers: the model's token number of each word.
        marks: the marks that the model predicts.
    """
    text = ""
    begin, end = 0, 0
    while end < len(words):
        end = min(end + _WORDS_PER_STEP, len(words))
        predicted = list((yield list(numbers[begin:end])))
        count = len(predicted) if end == len(words) else _final_count(predicted, marks)
        text += _to_text(words[begin : begin + count], predicted, marks)
        begin += count
    return _close(text)


def _final_count(predicted: list[int], marks: Marks) -> int:
    """Number of words whose marks are final; may replace a comma by a full stop in place."""
    candidates = range(len(predicted) - 2, 1, -1)
    for place in candidates:
        if marks.ends(predicted[place]):
            return place + 1
    commas = (place for place in candidates if marks.names[predicted[place]] == _COMMA)
    comma = next(commas, None)
    if len(predicted) <= _LONGEST_OPEN or comma is None:
        return 0
    predicted[comma] = marks.sentence_end
    return comma + 1


def _to_text(words: Sequence[str], predicted: Sequence[int], marks: Marks) -> str:
    """Join words and marks; the first word begins a sentence."""
    text = ""
    for place, (word, mark) in enumerate(zip(words, predicted, strict=False)):
        latin = word[0].isascii()
        starts_sentence = place == 0 or marks.ends(predicted[place - 1])
        needs_space = latin and (place == 0 or words[place - 1][0].isascii())
        text += (" " if needs_space else "") + (
            word.capitalize() if latin and starts_sentence else word
        )
        name = marks.names[mark]
        if name != _NONE:
            text += _LATIN.get(name, name) if latin else name
    return text


def _close(text: str) -> str:
    """End the text with a full stop, in place of a final comma; keep a final question mark."""
    last = text[-1]
    if last in (_COMMA, _LIST_COMMA, ","):
        return text[:-1] + ("." if last == "," else _STOP)
    if last in (_STOP, _QUESTION, ".", "?"):
        return text
    return text + ("." if last.isascii() else _STOP)


_TEXTS_AT_ONCE = 256


def applies(model: Any) -> bool:
    """Whether this is FunASR's CT-Transformer in a configuration that this path supports."""
    return (
        type(model.model).__name__ == "CTTransformer"
        and type(model.model.encoder).__name__ == "SANMEncoder"
        and model.model.jieba_usr_dict is None
        and model.kwargs.get("split_size", 20) == 20
    )


class FastPunctuator:
    """Adds the same punctuation as FunASR, with the same weights."""

    def __init__(self, model: Any, device: str) -> None:
        self._model, self._tokenizer = model.model, model.kwargs["tokenizer"]
        self._device = device
        self._marks = Marks(tuple(self._model.punc_list), self._model.sentence_end_id)

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """Add punctuation to each text; an empty text stays empty."""
        with translate_errors(), torch.inference_mode():
            done: list[str] = []
            for start in range(0, len(texts), _TEXTS_AT_ONCE):
                done += self._punctuate_batch(texts[start : start + _TEXTS_AT_ONCE])
            return done

    def _punctuate_batch(self, texts: Sequence[str]) -> list[str]:
        """Score the requested words of all texts together until every text is complete."""
        done = list(texts)
        generators = {place: self._start(text) for place, text in enumerate(texts) if text.strip()}
        requested = {place: next(generator) for place, generator in generators.items()}
        while requested:
            marks = self._score(list(requested.values()))
            for place, predicted in zip(list(requested), marks, strict=True):
                try:
                    requested[place] = generators[place].send(predicted)
                except StopIteration as end:
                    done[place] = end.value
                    del requested[place]
        return done

    def _start(self, text: str) -> PunctuationRequests:
        words = split_words(text)
        return punctuate(words, self._tokenizer.encode(words), self._marks)

    def _score(self, numbers: Sequence[list[int]]) -> list[list[int]]:
        """The most likely mark after each word."""
        lengths = torch.tensor([len(row_numbers) for row_numbers in numbers], dtype=torch.int32)
        padded = torch.zeros(len(numbers), int(lengths.max()), dtype=torch.long)
        for row, row_numbers in enumerate(numbers):
            padded[row, : len(row_numbers)] = torch.tensor(row_numbers)
        scores, _ = self._model.punc_forward(padded.to(self._device), lengths.to(self._device))
        best = scores.argmax(-1).tolist()
        return [row[: len(row_numbers)] for row, row_numbers in zip(best, numbers, strict=True)]
