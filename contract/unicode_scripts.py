"""PURE: characters by script, as constants for a character class of a regular expression.

Each Han, kana and bopomofo character counts as a word, both when a transcript is split into words
and when it is scored; both use these constants, so they count alike.
"""

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han characters, with the repetition mark, the closing mark and the zero used with them."""
KANA = "\u3031-\u3035\u303b\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001b000-\U0001b16f"
"""Hiragana and katakana, including small, half-width and historical forms and repetition marks."""
BOPOMOFO = "\u3100-\u312f\u31a0-\u31bf"
"""Bopomofo, the phonetic script used in Taiwan."""
WORD_EACH = f"{HAN}{KANA}{BOPOMOFO}"
"""Scripts whose every character counts as a word."""
SIGNS = "\u3099\u309a\uff9e\uff9f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Modifiers of the preceding character: voicing marks of kana, variation selectors."""
PHRASES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai, Lao, Burmese and Khmer: spaces separate phrases, and a character is not a word."""
