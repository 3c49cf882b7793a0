"""Frames of another format than their neighbours: a damaged header, and what it says is noise."""

from collections.abc import Iterator

from av.audio.frame import AudioFrame

from worker.damage.evidence import NO_GAP, Gap
from worker.damage.frames import Sound, seconds_of
from worker.failures import UndecodableAudio

_MOST_ODD = 10
"""So many frames in a row are no damage: the format has changed."""

Format = tuple[str, str, int]


def without_odd_frames(sounds: Iterator[Sound]) -> Iterator[Sound]:
    """The same, but for single frames of another rate or layout, which count as lost.

    Raises:
        UndecodableAudio: the format changes for good.
    """
    usual: Format | None = None
    odd: Format | None = None
    count, gap = 0, NO_GAP
    for sound in sounds:
        if sound.gap:
            gap += sound.gap
        if sound.frame is None:
            yield Sound(None, gap)
            return
        found = _format(sound.frame)
        if usual in (None, found):
            yield Sound(sound.frame, gap) if gap else sound
            usual, odd, gap = found, None, NO_GAP
            continue
        count, odd = count + 1 if found == odd else 1, found
        gap += Gap(fill_s=seconds_of(sound.frame), lost_s=seconds_of(sound.frame))
        if count > _MOST_ODD:
            raise UndecodableAudio(
                f"its format changes in mid-stream from {_told(usual)} to {_told(found)}"
            )


def _format(frame: AudioFrame) -> Format:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _told(format_: Format | None) -> str:
    return f"{format_[2]} Hz {format_[1]}" if format_ else "nothing"
