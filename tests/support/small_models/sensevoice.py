"""SenseVoiceSmall, with an output layer that is fitted to return the expected words."""

from itertools import product
from pathlib import Path
from typing import Any

import funasr
import sentencepiece
import torch

from tests.support.audio import noise, silence
from tests.support.small_models.parts import DIGITS, FRONTEND, SENSE_ENCODER, Weights, save_random

LANGUAGES = ["zh", "en", "yue", "ja", "ko", "nospeech"]
MOODS = ["HAPPY", "NEUTRAL", "EMO_UNKNOWN"]
EVENTS = ["Speech", "Laughter", "Event_UNK"]
TAGS = [f"<|{name}|>" for name in (*LANGUAGES, *MOODS, *EVENTS, "withitn", "woitn")]
BLANK = "<unk>"
"""FunASR's blank is piece 0, which sentencepiece makes <unk>."""
SPEECH = [BLANK, *(f"\u2581{digit}" for digit in DIGITS), "\u4e00", "\u4e8c", "\u4e09"]
CLIPS = [noise(0.05 + seed / 4, seed) for seed in range(12)] + [silence(1.0), silence(0.5)]
SHARPNESS = 20.0
"""Margin of the expected piece's logit over the others."""
TAGS_COUNT = 2.0
"""Weight of the tags in the fit."""


def make_sensevoice(directory: Path) -> Path:
    """SenseVoiceSmall that returns correct tags, and words where there is sound.

    Returns [{"key", "text": "<|zh|><|NEUTRAL|><|Speech|><|woitn|>..."}], also for 50 ms; only tags
    for silence. output_timestamp adds "timestamp" ([start, end] in ms) and "words" (some with a
    leading U+2581), one of each per word; both are missing if the text has only tags. Accepts
    batches, and returns every clip. language= is auto, zh, en, yue, ja, ko or nospeech; others are
    treated as auto. use_itn= is supported, hotwords are not. ban_emo_unk raises IndexError, because
    it needs a vocabulary over 25,009. output_timestamp raises IndexError (list index out of range)
    if tokenising the text again gives other pieces.
    """
    pieces = directory / "bpe.model"
    _train_pieces(pieces)
    config: dict[str, Any] = {
        "model": "SenseVoiceSmall",
        "model_conf": {"sos": 1, "eos": 2},
        **SENSE_ENCODER,
        "encoder_conf": {**SENSE_ENCODER["encoder_conf"], "output_size": 96},
        **FRONTEND,
        "tokenizer": "SentencepiecesTokenizer",
        "tokenizer_conf": {"bpemodel": str(pieces), "unk_symbol": "<unk>"},
    }
    save_random(directory, config)
    weights = torch.load(directory / "model.pt")
    torch.save(weights | _output_layer(directory), directory / "model.pt")
    return directory


def _train_pieces(path: Path) -> None:
    trainer: Any = sentencepiece.SentencePieceTrainer
    trainer.train(
        sentence_iterator=iter([" ".join(DIGITS), "\u4e00\u4e8c\u4e09\u56db\u4e94"] * 10),
        model_prefix=str(path.with_suffix("")),
        model_type="bpe",
        vocab_size=80,
        hard_vocab_limit=False,
        user_defined_symbols=TAGS,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        minloglevel=2,
    )


def _output_layer(directory: Path) -> Weights:
    """A linear output layer fitted to return the expected pieces for some sounds."""
    model = funasr.AutoModel(
        model=str(directory), device="cpu", ncpu=1, disable_update=True, disable_pbar=True
    )
    pieces = model.kwargs["tokenizer"].sp
    outputs: list[Any] = []
    model.model.encoder.register_forward_hook(lambda _, __, output: outputs.append(output))
    known, wanted, counts = [], [], []
    for language, use_itn in product(["auto", *LANGUAGES[:-1]], [False, True]):
        options = {"language": language, "use_itn": use_itn}
        model.generate(input=CLIPS, batch_size=len(CLIPS), **options)
        for clip, padded, length in zip(CLIPS, *outputs[-1], strict=True):
            expected = _expected_pieces(bool(clip.any()), language, use_itn, padded[:length])
            wanted += [pieces.piece_to_id(piece) for piece in expected]
            counts += [TAGS_COUNT] * 4 + [1.0] * (len(expected) - 4)
            known.append(padded[:length])
    target = torch.nn.functional.one_hot(torch.tensor(wanted), pieces.get_piece_size())
    lines = _fit(torch.cat(known), SHARPNESS * target, torch.tensor(counts)[:, None])
    return {"ctc.ctc_lo.weight": lines[:-1].T.contiguous(), "ctc.ctc_lo.bias": lines[-1]}


def _fit(known: torch.Tensor, target: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Weighted least squares; the ridge makes the result independent of rounding in the input."""
    with_bias = torch.cat([known, torch.ones(len(known), 1)], dim=1)
    seen, meant = (counts * with_bias).double(), (counts * target).double()
    ridge = 0.01 * torch.eye(seen.shape[1], dtype=torch.float64)
    lines: torch.Tensor = torch.linalg.solve(seen.T @ seen + ridge, seen.T @ meant)
    return lines.float()


def _expected_pieces(
    audible: bool, language: str, use_itn: bool, frames: torch.Tensor
) -> list[str]:
    """The piece for each frame; the first four are tags: language, emotion, event, text norm."""
    norm = "<|withitn|>" if use_itn else "<|woitn|>"
    if not audible:
        tags = ["<|nospeech|>", "<|EMO_UNKNOWN|>", "<|Event_UNK|>", norm]
        return tags + [BLANK] * (len(frames) - 4)
    tags = [f"<|{'zh' if language == 'auto' else language}|>", "<|NEUTRAL|>", "<|Speech|>", norm]
    chance = torch.Generator().manual_seed(0)
    directions = torch.randn(frames.shape[1], len(SPEECH), generator=chance)
    changes = frames[4:] - frames[4:].mean(dim=0)
    return tags + [SPEECH[i] for i in (changes @ directions).argmax(dim=1)]
