"""How each model family words its results.

paraformer.py  Paraformer and its variants: text, and [start, end] in ms per token
"""
