"""Paraformer with word times (BiCif, SeACo) on features that the VAD has already computed.

Uses the model's own encoder, predictor and decoder. Frames are stacked for the whole batch, CIF
runs without loops on the device, and token numbers are transferred once per batch instead of twice
per clip.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import torch
from funasr.utils import postprocess_utils, timestamp_tools

from funasr_fleet.worker.engine.device_errors import translate_errors
from funasr_fleet.worker.engine.families import paraformer
from funasr_fleet.worker.engine.fast.features import FilterBank, Stacking, is_standard
from funasr_fleet.worker.engine.fast.predictor import FastPredictor, cif_wo_hidden
from funasr_fleet.worker.engine.interface import Clip, Hints
from funasr_fleet.worker.engine.stock import StockRecogniser, padded
from funasr_fleet.worker.text.segments import Recognition

_FAMILIES = ("BiCifParaformer", "SeacoParaformer")
"""Without hotwords, a SeACo-Paraformer is equivalent to a BiCif-Paraformer."""

_FIRES = 1.0 - 1e-4
"""Sum at which ts_prediction_lfr6_standard sees a firing."""


def applies(model: Any) -> bool:
    """Whether this is a FunASR Paraformer in a configuration that this path supports."""
    frontend, tokenizer = model.kwargs.get("frontend"), model.kwargs.get("tokenizer")
    return (
        type(model.model).__name__ in _FAMILIES
        and type(model.model.predictor).__name__ == "CifPredictorV3"
        and model.model.predictor.upsample_type in ("cnn", "cnn_blstm")
        and type(frontend).__name__ == "WavFrontend"
        and is_standard(frontend)
        and bool(frontend.upsacle_samples)
        and frontend.cmvn is not None
        and not hasattr(tokenizer, "bpemodel")
        and not model.kwargs.get("decoding_ctc_weight")
    )


class BatchOutput(NamedTuple):
    """Output of the model for a batch, on the device."""

    best: torch.Tensor
    """Token numbers, shape (batch, max tokens)."""
    counts: torch.Tensor
    """Number of tokens per clip, shape (batch,)."""
    alphas: torch.Tensor
    """CIF weights for word times, shape (batch, frames)."""
    peaks: torch.Tensor
    """Running sums of these weights, shape (batch, frames)."""
    frames: torch.Tensor
    """Number of frames per clip in alphas and peaks, shape (batch,)."""
    log_probability: torch.Tensor
    """Mean log probability of each clip's tokens, shape (batch,)."""


class FastRecogniser:
    """Same results as FunASR, with the same weights; batches with SeACo hotwords go to FunASR.

    The model must have been prepared by its family, so that encoder output after a clip is zero.
    """

    def __init__(self, model: Any, device: str, filterbank: FilterBank) -> None:
        self._stock = StockRecogniser(model)
        frontend = model.kwargs["frontend"]
        self._model, self._tokenizer = model.model, model.kwargs["tokenizer"]
        self._filterbank = filterbank
        shift, scale = frontend.cmvn.to(device)
        self._stacking = Stacking(frontend.lfr_m, frontend.lfr_n, shift, scale)
        self._predictor = FastPredictor(self._model.predictor)
        # the method of the class: the prepared model's also records confidences for the stock path
        self._decode = partial(type(self._model).cal_decoder_with_predictor, self._model)
        special = (self._model.sos, self._model.eos, self._model.blank_id)
        self._special_tokens = frozenset(int(token) for token in special)

    def recognise(self, clips: Sequence[Clip], hints: Hints) -> list[Recognition]:
        """Recognise one batch; one result per clip, in the same order."""
        if hints.hotwords and type(self._model).__name__ == "SeacoParaformer":
            return self._stock.recognise(clips, hints)
        with translate_errors(), torch.inference_mode():
            return self._recognise(clips)

    def _features(self, clip: Clip) -> torch.Tensor:
        """The features that the VAD computed, or the same features computed now."""
        if isinstance(clip.features, torch.Tensor):
            return clip.features
        return self._filterbank(torch.from_numpy(padded(clip.samples)))

    def stack(self, clips: Sequence[Clip]) -> tuple[torch.Tensor, torch.Tensor]:
        """The model's input: padded stacked features, and the length of each clip."""
        return self._stacking([self._features(clip) for clip in clips])

    def _recognise(self, clips: Sequence[Clip]) -> list[Recognition]:
        output = self.forward(*self.stack(clips))
        if output is None:
            return [Recognition(text="")] * len(clips)
        best, counts, frames = output.best.cpu(), output.counts.tolist(), output.frames.tolist()
        alphas, peaks = output.alphas.float().cpu(), output.peaks.float().cpu()
        confidences = paraformer.read_confidence(output.log_probability, counts)
        return [
            replace(
                self._read(best[i, : counts[i]], alphas[i, : frames[i]], peaks[i, : frames[i]]),
                confidence=confidences[i],
            )
            for i in range(len(clips))
        ]

    def forward(self, stacked: torch.Tensor, lengths: torch.Tensor) -> "BatchOutput | None":
        """Run the model on stacked features; None when it predicts no token."""
        model = self._model
        encoded, lengths = model.encode(stacked, lengths)
        embeddings, tokens = self._predictor.embed(encoded, lengths)
        tokens = tokens.round().long()
        if not tokens.max():
            return None
        scores = self._decode(encoded, lengths, embeddings, tokens)[0]
        alphas, peaks = self._predictor.word_times(encoded, lengths, tokens)
        values, best = scores.max(-1)
        log_probability = paraformer.mean_score(values, tokens)
        frames = lengths * self._predictor.upsampled
        return BatchOutput(best, tokens, alphas, peaks, frames, log_probability)

    def _read(self, best: torch.Tensor, alphas: torch.Tensor, peaks: torch.Tensor) -> Recognition:
        """Token numbers -> words with times, by FunASR's postprocessing."""
        numbers = [number for number in best.tolist() if number not in self._special_tokens]
        tokens = self._tokenizer.ids2tokens(numbers)
        alphas, peaks = _one_firing_per_token(alphas, peaks, len(tokens))
        _, times = timestamp_tools.ts_prediction_lfr6_standard(alphas, peaks, copy.copy(tokens))
        text, word_times, _ = postprocess_utils.sentence_postprocess(tokens, times)
        return paraformer.read_result({"text": text, "timestamp": word_times})


def _one_firing_per_token(
    alphas: torch.Tensor, peaks: torch.Tensor, tokens: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights and sums with as many firings as FunASR's word times need: one more than tokens.

    ts_prediction_lfr6_standard scales the weights in the same way, but finds the firings by a loop
    of device operations.
    """
    if int((peaks >= _FIRES).sum()) == tokens + 1 or not tokens:
        return alphas, peaks
    alphas = alphas / (alphas.sum() / (tokens + 1))
    return alphas, cif_wo_hidden(alphas[None], _FIRES)[0]
