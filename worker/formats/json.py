"""The transcript in its own JSON format; see contract.transcript."""

from funasr_fleet.contract.transcript import Transcript
from funasr_fleet.worker.formats.fields import as_requested
from funasr_fleet.worker.formats.interface import Renderer


def render_json(transcript: Transcript) -> bytes:
    """Render as UTF-8 JSON; with words only if they were requested."""
    return as_requested(transcript).to_json()


JSON = Renderer(extension="json", content_type="application/json", render=render_json)
