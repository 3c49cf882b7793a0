"""Word error rate of a transcript against a reference. Pure."""

from dataclasses import dataclass

from training.vocabulary import DIGIT_WORDS


@dataclass(frozen=True)
class WordErrors:
    """Word errors, summed over utterances."""

    errors: int = 0
    """Substitutions, insertions and deletions."""
    words: int = 0
    """Words in the references."""

    def __add__(self, other: "WordErrors") -> "WordErrors":
        return WordErrors(self.errors + other.errors, self.words + other.words)

    @property
    def rate(self) -> float:
        """Return the errors per reference word."""
        return self.errors / max(1, self.words)


def words_of(text: str) -> list[str]:
    """Split English at spaces; every Han digit is a word."""
    for character in DIGIT_WORDS["zh"]:
        text = text.replace(character, f" {character} ")
    return text.split()


def word_errors(reference: str, hypothesis: str) -> WordErrors:
    """Return the minimum number of edits from hypothesis to reference (Levenshtein 1966)."""
    expected, recognised = words_of(reference), words_of(hypothesis)
    previous = list(range(len(recognised) + 1))
    for row, word in enumerate(expected, start=1):
        current = [row]
        for column, other in enumerate(recognised, start=1):
            substitution = previous[column - 1] + (word != other)
            current.append(min(substitution, previous[column] + 1, current[-1] + 1))
        previous = current
    return WordErrors(previous[-1], len(expected))
