"""Decodes damaged files, measures what is missing, and keeps timestamps correct.

frames        packets of a file -> its frames and gaps; collects the signs of damage
gaps          PURE: how much audio is missing before a frame, by timestamp and bytes
packets       PURE: detects padding, pauses and lost frames in the bytes of packets
unread_bytes  counts bytes of the file that are in no packet

No single sign is sufficient. Decoders reject damaged packets, but most demuxers silently drop what
they cannot read, so that only the timestamps show a gap. A pause of the recorder shows the same
gap, so a gap counts as damage only if a packet failed or bytes of the file were not read.
"""

from funasr_fleet.worker.audio.decoding.damage.frames import (
    GappedFrame,
    frames_with_gaps,
    seconds_of,
)
from funasr_fleet.worker.audio.decoding.damage.gaps import Gap

__all__ = ["Gap", "GappedFrame", "frames_with_gaps", "seconds_of"]
