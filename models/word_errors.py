"""Word error rate: the recogniser's words against the reference's. Pure."""

from dataclasses import dataclass

from models.vocabulary import DIGIT_WORDS


@dataclass(frozen=True)
class WordErrors:
    """A count that adds up over utterances."""

    errors: int = 0
    """Substitutions, insertions and deletions."""
    words: int = 0
    """Words in the references."""

    def __add__(self, other: "WordErrors") -> "WordErrors":
        return WordErrors(self.errors + other.errors, self.words + other.words)

    @property
    def rate(self) -> float:
        """Errors per reference word."""
        return self.errors / max(1, self.words)


def words_of(text: str) -> list[str]:
    """English words are split at spaces; every Han digit is a word, spaces or not."""
    for character in DIGIT_WORDS["zh"]:
        text = text.replace(character, f" {character} ")
    return text.split()


def word_errors(reference: str, hypothesis: str) -> WordErrors:
    """The fewest edits that turn the hypothesis into the reference (Levenshtein 1966)."""
    expected, heard = words_of(reference), words_of(hypothesis)
    previous = list(range(len(heard) + 1))
    for row, word in enumerate(expected, start=1):
        current = [row]
        for column, other in enumerate(heard, start=1):
            substitution = previous[column - 1] + (word != other)
            current.append(min(substitution, previous[column] + 1, current[-1] + 1))
        previous = current
    return WordErrors(previous[-1], len(expected))
