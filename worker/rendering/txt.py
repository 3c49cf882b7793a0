"""Plain text: one line per segment."""

from contract.transcript import Transcript
from worker.rendering.interface import Renderer


def render_txt(transcript: Transcript) -> bytes:
    """UTF-8; empty for an audio without speech."""
    return "".join(f"{' '.join(one.text.split())}\n" for one in transcript.segments).encode()


TXT = Renderer(extension="txt", content_type="text/plain; charset=utf-8", render=render_txt)
