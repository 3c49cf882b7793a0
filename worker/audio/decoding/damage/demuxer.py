"""Packets of a file, also after errors of FFmpeg's demuxer, with a look at the packets ahead."""

from collections import deque
from collections.abc import Iterator

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

_MAX_ERRORS = 100
"""Stop after this many consecutive errors without a packet."""
_CONFIRMED_S = 1.0
"""Duration of the packets that confirm a timestamp. FFmpeg may compute those of a few packets from
one wrong timestamp."""
_JITTER_S = 0.5
"""Largest difference between these timestamps and the durations of the packets."""
_MAX_AHEAD = 1000
"""Most packets of all streams that are read ahead."""


class Demuxer:
    """Yields the packets of all streams of a file in their order."""

    def __init__(self, container: InputContainer, stream: int) -> None:
        """Create it for an opened file; `stream` is the index of the stream that is decoded."""
        self._container, self._stream = container, stream
        self._packets = container.demux()
        self._ahead: deque[Packet[Stream]] = deque()
        self._errors = 0
        self.first_error: av.FFmpegError | None = None
        self.has_failed = False
        """Whether there was an error since this was last set to False."""

    @property
    def has_given_up(self) -> bool:
        """Whether the rest of the file cannot be read."""
        return self._errors >= _MAX_ERRORS

    def __iter__(self) -> Iterator["Packet[Stream]"]:
        """Yield the packets; continue after errors."""
        while packet := self._ahead.popleft() if self._ahead else self._read():
            yield packet

    def _read(self) -> "Packet[Stream] | None":
        while self._errors < _MAX_ERRORS:
            try:
                packet = next(self._packets, None)
            except av.FFmpegError as error:
                self.first_error = self.first_error or error
                self._packets, self.has_failed = self._container.demux(), True
                self._errors += 1
                continue
            except IndexError:
                # no packet is lost: after the last one, PyAV flushes every stream, and fails at one
                # that it does not know, since it began in mid-file, or damage looks like that
                packet = None
            self._errors = 0
            return packet
        return None

    def confirms(self, time_s: float) -> bool:
        """Whether the timestamps of the next second of the stream go on from this time."""
        until_s = time_s + _CONFIRMED_S
        for packet in self._next_packets():
            if packet.pts is None or packet.stream.index != self._stream:
                continue
            if abs(float(packet.pts * packet.time_base) - time_s) > _JITTER_S:
                return False
            time_s += float((packet.duration or 0) * packet.time_base)
            if time_s > until_s:
                return True
        return False

    def _next_packets(self) -> Iterator["Packet[Stream]"]:
        """Yield packets without taking them."""
        yield from tuple(self._ahead)
        while len(self._ahead) < _MAX_AHEAD and (packet := self._read()):
            self._ahead.append(packet)
            yield packet
