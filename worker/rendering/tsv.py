"""Tab-separated values as openai-whisper writes them: whole milliseconds, and text without tabs."""

from contract.transcript import Transcript
from worker.rendering.interface import Renderer


def render_tsv(transcript: Transcript) -> bytes:
    """UTF-8; a header, then one line per segment."""
    lines = ["start\tend\ttext"]
    for segment in transcript.segments:
        lines.append(f"{segment.start_ms}\t{segment.end_ms}\t{' '.join(segment.text.split())}")
    return "".join(f"{line}\n" for line in lines).encode()


TSV = Renderer(
    extension="tsv", content_type="text/tab-separated-values; charset=utf-8", render=render_tsv
)
