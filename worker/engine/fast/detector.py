"""Streaming FSMN-VAD: features shared with the recogniser, one encoder pass, compiled decisions.

Results equal FunASR's own inference to the millisecond. FunASR's chunks of 60 s are kept, because
its silence schedule depends on them.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from funasr_fleet.worker.engine.device_errors import retry_on_oom
from funasr_fleet.worker.engine.fast.decisions import Decisions, VadRules
from funasr_fleet.worker.engine.fast.features import (
    FRAME_MS,
    FRAME_SAMPLES,
    MEL_BINS,
    SHIFT_SAMPLES,
    FilterBank,
    frame_count,
    is_standard,
)
from funasr_fleet.worker.engine.interface import BLOCK_SAMPLES, Clip, OnOom, Samples
from funasr_fleet.worker.engine.stock import MIN_CLIP_SAMPLES, is_fsmn
from funasr_fleet.worker.events import ignore
from funasr_fleet.worker.text.spans import SAMPLES_PER_MS, Span


class FeatureWindow:
    """Samples and features of the latest frames. Frames are numbered from the audio's beginning."""

    def __init__(self, filterbank: FilterBank) -> None:
        self._filterbank = filterbank
        self._first = 0
        self._samples: Samples = np.empty(0, np.float32)
        self._features = torch.empty(0, MEL_BINS)

    @property
    def frames(self) -> int:
        """Number of frames since the audio's beginning."""
        return self._first + len(self._features)

    def add(self, block: Samples) -> None:
        """Append samples and compute their features; changes nothing when it fails."""
        known_frames = len(self._features)
        samples = np.concatenate([self._samples, block])
        new_features = self._filterbank(torch.from_numpy(samples[known_frames * SHIFT_SAMPLES :]))
        self._features = torch.cat([self._features.to(new_features.device), new_features])
        self._samples = samples

    def features(self, start: int, end: int) -> torch.Tensor:
        """Features of these frames, shape (end - start, 80); edge frames repeat beyond the ends."""
        rows = torch.arange(start, end).clamp_(0, self.frames - 1) - self._first
        return self._features[rows.to(self._features.device, non_blocking=True)]

    def samples_of(self, start: int, end: int) -> Samples:
        """The samples from which these frames were computed."""
        begin = (start - self._first) * SHIFT_SAMPLES
        return self._samples[begin : begin + (end - start - 1) * SHIFT_SAMPLES + FRAME_SAMPLES]

    def clip(self, span: Span) -> Clip:
        """A copy of a span, with its features when it begins at a whole frame."""
        offset = self._first * SHIFT_SAMPLES
        begin, end = span.start_ms * SAMPLES_PER_MS - offset, span.end_ms * SAMPLES_PER_MS - offset
        samples = self._samples[begin:end].copy()
        first, remainder = divmod(span.start_ms, FRAME_MS)
        if remainder or len(samples) < MIN_CLIP_SAMPLES:
            return Clip(span, samples)
        start = first - self._first
        features = self._features[start : start + frame_count(len(samples))]
        return Clip(span, samples, features.clone())

    def forget(self, before: int) -> None:
        """Drop samples and features before this frame."""
        drop = max(0, min(before, self.frames) - self._first)
        self._samples = self._samples[drop * SHIFT_SAMPLES :]
        self._features = self._features[drop:]
        self._first += drop


_CONTEXT = 2
"""Context frames on each side of a frame, which make stacks of five. Those on the right add
latency."""


def applies(model: Any) -> bool:
    """Whether this is FunASR's FSMN-VAD in a configuration that this path supports."""
    frontend, vad = model.kwargs.get("frontend"), model.model
    return (
        is_fsmn(model)
        and type(frontend).__name__ == "WavFrontendOnline"
        and is_standard(frontend)
        and (frontend.lfr_n, frontend.lfr_m) == (1, 1 + 2 * _CONTEXT)
        and vad.vad_opts.detect_mode == 1
        and vad.vad_opts.sil_pdf_ids == [0]
        and vad.encoder_conf.get("rorder") == 0
    )


class FastDetector:
    """FSMN-VAD on the fast path; start_vad starts it on one audio."""

    def __init__(self, model: Any, device: str, filterbank: FilterBank) -> None:
        frontend, kwargs = model.kwargs["frontend"], model.kwargs
        self._encoder = model.model.encoder
        self.filterbank = filterbank
        width = frontend.lfr_m * frontend.n_mels
        cmvn = frontend.cmvn if frontend.cmvn is not None else torch.tensor([[0.0], [1.0]])
        self._shift, self._scale = (row[:width].to(device) for row in cmvn)
        scheduled = kwargs.get("dynamic_silence", kwargs.get("max_end_silence_time") is None)
        self.rules = _rules(model.model.vad_opts, bool(scheduled))

    def start_vad(self, on_oom: OnOom = ignore) -> "FastStreamingVad":
        """Start VAD of one audio; `on_oom` is called when memory is full, before a retry."""
        return FastStreamingVad(self, on_oom)

    @torch.inference_mode()
    def silence(
        self, features: torch.Tensor, cache: dict[str, torch.Tensor]
    ) -> NDArray[np.float32]:
        """Probability of silence per frame.

        Args:
            features: the frames with their context on both sides, shape (frames + 4, 80).
            cache: state of the causal encoder after the previous frames; updated in place.
        """
        stacked = features.unfold(0, 2 * _CONTEXT + 1, 1).transpose(1, 2).flatten(1)
        normalised = (stacked + self._shift).mul_(self._scale)
        scores = self._encoder(normalised[None], cache=cache)
        silence: NDArray[np.float32] = scores[0, :, 0].float().cpu().numpy()
        return silence


class FastStreamingVad:
    """FSMN-VAD on one audio. Steps that may run out of device memory change no state on failure."""

    def __init__(self, detector: FastDetector, on_oom: OnOom) -> None:
        self._detector = detector
        self._on_oom = on_oom
        self._window = FeatureWindow(detector.filterbank)
        self._decisions = Decisions(detector.rules)
        self._cache: dict[str, torch.Tensor] = {}
        self._decided = 0

    def push(self, block: Samples) -> list[Clip]:
        """Process the next block and return the speech that has ended."""
        retry_on_oom(lambda: self._window.add(block), self._on_oom)
        is_full = len(block) == BLOCK_SAMPLES
        return self._decide(self._window.frames - _CONTEXT, last=False) if is_full else []

    def flush(self) -> list[Clip]:
        """End the audio and return the remaining speech."""
        return self._decide(self._window.frames, last=True)

    def _decide(self, end: int, *, last: bool) -> list[Clip]:
        """Decide about the frames before `end` and return the clips that ended."""
        window, start = self._window, self._decided
        if end <= start:
            return []
        silence, self._cache = retry_on_oom(lambda: self._silence(start, end), self._on_oom)
        loudness = decibels(window.samples_of(start, end))
        segments = self._decisions.push(silence, loudness, last=last)
        self._decided = end
        spans = [Span(int(begin), int(stop)) for begin, stop in segments]
        clips = retry_on_oom(lambda: [window.clip(span) for span in spans], self._on_oom)
        window.forget(min(self._decisions.earliest, end - _CONTEXT))
        return clips

    def _silence(self, start: int, end: int) -> tuple[NDArray[np.float32], dict[str, torch.Tensor]]:
        """Probability of silence of these frames, and the encoder's cache after them."""
        cache = dict(self._cache)  # the encoder replaces its tensors and changes none in place
        features = self._window.features(start - _CONTEXT, end + _CONTEXT)
        return self._detector.silence(features, cache), cache


def decibels(samples: Samples) -> NDArray[np.float64]:
    """Loudness of each frame: 10 log10 of its energy + 1e-6, as FunASR computes it."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME_SAMPLES)[::SHIFT_SAMPLES]
    energies = np.sum(np.square(frames), axis=1)
    return np.asarray(10 * np.log10(energies + 0.000001), np.float64)


def _rules(options: Any, scheduled: bool) -> VadRules:
    frame_ms = int(options.frame_in_ms)
    window = int(options.window_size_ms / frame_ms)
    lookback = int(options.lookback_time_start_point / frame_ms) if options.do_extend else 0
    return VadRules(
        frame_ms=frame_ms,
        window=window,
        speech_frames=int(options.sil_to_speech_time_thres / frame_ms),
        silence_frames=int(options.speech_to_sil_time_thres / frame_ms),
        latency=window + lookback,
        lookahead=int(options.lookahead_time_end_point / frame_ms),
        extend=bool(options.do_extend),
        longest=options.max_single_segment_time / frame_ms,
        end_silence_ms=float(options.max_end_silence_time - options.speech_to_sil_time_thres),
        speech_to_silence_ms=float(options.speech_to_sil_time_thres),
        noise_threshold=0.5 if scheduled else float(options.speech_noise_thres),
        noise_ratio=float(options.speech_2_noise_ratio),
        snr_threshold=float(options.snr_thres),
        decibel_threshold=float(options.decibel_thres),
        noise_memory=float(options.noise_frame_num_used_for_snr),
        scheduled=scheduled,
        chunk_ms=BLOCK_SAMPLES / SAMPLES_PER_MS,
    )
