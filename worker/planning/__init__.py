"""PURE: decisions about one shard's audio.

spans.py     Span: a stretch of speech; cutting samples by spans
grouping.py  a stream of speech -> groups that are recognised together
batching.py  clips -> batches under a padded-seconds budget
budget.py    how that budget follows the device's memory
cutting.py   spans that are too long cut where it is quiet, near ones merged
words.py     text -> words and back, by script
tags.py      SenseVoice's tags: language, emotion, events, and the text without them
aligning.py  the text of a segment over its words: which piece was said when
assembly.py  recognised spans -> segments and text with absolute times
parting.py   a segment cut between pieces of its text
sentences.py segments -> one segment per sentence
quality.py   what is doubtful about a text, and about a file
pace.py      how much can be said in a time, and how little
looping.py   a text that goes round in a circle
speakers.py  which voices are clustered, to whom the others belong, where another goes on
"""
