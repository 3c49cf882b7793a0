"""Fast paths: each small, named, and equal to a stock path that stays its twin.

filterbank.py   Kaldi's 80-bin filter bank in torch, in blocks
stacking.py     low frame rate (LFR) and CMVN for many clips at once
decisions.py    FSMN-VAD's decisions per 10 ms, compiled
detector.py     FSMN-VAD over whole files on those three
firing.py       continuous integrate-and-fire (CIF) without a loop over frames
recogniser.py   Paraformer and BiCif-Paraformer on shared features, one transfer per batch
choice.py       which path is taken: the fast one if it says what the stock one says
"""
