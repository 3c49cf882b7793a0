"""Whisper through FunASR, which wraps OpenAI's package: one clip of up to 30 s at a time."""

import math
import os
from pathlib import Path
from typing import Any

from funasr_fleet.contract.abilities import Abilities
from funasr_fleet.worker.engine.families.interface import Family, all_external, init_param
from funasr_fleet.worker.engine.interface import Hints
from funasr_fleet.worker.text.segments import Recognition
from funasr_fleet.worker.text.spans import SAMPLE_RATE

PREFIX = "Whisper-"
"""FunASR's prefix for models that OpenAI's package downloads itself."""


def generate_options(hints: Hints) -> dict[str, Any]:
    """FunASR passes DecodingOptions to OpenAI's package; hotwords go into the prompt."""
    decoding = {
        "language": hints.language,
        "without_timestamps": True,
        "prompt": " ".join(hints.hotwords) or None,
        "fp16": False,
    }
    return {"DecodingOptions": decoding}


def read_result(result: dict[str, Any], _confidence: float | None = None) -> Recognition:
    """Parse one item of generate's result, with the DecodingResult of OpenAI's package."""
    text, decoded = str(result.get("text", "")).strip(), result.get("decoded")
    if decoded is None or not text:
        return Recognition(text=text)
    no_speech_prob = None if math.isnan(decoded.no_speech_prob) else decoded.no_speech_prob
    if is_no_speech(decoded, result["seconds"]):
        return Recognition(
            text="", no_speech_prob=no_speech_prob, probably_no_speech=True, left_out=text
        )
    return Recognition(
        text=text,
        probably_no_speech=(no_speech_prob or 0.0) > NO_SPEECH_PROB,
        language=decoded.language,
        confidence=round(math.exp(min(0.0, decoded.avg_logprob)), 4),
        no_speech_prob=no_speech_prob,
    )


NO_SPEECH_PROB = 0.6
MIN_AVG_LOGPROB = -1.0
MAX_COMPRESSION_RATIO = 2.4
"""The defaults of no_speech_threshold, logprob_threshold and compression_ratio_threshold in
whisper/transcribe.py."""
SHORT_S = 1.0
SHORT_NO_SPEECH_PROB = 0.75
SHORT_MIN_AVG_LOGPROB = -0.6
"""Limits for clips shorter than SHORT_S. Such clips are padded with silence to 30 s, and invented
text has a higher probability: for half a second of noise, tiny.en returns "Thank you." with an
average log probability of -0.76 and a no_speech_prob of 0.79. In 123 clips with single words of
real speech, these limits remove no correct word. In 32 clips of noise, these limits and
openai-whisper's rule together remove all text."""


def is_no_speech(decoded: Any, seconds: float) -> bool:
    """Whether the text of a clip is left out because there is no speech.

    As in openai-whisper, an improbable text is left out if no_speech_prob is high. A repetitive
    text, which openai-whisper would decode again at higher temperatures, is left out too. Clips
    shorter than SHORT_S have limits of their own.

    Args:
        decoded: DecodingResult of OpenAI's package; its no_speech_prob may be nan.
        seconds: length of the clip.
    """
    return bool(decoded.no_speech_prob > NO_SPEECH_PROB) and (
        decoded.avg_logprob < MIN_AVG_LOGPROB
        or decoded.compression_ratio > MAX_COMPRESSION_RATIO
        or (
            seconds < SHORT_S
            and decoded.no_speech_prob > SHORT_NO_SPEECH_PROB
            and decoded.avg_logprob < SHORT_MIN_AVG_LOGPROB
        )
    )


def prepare(model: Any) -> None:
    """Replace FunASR's inference, whose results contain only the text.

    OpenAI's package needs input in the precision of its weights, whatever FLEET_PRECISION is, and
    language="en" for an English-only model.
    """
    import torch
    import whisper
    from funasr.frontends.whisper_frontend import WhisperFrontend

    default = WhisperFrontend(n_mels=model.model.dims.n_mels)
    fixed = {} if model.model.is_multilingual else {"language": "en"}

    def inference(data_in: Any, *, key: Any, device: Any, **kwargs: Any) -> Any:
        samples = torch.as_tensor(data_in[0])[None].float()
        frontend = kwargs.get("frontend") or default
        mel = frontend(samples, torch.tensor([samples.shape[1]]))[0][0].to(device)
        options = whisper.DecodingOptions(**{**kwargs.get("DecodingOptions", {}), **fixed})
        with torch.autocast(mel.device.type, enabled=False):
            decoded = whisper.decode(model.model, mel.float(), options)
        seconds = samples.shape[1] / SAMPLE_RATE
        return [{"key": key[0], "text": decoded.text, "decoded": decoded, "seconds": seconds}], {}

    model.inference = inference


def narrow_abilities(can: Abilities, model: Any) -> Abilities:
    """Set the languages: only en for an English-only model; older models lack Cantonese."""
    from whisper.tokenizer import LANGUAGES

    openai = model.model.model
    languages = tuple(LANGUAGES)[: openai.num_languages] if openai.is_multilingual else ("en",)
    return can.model_copy(update={"languages": languages})


def weights(kwargs: dict[str, Any]) -> Path | None:
    """The weights file: in the download cache of OpenAI's package, or in a model directory."""
    if kwargs.get("hub") != "openai":
        return init_param(kwargs)
    name = str(kwargs["model_path"]).removeprefix(PREFIX)  # FunASR has usually removed it
    cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    return Path(cache) / "whisper" / f"{_FILES.get(name, name)}.pt"


_FILES = {"large": "large-v3", "turbo": "large-v3-turbo"}
"""OpenAI's model name -> file name, where they differ."""


def externally_loaded(model: Any) -> frozenset[str]:
    """OpenAI's package loads its downloads itself, and fails when they do not match."""
    return all_external(model) if model.kwargs.get("hub") == "openai" else frozenset()


WHISPER_FAMILY = Family(
    title="Whisper",
    classes=frozenset(
        {
            "WhisperWarp",
            *(PREFIX + size for size in ("tiny", "base", "small", "medium")),
            *(PREFIX + size for size in ("tiny.en", "base.en", "small.en", "medium.en")),
            *(PREFIX + size for size in ("large-v1", "large-v2", "large-v3", "large-v3-turbo")),
        }
    ),
    examples=("Whisper-large-v3-turbo",),
    files="`model.pt`, a checkpoint of openai-whisper",
    can=Abilities(
        languages=(),
        detects_language=True,
        hotwords=True,
        confidence=True,
        batch=False,
        punctuation=True,
    ),
    generate_options=generate_options,
    read=read_result,
    narrow_abilities=narrow_abilities,
    prepare=prepare,
    longest_s=30.0,
    weights=weights,
    externally_loaded=externally_loaded,
    note="needs `pip install openai-whisper`; speech is split into clips of at most 30 s; "
    "hotwords go into the prompt; always fp32",
)
