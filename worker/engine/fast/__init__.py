"""Fast paths. Each is equivalent to a stock path and is compared with it when a child starts.

features    Kaldi's 80-bin filter bank, and low frame rate (LFR) with CMVN
decisions   FSMN-VAD's decisions per 10 ms, compiled
detector    streaming FSMN-VAD, built on these two
predictor   CifPredictorV3: continuous integrate-and-fire (CIF) without a loop over frames
recogniser  Paraformer with word times on shared features, one transfer per batch
punctuator  CT-Transformer over a batch of texts
selection   the protocol of each step; uses a fast path if it agrees with the stock path
"""
