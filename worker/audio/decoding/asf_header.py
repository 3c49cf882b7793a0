"""The header of an ASF (WMA) file: Advanced Systems Format Specification 01.20.05, section 3.2."""

from funasr_fleet.worker.audio.decoding.decoder_input import DecoderInput

HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
"""GUIDs of the Header Object, which begins the file, and of the File Properties Object in it."""
_HEAD_BYTES = 1 << 16
_LIVE = 1
"""Flag of a recording whose other properties are not valid."""


def play_seconds(source: DecoderInput) -> float | None:
    """Duration of all streams together, from the first timestamp on; None if it is not declared."""
    head = source.read_at(0, _HEAD_BYTES)
    at = head.find(PROPERTIES) if head.startswith(HEADER) else -1
    if at < 0 or len(head) < at + 92:
        return None
    play, preroll_ms = (int.from_bytes(head[at + n : at + n + 8], "little") for n in (64, 80))
    flags = int.from_bytes(head[at + 88 : at + 92], "little")
    seconds = play / 10_000_000 - preroll_ms / 1000
    return seconds if seconds > 0 and not flags & _LIVE else None
