"""Fast paths: each small, named, and equal to a stock path that stays its twin.

filterbank.py   Kaldi's 80-bin filter bank in torch, in blocks
stacking.py     low frame rate (LFR) and CMVN for many clips at once
decisions.py    FSMN-VAD's decisions per 10 ms, compiled
recent.py       the latest stretch of an audio, with its features
detector.py     FSMN-VAD on audio as it comes in, on those four
firing.py       continuous integrate-and-fire (CIF) without a loop over frames
both_ways.py    a bidirectional LSTM over a padded batch, as if each clip were alone
recogniser.py   Paraformer with word times on shared features, one transfer per batch
marks.py        PURE: where punctuation goes, the model left out
punctuator.py   CT-Transformer over many texts at once
agreement.py    whether two paths say the same
choice.py       which path is taken: the fast one if it says what the stock one says
"""
