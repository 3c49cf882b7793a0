"""Small models of FunASR's own classes with random weights; make_X(directory) writes one.

The docstring of each make_X says what its class returns and where it raises (FunASR 1.4.16).

recognisers.py       Paraformer, ContextualParaformer, SeacoParaformer, Conformer, Transformer, CTC
sensevoice.py        SenseVoiceSmall
nano_and_whisper.py  FunASRNano without a CTC decoder, and with one; WhisperWarp
auxiliary.py         SileroVad, CTTransformer, CAMPPlus, ERes2NetV2
parts.py             parts that several models share

Not here: Qwen3ASR (its package wants transformers 4.57.6), GLMASR (what it loads with
transformers 5.23 has no generate).
"""
