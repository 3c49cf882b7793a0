"""FSMN-VAD over a whole file: shared features, the encoder in blocks, compiled decisions.

Equal to FunASR's own inference to the millisecond; the chunks of 60 s that FunASR looks at are
kept, because its schedule of silences depends on them.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worker.engine.fast import decisions
from worker.engine.fast.decisions import VadRules
from worker.engine.fast.filterbank import FRAME_SAMPLES, SHIFT_SAMPLES, FilterBank, frame_count
from worker.engine.interface import Samples, Sound
from worker.planning.spans import SAMPLES_PER_MS, Span

_CHUNK_MS = 60_000
_HELD_BACK = 2
"""Frames to the right that a stack of five needs, before the end of the audio is known."""
_BLOCK_FRAMES = 6_000
"""Frames that go through the encoder at once: memory does not grow with the file."""


def applies(model: Any) -> bool:
    """Whether this is FunASR's FSMN-VAD in the form that this path knows."""
    frontend, vad = model.kwargs.get("frontend"), model.model
    return (
        type(vad).__name__ == "FsmnVADStreaming"
        and type(frontend).__name__ == "WavFrontendOnline"
        and _is_standard(frontend)
        and (frontend.lfr_n, frontend.lfr_m) == (1, 1 + 2 * _HELD_BACK)
        and vad.vad_opts.detect_mode == 1
        and vad.vad_opts.sil_pdf_ids == [0]
        and vad.encoder_conf.get("rorder") == 0
    )


def _is_standard(frontend: Any) -> bool:
    shape = (frontend.fs, frontend.n_mels, frontend.frame_length, frontend.frame_shift)
    return shape == (16_000, 80, 25, 10) and frontend.window == "hamming" and frontend.snip_edges


class FastDetector:
    """Finds speech like FSMN-VAD, on its weights."""

    def __init__(self, model: Any, device: str, filterbank: FilterBank) -> None:
        frontend, kwargs = model.kwargs["frontend"], model.kwargs
        self._encoder = model.model.encoder
        self._filterbank = filterbank
        self._device = device
        self._context = _HELD_BACK
        width = frontend.lfr_m * frontend.n_mels
        moments = frontend.cmvn if frontend.cmvn is not None else torch.tensor([[0.0], [1.0]])
        self._shift, self._scale = (row[:width].to(device) for row in moments)
        scheduled = kwargs.get("dynamic_silence", kwargs.get("max_end_silence_time") is None)
        self._rules = _rules(model.model.vad_opts, bool(scheduled))

    @torch.inference_mode()
    def find(self, sound: Sound) -> list[Span]:
        """Where somebody speaks."""
        if sound.features is None:
            sound.features = self._filterbank(torch.from_numpy(sound.samples))
        silence = self.silence(sound.features)
        marks = decisions.mark_speech(silence, decibels(sound.samples), self._rules)
        ends = chunk_ends(len(sound.samples), len(silence))
        found = decisions.find_segments(marks, ends, decisions.SILENCE_SCHEDULE, self._rules)
        return [Span(int(start), int(end)) for start, end in found]

    @torch.inference_mode()
    def silence(self, features: torch.Tensor) -> NDArray[np.float32]:
        """Probability of silence per frame; the encoder looks back only, so blocks are exact."""
        count = len(features)
        cache: dict[str, torch.Tensor] = {}
        parts: list[torch.Tensor] = []
        for start in range(0, count, _BLOCK_FRAMES):
            stop = min(start + _BLOCK_FRAMES, count)
            rows = torch.arange(start - self._context, stop + self._context)
            near = features[rows.clamp_(0, count - 1).to(features.device)]
            stacked = near.unfold(0, 2 * self._context + 1, 1).transpose(1, 2).flatten(1)
            scores = self._encoder(((stacked + self._shift) * self._scale)[None], cache=cache)
            parts.append(scores[0, :, 0])
        silence: NDArray[np.float32] = torch.cat(parts).float().cpu().numpy()
        return silence


def decibels(samples: Samples) -> NDArray[np.float64]:
    """Loudness of each frame: 10 log10 of its energy + 1e-6, as FunASR computes it."""
    count = frame_count(len(samples))
    levels = np.empty(count, np.float64)
    for start in range(0, count, _BLOCK_FRAMES):
        stop = min(start + _BLOCK_FRAMES, count)
        part = samples[start * SHIFT_SAMPLES : (stop - 1) * SHIFT_SAMPLES + FRAME_SAMPLES]
        frames = np.lib.stride_tricks.sliding_window_view(part, FRAME_SAMPLES)[::SHIFT_SAMPLES]
        levels[start:stop] = 10 * np.log10(np.sum(np.square(frames), axis=1) + 0.000001)
    return levels


def chunk_ends(samples: int, frames: int) -> NDArray[np.int64]:
    """Frame behind the last one that FunASR has seen after each of its chunks."""
    chunk = _CHUNK_MS * SAMPLES_PER_MS
    seen = [frame_count(end) - _HELD_BACK for end in range(chunk, samples + 1, chunk)]
    return np.array([*seen, frames], np.int64)


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
        chunk_ms=float(_CHUNK_MS),
    )
