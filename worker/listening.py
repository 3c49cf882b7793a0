"""Files as they come in -> their speech, flowing; a file that fails does not stop the next."""

from collections.abc import Iterable, Iterator

from worker.busy import BusyClock
from worker.engine.interface import Clip, Engine, Listener
from worker.failures import LeaveProcess, decide
from worker.fetching import Incoming
from worker.hearing import Ended, Hearing, Spoken
from worker.segmenting import Lengths, SegmentingListener
from worker.stretches import channels_of


def listen(engine: Engine, files: Iterable[Incoming], busy: BusyClock) -> Iterator[Spoken | Ended]:
    """Every clip of every file, and after its clips the end of each file.

    Errors are left with their file: what was found before one is of no use any more. Those that
    no other file would escape either are raised.
    """
    for incoming in files:
        hearing = Hearing(incoming)
        try:
            yield from _listen_to(engine, hearing, busy)
        except Exception as error:
            if isinstance(decide(error, 0), LeaveProcess):
                raise
            hearing.fail(error)
        finally:
            incoming.leave()
        yield Ended(hearing)


def _listen_to(engine: Engine, hearing: Hearing, busy: BusyClock) -> Iterator[Spoken]:
    listeners: dict[int | None, Listener] = {}
    stopwatch = hearing.incoming.task.stopwatch
    for planes in hearing.incoming.blocks:
        if not listeners:
            channels = channels_of(len(planes), hearing.ref, hearing.options)
            lengths = Lengths.of(hearing.options, engine.longest_s)
            listeners = {
                channel: SegmentingListener(engine.listen(), lengths) for channel in channels
            }
            hearing.channels = {channel: [] for channel in channels}
        for (channel, listener), samples in zip(listeners.items(), planes, strict=True):
            with stopwatch("vad"), busy():
                found = listener.hear(samples)
            yield from _spoken(hearing, channel, found)
    for channel, listener in listeners.items():
        with stopwatch("vad"), busy():
            found = listener.finish()
        yield from _spoken(hearing, channel, found)


def _spoken(hearing: Hearing, channel: int | None, clips: list[Clip]) -> Iterator[Spoken]:
    return (Spoken(hearing, channel, clip) for clip in clips)
