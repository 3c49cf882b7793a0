"""Tab-separated values as written by openai-whisper: whole milliseconds, text without tabs."""

from funasr_fleet.contract.transcript import Transcript
from funasr_fleet.worker.formats.interface import Renderer


def render_tsv(transcript: Transcript) -> bytes:
    """Render as UTF-8: a header, then one line per segment."""
    lines = ["start\tend\ttext"]
    for segment in transcript.segments:
        lines.append(f"{segment.start_ms}\t{segment.end_ms}\t{' '.join(segment.text.split())}")
    return "".join(f"{line}\n" for line in lines).encode()


TSV = Renderer(
    extension="tsv", content_type="text/tab-separated-values; charset=utf-8", render=render_tsv
)
