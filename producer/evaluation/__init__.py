"""Error rates (WER, CER) of a job's transcripts against reference texts.

evaluating  reads references and outputs in parallel and compares them
references  reads a manifest whose rows contain the reference texts
normalise   PURE: normalises texts and splits them into words or characters
text_rules  the rules of a comparison: whose normaliser, and which conversions of Chinese
scoring     PURE: edit counts between two texts, by jiwer: words or characters by script
result      PURE: the result of each file, and the totals
"""
