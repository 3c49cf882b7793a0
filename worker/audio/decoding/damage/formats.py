"""PURE: kinds of formats, by how their timestamps are made; FFmpeg's names."""

ELEMENTARY = {"mp3", "aac", "loas", "ac3", "eac3", "dts", "dtshd", "truehd"}
"""Elementary streams: FFmpeg derives the timestamps by counting packets."""

COUNTED = {*ELEMENTARY, "avi", "voc", "w64", "wav"}
"""Formats whose timestamps FFmpeg derives by counting; in AVI, they are wrong for some codecs."""

MPEG_STREAMS = {"mpegts", "mpeg"}
"""Transport and program streams."""

STREAMS = {*ELEMENTARY, *MPEG_STREAMS}
"""Formats whose recordings may be cut out of a broadcast at any point."""

CHECKSUMS = {"flac", "ogg"}
"""Formats whose timestamps are protected by checksums."""
