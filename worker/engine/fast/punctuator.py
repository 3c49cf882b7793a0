"""CT-Transformer over a batch of texts: rules run per text, the model runs for all together."""

from collections.abc import Sequence
from typing import Any

import torch
from funasr.models.ct_transformer.utils import split_words

from funasr_fleet.worker.engine.errors import translate_errors
from funasr_fleet.worker.engine.fast.punctuation_rules import Marks, PunctuationRequests, punctuate

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
        """See Punctuator."""
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
