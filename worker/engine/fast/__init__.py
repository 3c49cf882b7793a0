"""Fast paths. Each is equivalent to a stock path and is compared with it when a child starts.

filterbank          Kaldi's 80-bin filter bank in torch, in blocks
stacking            low frame rate (LFR) and CMVN for a batch of clips
decisions           FSMN-VAD's decisions per 10 ms, compiled
feature_window      the latest range of an audio, with its features
detector            streaming FSMN-VAD, built on these four
cif                 continuous integrate-and-fire (CIF) without a loop over frames
predictor           token embeddings and weights for word times, from CifPredictorV3
bidirectional_lstm  a bidirectional LSTM over a padded batch, unaffected by padding
recogniser          Paraformer with word times on shared features, one transfer per batch
punctuation_rules   PURE: where punctuation goes, given the model's scores
punctuator          CT-Transformer over a batch of texts
parity              whether the results of two paths agree
selection           uses a fast path if it agrees with the stock path
"""
