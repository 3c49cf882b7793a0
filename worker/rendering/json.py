"""The transcript itself, as the interface defines it."""

from contract.transcript import Transcript
from worker.rendering.asked import as_asked
from worker.rendering.interface import Renderer


def render_json(transcript: Transcript) -> bytes:
    """UTF-8; words only when they were asked for."""
    return as_asked(transcript).to_json()


JSON = Renderer(extension="json", content_type="application/json", render=render_json)
