"""What a decoder process wrote to stderr: a bounded pipe, which nothing reads until it ends.

A hostile file may cause any number of messages. Those that the pipe cannot hold are lost.
"""

import os
import re

_MAX_CHARS = 4000
_PIPE_BYTES = 1 << 16


class DecoderStderr:
    """A pipe for the stderr of a process; writing to a full one fails at once."""

    def __init__(self) -> None:
        reader, self.writer = os.pipe()
        """`writer` is for the process."""
        self._reader = os.fdopen(reader, "rb", buffering=0)
        os.set_blocking(reader, False)
        os.set_blocking(self.writer, False)

    def close_writer(self) -> None:
        """Close the end that the process inherits, once it is started."""
        os.close(self.writer)

    def read(self) -> str:
        """The last 4,000 characters, in one printable line."""
        body = self._reader.read(_PIPE_BYTES) or b""  # None if the pipe is empty
        text = body.decode("ascii", "backslashreplace").strip()
        return re.sub(r"[^ -~]", "|", text)[-_MAX_CHARS:]

    def close(self) -> None:
        """Close the end of this process."""
        self._reader.close()
