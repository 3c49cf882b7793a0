"""Word errors against a reference; a Han character counts as a word."""

import re

from contract.scripts import SIGNS, WORD_EACH

_HAN = re.compile(f"([{WORD_EACH}][{SIGNS}]*)")


def to_words(text: str) -> list[str]:
    """Lower-case words, Han characters each by itself."""
    return _HAN.sub(r" \1 ", text.lower()).split()


def word_errors(reference: str, heard: str) -> int:
    """Substitutions, deletions and insertions (Levenshtein over words, by jiwer)."""
    expected, got = to_words(reference), to_words(heard)
    if not expected or not got:
        return max(len(expected), len(got))
    import jiwer

    counts = jiwer.process_words(" ".join(expected), " ".join(got))
    return int(counts.substitutions + counts.deletions + counts.insertions)
