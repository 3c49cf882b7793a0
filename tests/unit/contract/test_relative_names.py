"""The short way to a safe name admits nothing that the rules refuse."""

from hypothesis import given
from hypothesis import strategies as st

from contract.layout import MAX_KEY_BYTES, _is_plain

PARTS = st.sampled_from(["a", ".", "..", "/", "\\", "\n", "\x7f", "\u6f22", "\ud800", "x" * 300])


@given(st.lists(PARTS, max_size=6).map("".join) | st.text(max_size=20))
def test_what_is_plain_is_safe(name: str) -> None:
    if not _is_plain(name):
        return
    assert name
    assert not name.startswith("/")
    assert not set(name.split("/")) & {".", ".."}
    assert not any(c == "\\" or ord(c) < 32 or ord(c) == 127 for c in name)
    assert len(name.encode()) <= MAX_KEY_BYTES


def test_names_as_they_are_given_are_plain() -> None:
    for name in ("calls/2026/a b.mp3", "\u6f22/\u5b57.wav", "a" * MAX_KEY_BYTES):
        assert _is_plain(name)
