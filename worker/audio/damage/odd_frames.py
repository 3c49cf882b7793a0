"""Drops frames whose format differs from their neighbours': their header is damaged."""

from collections.abc import Iterator

from av.audio.frame import AudioFrame

from funasr_fleet.worker.audio.damage.evidence import NO_GAP, Gap
from funasr_fleet.worker.audio.damage.frames import GappedFrame, seconds_of
from funasr_fleet.worker.errors import UndecodableAudio

_MAX_ODD_FRAMES = 10
"""A longer run of frames of another format is not damage: the format has changed."""

Format = tuple[str, str, int]


def without_odd_frames(frames: Iterator[GappedFrame]) -> Iterator[GappedFrame]:
    """Drop isolated frames of another format, rate or layout, and count them as lost audio.

    Raises:
        UndecodableAudio: the format changes permanently.
    """
    usual: Format | None = None
    odd: Format | None = None
    count, gap = 0, NO_GAP
    for gapped in frames:
        if gapped.gap:
            gap += gapped.gap
        if gapped.frame is None:
            yield GappedFrame(None, gap)
            return
        current = _format(gapped.frame)
        if usual in (None, current):
            yield GappedFrame(gapped.frame, gap) if gap else gapped
            usual, odd, gap = current, None, NO_GAP
            continue
        count, odd = count + 1 if current == odd else 1, current
        gap += Gap(fill_s=seconds_of(gapped.frame), lost_s=seconds_of(gapped.frame))
        if count > _MAX_ODD_FRAMES:
            raise UndecodableAudio(
                f"the audio format changes from {_describe(usual)} to {_describe(current)}"
            )


def _format(frame: AudioFrame) -> Format:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _describe(format_: Format | None) -> str:
    return f"{format_[2]} Hz {format_[1]}" if format_ else "nothing"
