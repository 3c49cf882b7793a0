"""Praat's TextGrid, in its long text format (Praat manual, "TextGrid file formats")."""

from collections.abc import Iterator

from funasr_fleet.contract.transcript import Transcript
from funasr_fleet.worker.formats.interface import Renderer
from funasr_fleet.worker.formats.tiers import Tier, make_tiers
from funasr_fleet.worker.formats.timestamps import decimal_seconds


def render_textgrid(transcript: Transcript) -> bytes:
    """Render as UTF-8: the interval tiers of tiers.make_tiers."""
    tiers = make_tiers(transcript)
    end = decimal_seconds(tiers[0].intervals[-1].end_ms)
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {end}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, tier in enumerate(tiers, 1):
        lines += [f"    item [{number}]:", *_tier(tier, end)]
    return "".join(f"{line}\n" for line in lines).encode()


def _tier(tier: Tier, end: str) -> Iterator[str]:
    yield '        class = "IntervalTier"'
    yield f"        name = {_quoted(tier.name)}"
    yield "        xmin = 0"
    yield f"        xmax = {end}"
    yield f"        intervals: size = {len(tier.intervals)}"
    for number, interval in enumerate(tier.intervals, 1):
        yield f"        intervals [{number}]:"
        yield f"            xmin = {decimal_seconds(interval.start_ms)}"
        yield f"            xmax = {decimal_seconds(interval.end_ms)}"
        yield f"            text = {_quoted(interval.text)}"


def _quoted(text: str) -> str:
    """A quoted string on one line, with doubled quotation marks."""
    return '"' + " ".join(text.split()).replace('"', '""') + '"'


TEXTGRID = Renderer(
    extension="TextGrid", content_type="text/plain; charset=utf-8", render=render_textgrid
)
