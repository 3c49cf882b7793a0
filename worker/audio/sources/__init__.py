"""Fetches audio from object storage or from allowed web hosts.

interface.py    AudioSource: the protocol; selects storage or the web by the audio's address
web.py          fetches audio over HTTP: redirects, limits, error translation
web_request.py  sends one HTTP request to a verified public network address
"""

from funasr_fleet.worker.audio.sources.interface import AudioSource, SourceByAddress
from funasr_fleet.worker.audio.sources.web import WebAudio

__all__ = ["AudioSource", "SourceByAddress", "WebAudio"]
