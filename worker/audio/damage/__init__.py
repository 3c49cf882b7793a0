"""Decodes damaged files, measures what is missing, and keeps timestamps correct.

frames            packets of a file -> its frames, and the gaps between them
evidence          signs of damage since the last intact frame
clock             PURE: the position of a frame in the recording, and what is missing before it
packets           PURE: content that no decoder accepts but is no damage: tags, padding, pauses
unread_bytes      counts bytes of the file that are in no packet
transport_stream  PURE: whether a section of a transport stream is complete
odd_frames        drops frames whose format differs from their neighbours'

No single sign is sufficient. Decoders reject damaged packets, but most demuxers silently drop what
they cannot read, so that only the timestamps show a gap. A pause of the recorder shows the same
gap, so a gap counts as damage only if a packet failed or bytes of the file were not read.
"""

from funasr_fleet.worker.audio.damage.evidence import Gap
from funasr_fleet.worker.audio.damage.frames import GappedFrame, frames_with_gaps, seconds_of
from funasr_fleet.worker.audio.damage.odd_frames import without_odd_frames

__all__ = ["Gap", "GappedFrame", "frames_with_gaps", "seconds_of", "without_odd_frames"]
