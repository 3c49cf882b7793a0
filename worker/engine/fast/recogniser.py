"""Paraformer with word times (BiCif, SeACo) on features that the detector has computed already.

The model's own encoder, predictor and decoder; around them stacking for the whole batch, firing
without loops, and one transfer of token numbers per batch instead of two per clip.
"""

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import torch
from funasr.models.bicif_paraformer import cif_predictor
from funasr.utils import postprocess_utils, timestamp_tools

from worker.engine.families import paraformer
from worker.engine.fast import firing
from worker.engine.fast.both_ways import BothWays
from worker.engine.fast.filterbank import FilterBank
from worker.engine.fast.stacking import Stacking
from worker.engine.faults import guarded
from worker.engine.interface import Clip, Hints
from worker.engine.stock import StockRecogniser, padded
from worker.planning.assembly import Recognition

_FAMILIES = ("BiCifParaformer", "SeacoParaformer")
"""Without hotwords a SeACo-Paraformer is a BiCif-Paraformer."""

_UPSAMPLED = 3
"""Word times are predicted three times per encoded frame."""


def applies(model: Any) -> bool:
    """Whether this is one of FunASR's Paraformers in the form that this path knows."""
    frontend, tokenizer = model.kwargs.get("frontend"), model.kwargs.get("tokenizer")
    return (
        type(model.model).__name__ in _FAMILIES
        and type(model.model.predictor).__name__ == "CifPredictorV3"
        and model.model.predictor.upsample_type in ("cnn", "cnn_blstm")
        and type(frontend).__name__ == "WavFrontend"
        and (frontend.fs, frontend.n_mels) == (16_000, 80)
        and (frontend.frame_length, frontend.frame_shift) == (25, 10)
        and frontend.window == "hamming"
        and bool(frontend.snip_edges and frontend.upsacle_samples)
        and frontend.cmvn is not None
        and not hasattr(tokenizer, "bpemodel")
        and not model.kwargs.get("decoding_ctc_weight")
    )


class Said(NamedTuple):
    """What the model says of a batch, on the device."""

    best: torch.Tensor
    """Token numbers, shape (batch, most tokens)."""
    counts: torch.Tensor
    """Tokens of each clip."""
    alphas: torch.Tensor
    """Weights for word times, shape (batch, frames)."""
    peaks: torch.Tensor
    """Their sums, shape (batch, frames)."""
    frames: torch.Tensor
    """Frames of each clip in these two."""
    sure: torch.Tensor
    """Mean log probability of each clip's tokens."""


@contextlib.contextmanager
def fast_firing() -> Iterator[None]:
    """Let FunASR's predictor call our firing, for as long as a batch takes."""
    with (
        mock.patch.object(cif_predictor, "cif", firing.cif),
        mock.patch.object(cif_predictor, "cif_wo_hidden", firing.cif_wo_hidden),
        mock.patch.object(timestamp_tools, "cif_wo_hidden", firing.cif_wo_hidden),
    ):
        yield


@contextlib.contextmanager
def _instead(predictor: Any, run: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[None]:
    """Let the predictor call this instead of its LSTM for word times, if it has one."""
    lstm = getattr(predictor, "blstm", None)
    if lstm is None:
        yield
        return
    with mock.patch.object(lstm, "forward", lambda frames: (run(frames), (None, None))):
        yield


def _nothing(frames: torch.Tensor) -> torch.Tensor:
    """In place of word times that FunASR computes and throws away."""
    return frames.new_zeros(*frames.shape[:2], 2 * frames.shape[2])


class FastRecogniser:
    """Recognises like FunASR, with its weights; what it does not know, FunASR does.

    The model has been prepared by its family: behind a clip its encoder shows nothing.
    """

    def __init__(self, model: Any, device: str, filterbank: FilterBank) -> None:
        self._stock = StockRecogniser(model)
        frontend = model.kwargs["frontend"]
        self._model, self._tokenizer = model.model, model.kwargs["tokenizer"]
        self._filterbank = filterbank
        shift, scale = frontend.cmvn.to(device)
        self._stacking = Stacking(frontend.lfr_m, frontend.lfr_n, shift, scale)
        lstm = getattr(self._model.predictor, "blstm", None)
        self._lstm = BothWays(lstm) if lstm is not None else None
        silent = (self._model.sos, self._model.eos, self._model.blank_id)
        self._silent = frozenset(int(token) for token in silent)

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """See Recogniser."""
        if hints.hotwords and type(self._model).__name__ == "SeacoParaformer":
            return self._stock.recognise(clips, hints)
        with guarded(), torch.inference_mode(), fast_firing():
            return self._recognise(clips)

    def _features(self, clip: Clip) -> torch.Tensor:
        """What the detector has computed already, or the same computed now."""
        if clip.features is not None:
            known: torch.Tensor = clip.features
            return known
        return self._filterbank(torch.from_numpy(padded(clip.samples)))

    def stack(self, clips: Sequence[Clip]) -> tuple[torch.Tensor, torch.Tensor]:
        """The clips as the model takes them: padded, and each one's length."""
        return self._stacking([self._features(clip) for clip in clips])

    def _recognise(self, clips: Sequence[Clip]) -> list[Recognition]:
        said = self.forward(*self.stack(clips))
        if said is None:
            return [Recognition(text="")] * len(clips)
        best, counts, frames = said.best.cpu(), said.counts.tolist(), said.frames.tolist()
        alphas, peaks = said.alphas.float().cpu(), said.peaks.float().cpu()
        sure = paraformer.read_confidence(said.sure, counts)
        return [
            replace(
                self._read(best[i, : counts[i]], alphas[i, : frames[i]], peaks[i, : frames[i]]),
                confidence=sure[i],
            )
            for i in range(len(clips))
        ]

    def forward(self, stacked: torch.Tensor, lengths: torch.Tensor) -> "Said | None":
        """The model alone, from stacked features to tokens and firings; None for no token."""
        model = self._model
        encoded, lengths = model.encode(stacked, lengths)
        with _instead(model.predictor, _nothing):
            embeddings, tokens, _, _ = model.calc_predictor(encoded, lengths)[:4]
        tokens = tokens.round().long()
        if not tokens.max():
            return None
        scores, _ = model.cal_decoder_with_predictor(encoded, lengths, embeddings, tokens)[:2]
        with _instead(model.predictor, partial(self._both_ways, lengths=lengths * _UPSAMPLED)):
            _, _, alphas, peaks = model.calc_predictor_timestamp(encoded, lengths, tokens)
        values, best = scores.max(-1)
        sure = paraformer.mean_score(values, tokens)
        return Said(best, tokens, alphas, peaks, lengths * _UPSAMPLED, sure)

    def _both_ways(self, frames: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        assert self._lstm is not None  # noqa: S101 - it stands in for the model's own
        result: torch.Tensor = self._lstm(frames, lengths)
        return result

    def _read(self, best: torch.Tensor, alphas: torch.Tensor, peaks: torch.Tensor) -> Recognition:
        """Token numbers -> words with times, by FunASR's own rules."""
        numbers = [number for number in best.tolist() if number not in self._silent]
        tokens = self._tokenizer.ids2tokens(numbers)
        _, times = timestamp_tools.ts_prediction_lfr6_standard(alphas, peaks, copy.copy(tokens))
        text, word_times, _ = postprocess_utils.sentence_postprocess(tokens, times)
        return paraformer.read_result({"text": text, "timestamp": word_times})
