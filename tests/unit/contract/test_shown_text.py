"""Text of others cannot control a terminal, reorder a line or end an element of a page."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from funasr_fleet.contract.shown_text import in_page, indented, one_line, visible

HOSTILE = (
    "\x1b[2J",
    "\x9b31m",
    "\x07",
    "\r",
    "\x00",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u061c",
    "\u200e",
    "\u200f",
    "\u2028",
    "\ud800",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("shown", [visible, one_line, indented, in_page])
def test_controls_are_escaped(shown: object, text: str) -> None:
    assert callable(shown)
    assert shown(f"a{text}b") == f"a\\u{ord(text[0]):04x}{text[1:]}b"


def test_text_in_any_script_is_unchanged() -> None:
    text = "\u7535\u8bdd caf\u00e9 \u0645\u06cc\u200c\u062e \U0001f468\u200d\U0001f469"
    assert one_line(text) == visible(text) == text


def test_lines_are_kept_escaped_or_indented() -> None:
    assert visible("a\n\tb") == "a\n\tb"
    assert one_line("a\n\tb") == "a\\u000a\\u0009b"
    assert indented("a\nfleet: b") == "a\n    fleet: b"


@given(st.text())
def test_an_escaped_json_document_has_the_same_value(text: str) -> None:
    document = json.dumps(text, ensure_ascii=False)
    assert json.loads(one_line(document)) == text


def test_markup_in_a_page_is_text() -> None:
    assert in_page("<b a='\x1b\"'>") == "&lt;b a=&#x27;\\u001b&quot;&#x27;&gt;"
