"""PURE: decisions about one shard's audio.

spans.py     Span: a stretch of speech; cutting samples by spans
batching.py  clips -> batches under a padded-seconds budget
words.py     text -> words, by script
assembly.py  recognised spans -> segments and text with absolute times
"""
