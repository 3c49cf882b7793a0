"""Text of others, as it may be shown: on a terminal, in a log line, on an HTML page."""

import html
import re

_CONTROLS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, C1 too, except tab and line feed
    "\ud800-\udfff"  # lone surrogates: not encodable in UTF-8
    "\u2028\u2029"  # line and paragraph separators
    "\u202a-\u202e\u2066-\u2069"  # bidirectional controls, which reorder a displayed text
)
_MARKS = "\u061c\u200e\u200f"  # bidirectional too, but usual in Arabic and Hebrew file names
_UNSAFE = re.compile(f"[{_CONTROLS}{_MARKS}]")
_UNSAFE_IN_LINE = re.compile(f"[\t\n{_CONTROLS}{_MARKS}]")
NEVER_SHOWN = re.compile(f"[\t\n{_CONTROLS}]")
r"""Characters that names must not contain; `one_line` also escapes bidirectional marks."""


def visible(text: str) -> str:
    r"""The text with \uXXXX for characters that control a terminal; tabs and line feeds are kept.

    In a JSON string the escape stands for the same character.
    """
    return text if text.isascii() and text.isprintable() else _UNSAFE.sub(_escape, text)


def one_line(text: str) -> str:
    r"""The text with \uXXXX for control characters, tabs and line feeds included."""
    return text if text.isascii() and text.isprintable() else _UNSAFE_IN_LINE.sub(_escape, text)


def indented(text: str) -> str:
    """The visible text; its further lines are indented, so that none looks like another message."""
    return visible(text).replace("\n", "\n    ")


def in_page(text: str) -> str:
    """The text in an HTML page, as content or as the value of an attribute."""
    return html.escape(visible(text))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"
