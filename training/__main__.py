"""`python -m training VERB`: synthesise, train-asr, train-vad, evaluate, samples, or all of them.

Intermediate results are kept in a work folder and reused by the next run.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from funasr_fleet.demo_model import DEMO

if TYPE_CHECKING:
    from training.asr import Round
    from training.corpus import Example

SCENES, VAD_EPOCHS, TIMESTAMP_EPOCHS = 900, 10, 3
HELD_OUT = 500
"""Utterances per language in the evaluation."""

SAMPLES = Path(__file__).parent.parent / "embedded" / "samples"


@dataclass(frozen=True)
class Settings:
    """Settings of all commands; every field is a flag of the same name."""

    work: Path
    """Folder for synthesised features and intermediate weights."""
    demo: Path
    """Folder for the finished models."""
    samples: Path
    """Folder for the demo's audio files."""
    quick: bool
    """Use a hundredth of everything: tests that the recipe runs, not that the model is good."""
    threads: int
    """Number of torch threads, and of processes for synthesis."""

    def shortened(self, count: int) -> int:
        """Return a count of utterances, scenes or epochs, divided by 100 with `quick`."""
        return max(1, count // 100) if self.quick else count


class Stopwatch:
    """Measures wall time since its creation."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def minutes(self) -> float:
        """Return the minutes since the creation, with one decimal."""
        return round((time.monotonic() - self._started) / 60, 1)


def synthesise(settings: Settings) -> None:
    """Synthesise the training data of both models and store its features."""
    from training.vad import vad_corpus

    _rounds(settings)
    vad_corpus(settings.work, settings.shortened(SCENES), settings.threads)


def _rounds(settings: Settings) -> "list[tuple[list[Example], Round]]":
    """Return the training rounds of the recogniser with their utterances."""
    from training.asr import ROUNDS
    from training.corpus import training_corpus

    rounds = []
    for plan in ROUNDS:
        examples: list[Example] = []
        for part in plan.utterances:
            chosen = range(part.start, part.start + settings.shortened(len(part)))
            examples += training_corpus(settings.work, chosen, settings.threads)
        rounds.append((examples, replace(plan, epochs=settings.shortened(plan.epochs))))
    return rounds


def train_asr(settings: Settings) -> None:
    """Train the recogniser, then its word times, and export both as one model."""
    from training.asr import train_recogniser
    from training.card import note_training
    from training.export import export_recogniser
    from training.timestamps import build_aligner, train_aligner

    rounds = _rounds(settings)
    examples = [
        example for part, _ in rounds[:-1] for example in part
    ]  # the last round repeats the others
    watch = Stopwatch()
    recogniser, moments = train_recogniser(rounds, settings.work)
    hours = round(sum(len(example.features) for example in examples) * 0.06 / 3600, 1)
    passes = " + ".join(str(plan.epochs) for _, plan in rounds)
    note_training(
        settings.work,
        "asr",
        examples=len(examples),
        hours=hours,
        epochs=passes,
        minutes=watch.minutes(),
    )
    watch = Stopwatch()
    aligner = build_aligner(recogniser.state_dict())
    epochs = settings.shortened(TIMESTAMP_EPOCHS)
    train_aligner(aligner, rounds[0][0], moments, epochs)
    note_training(settings.work, "timestamps", epochs=epochs, minutes=watch.minutes())
    export_recogniser(settings.demo / "asr", aligner.state_dict(), moments)


def train_vad(settings: Settings) -> None:
    """Train the speech detector and export it."""
    from training.card import note_training
    from training.export import export_detector
    from training.vad import train_detector, vad_corpus

    scenes = vad_corpus(settings.work, settings.shortened(SCENES), settings.threads)
    watch = Stopwatch()
    epochs = settings.shortened(VAD_EPOCHS)
    detector, moments = train_detector(scenes, epochs, settings.work)
    hours = round(sum(len(labels) for _, labels in scenes) / 360_000, 1)
    note_training(
        settings.work,
        "vad",
        examples=len(scenes),
        hours=hours,
        epochs=epochs,
        minutes=watch.minutes(),
    )
    export_detector(settings.demo / "vad", detector.state_dict(), moments)


def evaluate(settings: Settings) -> None:
    """Evaluate the exported models and write their card and the canary."""
    from training.card import write_canary, write_report
    from training.evaluate import examine, examine_samples, load

    asr, vad = settings.demo / "asr", settings.demo / "vad"
    if not settings.quick:
        write_canary(settings.demo, settings.threads)
    report = examine(asr, vad, settings.threads, settings.shortened(HELD_OUT))
    report["demo_files"] = examine_samples(load(asr, vad, settings.threads), settings.samples)
    write_report(settings.demo, settings.work, report)


def samples(settings: Settings) -> None:
    """Create the audio files of the demo."""
    from training.samples import write_samples

    write_samples(settings.samples)


def everything(settings: Settings) -> None:
    """Run the whole recipe in order."""
    for step in (synthesise, train_asr, train_vad, samples, evaluate):
        step(settings)


VERBS: dict[str, Callable[[Settings], None]] = {
    "synthesise": synthesise,
    "train-asr": train_asr,
    "train-vad": train_vad,
    "samples": samples,
    "evaluate": evaluate,
    "all": everything,
}


def parse(arguments: list[str] | None = None) -> tuple[str, Settings]:
    """Parse the command and its settings from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Trains the demo model: spoken digits in English and Mandarin.",
        epilog="example: python -m training all --work .fleet/demo-model",
    )
    parser.add_argument("verb", choices=VERBS, nargs="?", default="all")
    parser.add_argument("--work", type=Path, default=Path(".fleet/demo-model"))
    parser.add_argument("--demo", type=Path, default=DEMO)
    parser.add_argument("--samples", type=Path, default=SAMPLES)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=min(8, len(os.sched_getaffinity(0))))
    values = vars(parser.parse_args(arguments))
    return values.pop("verb"), Settings(**values)


def main() -> None:
    """Run one command and print its duration."""
    verb, settings = parse()
    import torch

    torch.set_num_threads(settings.threads)
    watch = Stopwatch()
    VERBS[verb](settings)
    print(f"{verb}: {watch.minutes()} minutes")


if __name__ == "__main__":
    main()
