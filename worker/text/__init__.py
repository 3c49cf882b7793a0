"""PURE: decisions about speech and text.

spans          Span: a range of speech, in ms and samples
batching       forms groups (for pipeline/pipeline) and batches (for engine/funasr) of clips
silence_split  cuts long spans at quiet places, decides which spans to merge
tokens         text -> words and back, by script
alignment      aligns a segment's text with its words
segments       recognised spans -> segments with absolute times; cuts a segment between words
sentences      segments -> one segment per sentence
quality        quality flags of a text and of a file: rate of speech, repetitions
speakers       chooses embeddings to cluster, labels the others, cuts speech into speaker turns
"""
