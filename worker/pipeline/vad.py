"""Runs VAD on files while they are decoded; a file that fails does not affect the next one."""

from collections.abc import Iterable, Iterator

from funasr_fleet.worker.audio.audio_range import channels_of
from funasr_fleet.worker.engine.interface import Clip, Engine, StreamingVad
from funasr_fleet.worker.errors import RestartChild, decide
from funasr_fleet.worker.pipeline.fetch import FetchedFile
from funasr_fleet.worker.pipeline.file_state import ClipOfFile, EndOfFile, FileInProgress
from funasr_fleet.worker.pipeline.utilization import UtilizationTimer
from funasr_fleet.worker.pipeline.vad_segments import SegmentLengthFilter, SegmentLimits


def detect_speech(
    engine: Engine, files: Iterable[FetchedFile], busy: UtilizationTimer
) -> Iterator[ClipOfFile | EndOfFile]:
    """Yield every clip of every file, and an EndOfFile after the clips of each file.

    An error is stored in its file, whose earlier clips are no longer needed. Errors that would
    affect every file (RestartChild) are raised.
    """
    for fetched in files:
        file = FileInProgress(fetched)
        try:
            yield from _detect_in_file(engine, file, busy)
        except Exception as error:
            if isinstance(decide(error, 0), RestartChild):
                raise
            file.fail(error)
        finally:
            fetched.close()
        yield EndOfFile(file)


def _detect_in_file(
    engine: Engine, file: FileInProgress, busy: UtilizationTimer
) -> Iterator[ClipOfFile]:
    vads: dict[int | None, StreamingVad] = {}
    stopwatch = file.fetched.file_job.stopwatch
    for planes in file.fetched.blocks:
        if not vads:
            channels = channels_of(len(planes), file.ref, file.options)
            limits = SegmentLimits.of(file.options, engine.longest_s)
            vads = {
                channel: SegmentLengthFilter(engine.start_vad(), limits) for channel in channels
            }
            file.channels = {channel: [] for channel in channels}
        for (channel, vad), samples in zip(vads.items(), planes, strict=True):
            with stopwatch("vad"), busy():
                clips = vad.push(samples)
            yield from _of_file(file, channel, clips)
    for channel, vad in vads.items():
        with stopwatch("vad"), busy():
            clips = vad.flush()
        yield from _of_file(file, channel, clips)


def _of_file(file: FileInProgress, channel: int | None, clips: list[Clip]) -> Iterator[ClipOfFile]:
    return (ClipOfFile(file, channel, clip) for clip in clips)
