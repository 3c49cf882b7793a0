"""Decoder processes against the `ffmpeg` command, on as many cores, in the same run."""

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import imageio_ffmpeg

from bench.faults.killing import decoders_of
from bench.machine import describe_machine
from funasr_fleet.embedded.samples import SAMPLES
from funasr_fleet.worker.audio.decoder_pool import DecoderPool
from funasr_fleet.worker.audio.decoding.input_checks import UNLIMITED
from funasr_fleet.worker.audio.decoding.messages import SLOT_VALUES
from funasr_fleet.worker.audio.decoding.selection import Selection
from funasr_fleet.worker.events import ignore

_SOURCE = SAMPLES / "inventory-two-minutes.mp3"
_ENCODERS: dict[str, tuple[str, ...]] = {
    "wav": ("-ar", "44100"),
    "mp3": ("-ar", "44100", "-b:a", "128k"),
    "flac": ("-ar", "44100", "-sample_fmt", "s16"),
    "m4a": ("-ar", "44100", "-b:a", "128k"),
    "opus": ("-b:a", "64k"),
}
"""Options of ffmpeg for each file; all are in stereo."""


@dataclass(frozen=True, kw_only=True)
class Speeds:
    """Audio seconds per second for one container; medians over all rounds."""

    ours: tuple[float, float]
    """One decoder process on one core; two on two cores, with a file each."""
    ffmpeg: tuple[float, float]
    """One `ffmpeg` command on one core; two at a time on two cores."""
    ratios: tuple[float, float]
    """Medians of the ratio of ours to ffmpeg in each round, for one and for two."""
    two_to_one: float
    """Speed of two decoder processes relative to one: median of the ratios in each round."""


@dataclass(frozen=True, kw_only=True)
class DecodingResult:
    """The output of `python -m bench decode --json`."""

    minutes: float
    rounds: int
    ffmpeg: str
    """Version of the command."""
    by_container: dict[str, Speeds]
    machine: dict[str, object]

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """Return one line per container."""
        return "\n".join(
            f"{name}: {one.ours[0]:.0f}x with one process, {one.ours[1]:.0f}x with two "
            f"({one.two_to_one:.2f} times); ffmpeg {one.ffmpeg[0]:.0f}x and {one.ffmpeg[1]:.0f}x; "
            f"{one.ratios[0]:.2f} and {one.ratios[1]:.2f} of ffmpeg"
            for name, one in self.by_container.items()
        )


def run_decoding(minutes: float, rounds: int) -> DecodingResult:
    """Decode files of this length with both, in turns, so that noise affects both alike.

    Raises:
        ValueError: the process may use only one core.
    """
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise ValueError("two cores are needed")
    command = imageio_ffmpeg.get_ffmpeg_exe()
    with tempfile.TemporaryDirectory() as folder, _decoders(cores) as (one, two):
        speeds = {}
        for name, options in _ENCODERS.items():
            path = Path(folder) / f"audio.{name}"
            _encode(command, path, minutes, options)
            runs = (
                partial(one, path),
                partial(two, path),
                partial(_run_ffmpeg, command, path, cores[:1]),
                partial(_run_ffmpeg, command, path, cores),
            )
            rows = [[_seconds(run) for run in runs] for _ in range(rounds)]
            speeds[name] = _speeds(rows, 60 * minutes)
    return DecodingResult(
        minutes=minutes,
        rounds=rounds,
        ffmpeg=imageio_ffmpeg.get_ffmpeg_version(),
        by_container=speeds,
        machine=describe_machine(),
    )


def _encode(command: str, path: Path, minutes: float, options: Sequence[str]) -> None:
    source = ["-stream_loop", "-1", "-i", str(_SOURCE), "-t", str(60 * minutes), "-ac", "2"]
    arguments = [command, "-v", "error", *source, *options, str(path)]
    subprocess.run(arguments, check=True)  # noqa: S603 - our own arguments


def _seconds(run: Callable[[], None]) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def _speeds(rows: Sequence[Sequence[float]], audio_s: float) -> Speeds:
    """Speeds from the seconds of each round: ours with one and two, ffmpeg with one and two."""
    ours_1, ours_2, ffmpeg_1, ffmpeg_2 = (
        [files * audio_s / row[n] for row in rows] for n, files in enumerate((1, 2, 1, 2))
    )

    def median_ratio(numbers: Sequence[float], others: Sequence[float]) -> float:
        pairs = zip(numbers, others, strict=True)
        return round(statistics.median(one / other for one, other in pairs), 3)

    def median(numbers: Sequence[float]) -> float:
        return round(statistics.median(numbers), 1)

    return Speeds(
        ours=(median(ours_1), median(ours_2)),
        ffmpeg=(median(ffmpeg_1), median(ffmpeg_2)),
        ratios=(median_ratio(ours_1, ffmpeg_1), median_ratio(ours_2, ffmpeg_2)),
        two_to_one=median_ratio(ours_2, ours_1),
    )


Decode = Callable[[Path], None]


@contextmanager
def _decoders(cores: Sequence[int]) -> Iterator[tuple[Decode, Decode]]:
    """Functions that decode one file on the first core, and two files at a time on both.

    The thread that takes the samples runs on the same core: one process has one core in all.
    """
    with closing(DecoderPool(1, ignore)) as first:
        for pid in decoders_of(os.getpid()):
            os.sched_setaffinity(pid, cores[:1])
        with closing(DecoderPool(2, ignore)) as second, ThreadPoolExecutor(2) as threads:
            first.wait_until_ready()
            second.wait_until_ready()

            def one(path: Path) -> None:
                with _only_on(cores[:1]):
                    _decode(first, path)

            def two(path: Path) -> None:
                list(threads.map(partial(_decode, second), (path, path)))

            yield one, two


@contextmanager
def _only_on(cores: Sequence[int]) -> Iterator[None]:
    """Run this thread, and the threads and processes that it starts, on these cores only."""
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def _decode(pool: DecoderPool, path: Path) -> None:
    with path.open("rb") as file:
        for _ in pool.reserve().blocks(file, Selection(), UNLIMITED, ignore):
            pass


def _run_ffmpeg(command: str, path: Path, cores: Sequence[int]) -> None:
    """Decode the file once per core, to 16 kHz mono, and read the samples as a worker does."""
    arguments = ["-i", str(path), "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
    with _only_on(cores), ThreadPoolExecutor(len(cores)) as threads:
        decoding = [
            subprocess.Popen(  # noqa: S603 - our own arguments
                [command, "-v", "error", *arguments], stdout=subprocess.PIPE
            )
            for _ in cores
        ]
        list(threads.map(_read, decoding))
    if any(process.returncode for process in decoding):
        raise RuntimeError(f"ffmpeg cannot decode {path.name}")


def _read(process: "subprocess.Popen[bytes]") -> None:
    with process:
        assert process.stdout  # noqa: S101 - it is a pipe
        while process.stdout.read(SLOT_VALUES * 4):
            pass
