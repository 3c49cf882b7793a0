"""Damaged files: what can be decoded is, what is missing is measured, and times stay true.

frames.py         packets of a file -> its frames, and the gaps between them
evidence.py       what was seen since the last sound frame
clock.py          PURE: where a frame lies on the recording's clock, and what is missing before it
packets.py        PURE: what a packet holds that no decoder takes: tags, padding, pauses
unread_bytes.py   bytes of the file that no packet holds
transport_stream.py  PURE: whether a piece of a transport stream is whole
odd_frames.py     frames of another format than their neighbours

No single sign will do. A decoder rejects a packet; most demuxers drop what they cannot read
without a word, and only the timestamps show a gap. But a pause of the recorder looks the same
there, so a gap counts as damage only where a packet failed or bytes of the file went unread.
"""

from worker.damage.evidence import Gap
from worker.damage.frames import Sound, seconds_of, sounds
from worker.damage.odd_frames import without_odd_frames

__all__ = ["Gap", "Sound", "seconds_of", "sounds", "without_odd_frames"]
