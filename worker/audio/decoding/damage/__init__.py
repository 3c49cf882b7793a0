"""Decodes damaged files, measures what is missing, and keeps timestamps correct.

frames          packets of a file -> its frames and gaps; collects the signs of damage
demuxer         packets of a file, also after errors, with a look at the packets ahead
evidence        PURE: signs of damage before a frame, and the gap that they leave
gapped_frame    a frame with the gap before it; times of packets and frames
extent          where the packets of a file begin and end, in bytes and in time
gaps            PURE: how much audio is missing before a frame, by timestamp and bytes
averages        PURE: mean size and duration of packets, and what they say about others
packets         PURE: detects padding, pauses and lost frames in the bytes of packets
byte_checks     whether the bytes around a gap show damage, by the rules of each format
asf             whether data packets of an ASF (WMA) file are damaged
ogg             whether pages of an Ogg file are damaged or missing
program_stream  whether bytes of an MPEG program stream are damaged
formats         PURE: kinds of formats, by how their timestamps are made
skipped_bytes   counts bytes that the demuxer skipped, where timestamps do not show it
unread_bytes    counts bytes of the file that are in no packet

No single sign is sufficient. Decoders reject damaged packets, but most demuxers silently drop what
they cannot read, so that only the timestamps show a gap. A pause of the recorder shows the same
gap, so a gap counts as damage only if a packet failed or bytes of the file were not read.
"""

from funasr_fleet.worker.audio.decoding.damage.evidence import Gap
from funasr_fleet.worker.audio.decoding.damage.extent import Extent
from funasr_fleet.worker.audio.decoding.damage.frames import frames_with_gaps
from funasr_fleet.worker.audio.decoding.damage.gapped_frame import GappedFrame

__all__ = ["Extent", "Gap", "GappedFrame", "frames_with_gaps"]
