"""Small models of FunASR's own classes with random weights: make(directory) writes one.

Each module's docstring says what its class really returns and where it raises (FunASR 1.4.16).

sensevoice.py  SenseVoiceSmall
paraformer.py  Paraformer
contextual.py  ContextualParaformer
conformer.py   Conformer, and Transformer (make_transformer)
ctc.py         CTC
whisper.py     WhisperWarp
nano.py        FunASRNano without a CTC decoder, and with one (make_with_ctc)
silero.py      SileroVad
eres2net.py    ERes2NetV2
parts.py       what several are made of
sounds.py      audio to try them with

Not here: Qwen3ASR (its package wants transformers 4.57.6), GLMASR (what it loads with
transformers 5.23 has no generate).
"""
