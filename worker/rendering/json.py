"""The transcript itself, as the interface defines it."""

from contract.transcript import Transcript
from worker.rendering.interface import Renderer

JSON = Renderer(extension="json", content_type="application/json", render=Transcript.to_json)
