"""How far the outputs of a job are from reference texts.

evaluating.py   reads references and outputs, many at once, and compares them
references.py   a manifest whose rows tell what was said; outputs are named as enqueue names them
rows.py         PURE: a line of a manifest as what was said in one file
hearing.py      what lies in S3 for one file: a transcript, an error, or nothing
normalising.py  PURE: texts without case and punctuation, as words or characters
choosing.py     PURE: whether words or characters are counted, by script and language
scoring.py      PURE: errors between two texts, by jiwer
counts.py       PURE: words and errors, which add up
result.py       PURE: what became of each file, and the totals
"""
