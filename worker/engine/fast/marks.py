"""Where CT-Transformer's punctuation goes: FunASR's own rules for one text, without the model.

FunASR (funasr/models/ct_transformer/model.py, 1.4.16) looks at twenty words at a time, keeps what
follows the last full sentence for the next look, and calls its model in between. Here the rules of
one text are a generator that asks for the marks of some words, so that the words of many texts can
go through the model together.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

_WORDS_AT_ONCE = 20
_LONGEST_WAIT = 200
"""Words without a full stop after which a comma will do."""
_COMMA, _STOP, _QUESTION, _LIST_COMMA = "\uff0c", "\u3002", "\uff1f", "\u3001"
_NONE = "_"
_LATIN = {_COMMA: ",", _STOP: ".", _QUESTION: "?"}
"""The mark behind a word that begins with an ASCII character."""


@dataclass(frozen=True)
class Marks:
    """What a punctuation model can say."""

    names: tuple[str, ...]
    """By number; _ is no mark."""
    sentence_end: int
    """Number of the mark that ends a sentence cut off at a comma."""

    def ends(self, mark: int) -> bool:
        """Whether a sentence ends with this mark."""
        return self.names[mark] in (_STOP, _QUESTION)


Asking = Generator[list[int], Sequence[int], str]
"""Asks for marks: yields the numbers of some words, is sent a mark for each, returns the text."""


def punctuate(words: Sequence[str], numbers: Sequence[int], marks: Marks) -> Asking:
    """The text with its punctuation.

    Args:
        words: at least one.
        numbers: the model's number of each word.
        marks: what the model can say.
    """
    text = ""
    begin, end = 0, 0
    while end < len(words):
        end = min(end + _WORDS_AT_ONCE, len(words))
        found = list((yield list(numbers[begin:end])))
        count = len(found) if end == len(words) else _settled(found, marks)
        text += _spell(words[begin : begin + count], found, marks)
        begin += count
    return _close(text)


def _settled(found: list[int], marks: Marks) -> int:
    """How many words need not be looked at again; may turn a comma into a full stop."""
    candidates = range(len(found) - 2, 1, -1)
    for place in candidates:
        if marks.ends(found[place]):
            return place + 1
    commas = (place for place in candidates if marks.names[found[place]] == _COMMA)
    comma = next(commas, None)
    if len(found) <= _LONGEST_WAIT or comma is None:
        return 0
    found[comma] = marks.sentence_end
    return comma + 1


def _spell(words: Sequence[str], found: Sequence[int], marks: Marks) -> str:
    """Words and marks as text; a sentence begins with the first one."""
    text = ""
    for place, (word, mark) in enumerate(zip(words, found, strict=False)):
        latin = word[0].isascii()
        begins = place == 0 or marks.ends(found[place - 1])
        spaced = latin and (place == 0 or words[place - 1][0].isascii())
        text += (" " if spaced else "") + (word.capitalize() if latin and begins else word)
        name = marks.names[mark]
        if name != _NONE:
            text += _LATIN.get(name, name) if latin else name
    return text


def _close(text: str) -> str:
    """A text ends with a full stop."""
    last = text[-1]
    if last in (_COMMA, _LIST_COMMA, ","):
        return text[:-1] + ("." if last == "," else _STOP)
    if last in (_STOP, _QUESTION, ".", "?"):
        return text
    return text + ("." if last.isascii() else _STOP)
