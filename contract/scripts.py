"""PURE: characters by script, each constant for between the brackets of a regular expression.

In scripts without spaces a character is counted as a word, when a text is split as when it is
compared: both ask here, so that they count alike. Ranges are blocks of Unicode.
"""

HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Also the repetition mark, the closing mark and the zero that are written among them."""
KANA = "\u3031-\u3035\u303b\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001b000-\U0001b16f"
"""Hiragana and katakana, also small, half as wide and historical, and their repetition marks."""
BOPOMOFO = "\u3100-\u312f\u31a0-\u31bf"
"""The phonetic letters of Taiwan."""
WORD_EACH = f"{HAN}{KANA}{BOPOMOFO}"
"""Of these every character is a word, spaces or not."""
SIGNS = "\u3099\u309a\uff9e\uff9f\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""What changes the character before it: voicing of kana, variants of Han characters."""
PHRASES = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai, Lao, Burmese and Khmer: spaces part phrases, and no character is a word."""
