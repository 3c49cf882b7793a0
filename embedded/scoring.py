"""Word errors against a reference; in scripts without spaces each character is a word."""

import re

from funasr_fleet.contract.unicode_scripts import SIGNS, WORD_EACH

_CHARACTER_WORD = re.compile(f"([{WORD_EACH}][{SIGNS}]*)")


def to_words(text: str) -> list[str]:
    """Split into lower-case words; characters of scripts without spaces are words themselves."""
    return _CHARACTER_WORD.sub(r" \1 ", text.lower()).split()


def word_errors(reference: str, hypothesis: str) -> int:
    """Number of substitutions, deletions and insertions (Levenshtein over words, by jiwer)."""
    expected, actual = to_words(reference), to_words(hypothesis)
    if not expected or not actual:
        return max(len(expected), len(actual))
    import jiwer

    counts = jiwer.process_words(" ".join(expected), " ".join(actual))
    return int(counts.substitutions + counts.deletions + counts.insertions)
