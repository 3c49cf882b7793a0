"""Where audio is fetched from: object storage, or hosts of the web that are allowed.

interface.py      AudioSource: what a fetcher asks for audio
by_address.py     one source for both, by the kind of address
web.py            audio of the web: redirects, limits, errors in our words
web_request.py    one request to one address that was looked at
web_addresses.py  PURE: which network addresses are nobody's business
"""

from worker.sources.by_address import SourceByAddress
from worker.sources.interface import AudioSource
from worker.sources.web import WebAudio

__all__ = ["AudioSource", "SourceByAddress", "WebAudio"]
