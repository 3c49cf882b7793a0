"""CT-Transformer over many texts at once: each text keeps its own rules, the model is shared."""

from collections.abc import Sequence
from typing import Any

import torch
from funasr.models.ct_transformer.utils import split_words

from worker.engine.fast.marks import Asking, Marks, punctuate
from worker.engine.faults import guarded

_TEXTS_AT_ONCE = 256


def applies(model: Any) -> bool:
    """Whether this is FunASR's CT-Transformer in the form that this path knows."""
    return (
        type(model.model).__name__ == "CTTransformer"
        and type(model.model.encoder).__name__ == "SANMEncoder"
        and model.model.jieba_usr_dict is None
        and model.kwargs.get("split_size", 20) == 20
    )


class FastPunctuator:
    """Puts marks like FunASR, with its weights."""

    def __init__(self, model: Any, device: str) -> None:
        self._model, self._tokenizer = model.model, model.kwargs["tokenizer"]
        self._device = device
        self._marks = Marks(tuple(self._model.punc_list), self._model.sentence_end_id)

    def punctuate(self, texts: Sequence[str]) -> list[str]:
        """See Punctuator."""
        with guarded(), torch.inference_mode():
            done: list[str] = []
            for start in range(0, len(texts), _TEXTS_AT_ONCE):
                done += self._together(texts[start : start + _TEXTS_AT_ONCE])
            return done

    def _together(self, texts: Sequence[str]) -> list[str]:
        """Ask the model for what all texts want to know, until none wants to know any more."""
        done = list(texts)
        asking = {place: self._begin(text) for place, text in enumerate(texts) if text.strip()}
        wanted = {place: next(one) for place, one in asking.items()}
        while wanted:
            answers = self._score(list(wanted.values()))
            for place, found in zip(list(wanted), answers, strict=True):
                try:
                    wanted[place] = asking[place].send(found)
                except StopIteration as end:
                    done[place] = end.value
                    del wanted[place]
        return done

    def _begin(self, text: str) -> Asking:
        words = split_words(text)
        return punctuate(words, self._tokenizer.encode(words), self._marks)

    def _score(self, numbers: Sequence[list[int]]) -> list[list[int]]:
        """The likeliest mark behind each word."""
        lengths = torch.tensor([len(some) for some in numbers], dtype=torch.int32)
        padded = torch.zeros(len(numbers), int(lengths.max()), dtype=torch.long)
        for row, some in enumerate(numbers):
            padded[row, : len(some)] = torch.tensor(some)
        scores, _ = self._model.punc_forward(padded.to(self._device), lengths.to(self._device))
        best = scores.argmax(-1).tolist()
        return [row[: len(some)] for row, some in zip(best, numbers, strict=True)]
