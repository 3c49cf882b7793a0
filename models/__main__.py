"""`python -m models VERB`: synthesise, train-asr, train-vad, evaluate, samples, or all of them.

Everything made on the way is kept in a work folder and found again by the next run.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from models import DEMO

if TYPE_CHECKING:
    from models.asr import Round
    from models.corpus import Example

SCENES, VAD_EPOCHS, TIMESTAMP_EPOCHS = 900, 10, 3
HELD_OUT = 500
"""Utterances per language in the examination."""

SAMPLES = Path(__file__).parent.parent / "local" / "samples"


@dataclass(frozen=True)
class Settings:
    """What the verbs need to know; every field is a flag of the same name."""

    work: Path
    """Folder for synthesised features and intermediate weights."""
    demo: Path
    """Where the finished models go."""
    samples: Path
    """Where the demo's audio files go."""
    quick: bool
    """A hundredth of everything: shows that the recipe runs, not that its model is good."""
    threads: int
    """Threads of torch, and processes that synthesise."""

    def shortened(self, count: int) -> int:
        """A count of utterances, scenes or epochs, divided by 100 when in a hurry."""
        return max(1, count // 100) if self.quick else count


class Stopwatch:
    """Wall time since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def minutes(self) -> float:
        """With one decimal."""
        return round((time.monotonic() - self._started) / 60, 1)


def synthesise(settings: Settings) -> None:
    """Speaks the training material of both models and keeps its features."""
    from models.vad import vad_corpus

    _rounds(settings)
    vad_corpus(settings.work, settings.shortened(SCENES), settings.threads)


def _rounds(settings: Settings) -> "list[tuple[list[Example], Round]]":
    """The rounds of the recogniser's training with their utterances."""
    from models.asr import ROUNDS
    from models.corpus import training_corpus

    rounds = []
    for plan in ROUNDS:
        examples: list[Example] = []
        for part in plan.utterances:
            chosen = range(part.start, part.start + settings.shortened(len(part)))
            examples += training_corpus(settings.work, chosen, settings.threads)
        rounds.append((examples, replace(plan, epochs=settings.shortened(plan.epochs))))
    return rounds


def train_asr(settings: Settings) -> None:
    """Trains the recogniser, then the times of its words, and exports both as one model."""
    from models.asr import train_recogniser
    from models.card import note_training
    from models.export import export_recogniser
    from models.timestamps import build_aligner, train_aligner

    rounds = _rounds(settings)
    examples = [example for part, _ in rounds[:-1] for example in part]  # the last repeats them
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
    """Trains the speech detector and exports it."""
    from models.card import note_training
    from models.export import export_detector
    from models.vad import train_detector, vad_corpus

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
    """Examines the exported models and writes their card and the canary."""
    from models.card import write_canary, write_report
    from models.evaluate import examine, examine_samples, load

    asr, vad = settings.demo / "asr", settings.demo / "vad"
    if not settings.quick:
        write_canary(settings.demo, settings.threads)
    report = examine(asr, vad, settings.threads, settings.shortened(HELD_OUT))
    report["demo_files"] = examine_samples(load(asr, vad, settings.threads), settings.samples)
    write_report(settings.demo, settings.work, report)


def samples(settings: Settings) -> None:
    """Makes the audio files of the demo."""
    from models.samples import write_samples

    write_samples(settings.samples)


def everything(settings: Settings) -> None:
    """The whole recipe, in order."""
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
    """The verb and its settings from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m models",
        description="Makes the demo model: spoken digits in English and Mandarin.",
        epilog="example: python -m models all --work .fleet/demo-model",
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
    """Runs one verb and says how long it took."""
    verb, settings = parse()
    import torch

    torch.set_num_threads(settings.threads)
    watch = Stopwatch()
    VERBS[verb](settings)
    print(f"{verb}: {watch.minutes()} minutes")


if __name__ == "__main__":
    main()
