"""Small models of FunASR's own classes with random weights; make_X(directory) writes one.

The docstring of each make_X describes what `generate` of its class returns and when it raises
(FunASR 1.4.16).

recognisers.py       Paraformer, ContextualParaformer, SeacoParaformer, Conformer, Transformer, CTC
sensevoice.py        SenseVoiceSmall
nano_and_whisper.py  FunASRNano without a CTC decoder, and with one; WhisperWarp
auxiliary.py         SileroVad, CTTransformer, CAMPPlus, ERes2NetV2
parts.py             parts that several models share

Not included: Qwen3ASR (its package requires transformers 4.57.6), GLMASR (the class that it loads
with transformers 5.23 has no `generate`).
"""
