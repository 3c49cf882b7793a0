"""PURE: decisions about one shard's audio.

spans.py     Span: a stretch of speech; cutting samples by spans
grouping.py  a stream of speech -> groups that are recognised together
batching.py  clips -> batches under a padded-seconds budget
budget.py    how that budget follows the device's memory
words.py     text -> words, by script
assembly.py  recognised spans -> segments and text with absolute times
"""
