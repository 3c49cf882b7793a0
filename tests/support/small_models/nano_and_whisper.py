"""FunASRNano and Whisper, which write text token by token."""

from pathlib import Path
from typing import Any

import torch

from tests.support.small_models.parts import (
    DIGITS,
    FRONTEND,
    SENSE_ENCODER,
    WIDTH,
    Weights,
    save_adjusted,
)

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
WORDS = [f" {digit}" for digit in DIGITS] + ["\u4e00", "\u4e8c", "\u4e09", "\u3002"]


def make_nano(directory: Path) -> Path:
    """FunASRNano (Fun-ASR-Nano): an audio encoder and a small Qwen3.

    Accepts torch tensors only (numpy raises TypeError; a str is loaded as a file or an address).
    Returns [{"key", "text", "text_tn", "label": "null"}], without "label" if batch_size > 1.
    Silence and clips of 50 ms get words too. With a CTC decoder, clips are processed one by one and
    have "ctc_text", "ctc_timestamps" and "timestamps": [{"token", "start_time", "end_time" in s,
    "score"}], [] if they cannot be aligned; without torchaudio every clip raises ImportError.
    language= (any words) and hotwords= (a list of str) are inserted into the prompt, in which
    <|startofspeech|>!NAME<|endofspeech|> loads a file or an address. Other options: itn=False,
    max_length= in tokens.
    """
    return _save_nano(directory, {})


def make_nano_with_ctc(directory: Path) -> Path:
    """As make_nano, with the CTC decoder that provides word times."""
    sizes = {"downsample_rate": 1, "encoder_dim": WIDTH, "llm_dim": WIDTH, "n_layer": 1}
    return _save_nano(
        directory,
        {
            "ctc_decoder": "Transformer",
            "ctc_decoder_conf": {**sizes, "ffn_dim": 64, "attention_heads": 4},
            "ctc_tokenizer": "HuggingfaceTokenizer",
            "ctc_tokenizer_conf": {"init_param_path": str(directory / "llm")},
            "ctc_vocab_size": 256 + len(SPECIAL) + len(WORDS) + 1,
            "ctc_weight": 0.3,
        },
    )


def _save_nano(directory: Path, ctc: dict[str, Any]) -> Path:
    llm = str(directory / "llm")
    size = _save_tokenizer(llm)
    _save_llm_config(llm, size)
    config: dict[str, Any] = {
        "model": "FunASRNano",
        "model_conf": {},
        "audio_encoder": SENSE_ENCODER["encoder"],
        "audio_encoder_conf": SENSE_ENCODER["encoder_conf"],
        "audio_adaptor": "Transformer",
        "audio_adaptor_conf": {
            "downsample_rate": 1,
            "ffn_dim": 64,
            "n_layer": 1,
            "attention_heads": 4,
            "use_low_frame_rate": True,
        },
        "llm": "Qwen3",
        "llm_conf": {"init_param_path": llm},
        "tokenizer": "HuggingfaceTokenizer",
        "tokenizer_conf": {"init_param_path": llm},
        **FRONTEND,
        "max_length": 8,
        **ctc,
    }

    def adjust(weights: Weights) -> None:
        """Return only words and never an end token, whose row of zeros is rarely the maximum."""
        weights["llm.lm_head.weight"][: size - len(WORDS)] = 0.0
        if ctc:
            weights["ctc.ctc_lo.bias"][: size - len(WORDS)] = -20.0

    return save_adjusted(directory, config, adjust)


def _save_tokenizer(directory: str) -> int:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={sign: i for i, sign in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.add_tokens([AddedToken(word, normalized=False) for word in WORDS])
    wrap: Any = PreTrainedTokenizerFast
    fast = wrap(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.save_pretrained(directory)
    return len(fast)


def _save_llm_config(directory: str, vocab_size: int) -> None:
    from transformers import Qwen3Config

    config: Any = Qwen3Config(
        vocab_size=vocab_size,
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        tie_word_embeddings=False,
        initializer_range=0.5,
        eos_token_id=256 + SPECIAL.index("<|im_end|>"),
        pad_token_id=256,
    )
    config.architectures = ["Qwen3ForCausalLM"]
    config.save_pretrained(directory)


WHISPER: dict[str, Any] = {
    "model": "WhisperWarp",
    "model_conf": {},
    "dims": {
        "n_mels": 80,
        "n_audio_ctx": 1500,
        "n_audio_state": 8,
        "n_audio_head": 2,
        "n_audio_layer": 1,
        "n_vocab": 51865,
        "n_text_ctx": 448,
        "n_text_state": 8,
        "n_text_head": 2,
        "n_text_layer": 1,
    },
    "DecodingOptions": {"fp16": False, "sample_len": 8},
}
"""The vocabulary and the 30 s of context are fixed by the package."""


def make_whisper(directory: Path) -> Path:
    """Whisper through FunASR's WhisperWarp; the pip package openai-whisper is needed.

    Returns [{"key", "text"}], for silence and clips of 50 ms too, without times. batch_size > 1
    raises NotImplementedError; a list with batch_size=1 is processed one by one. Only the first
    30 s are transcribed. 0 samples raise ZeroDivisionError. Options are passed only as
    DecodingOptions= ({"language": "zh" or "chinese", "prompt", "fp16", ...}; an unknown language
    raises ValueError); language= is ignored.
    """
    return save_adjusted(directory, WHISPER, _initialise_whisper)


def make_english_whisper(directory: Path) -> Path:
    """As make_whisper, for English only, as its vocabulary size indicates."""
    dims = {**WHISPER["dims"], "n_vocab": 51864}
    return save_adjusted(directory, {**WHISPER, "dims": dims}, _initialise_whisper)


def _initialise_whisper(weights: Weights) -> None:
    """Initialise the weights that Whisper leaves uninitialised."""
    places = torch.Generator().manual_seed(0)
    weights["model.decoder.positional_embedding"].normal_(generator=places)
