"""PURE: decisions about speech and text.

spans            Span: a range of speech, in ms and samples
batch_window     a stream of speech -> groups that are recognised together
batching         clips -> batches under a budget of padded seconds
batch_budget     formula of that budget: from free bytes, halved when memory is full
silence_split    cuts long spans at quiet places, decides which spans to merge
tokens           text -> words and back, by script
sensevoice_tags  SenseVoice's tags: language, emotion, events; the text without them
alignment        aligns a segment's text with its words
segments         recognised spans -> segments and text with absolute times
pause_split      cuts a segment between words
sentences        segments -> one segment per sentence
quality          quality flags of a text and of a file
speech_rate      plausible amounts of text for a duration
repetition       detects text that repeats itself
speakers         which embeddings are clustered, and who speaks where
"""
