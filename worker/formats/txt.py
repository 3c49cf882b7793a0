"""Plain text: one line per segment."""

from funasr_fleet.contract.transcript import Transcript
from funasr_fleet.worker.formats.interface import Renderer


def render_txt(transcript: Transcript) -> bytes:
    """Render as UTF-8; empty for audio without speech."""
    return "".join(f"{' '.join(one.text.split())}\n" for one in transcript.segments).encode()


TXT = Renderer(extension="txt", content_type="text/plain; charset=utf-8", render=render_txt)
