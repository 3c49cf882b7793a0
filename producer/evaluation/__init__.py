"""Error rates (WER, CER) of a job's transcripts against reference texts.

evaluating       reads references and transcripts in parallel and compares them
references       reads a manifest whose rows contain the reference texts
rows             PURE: a manifest row -> the reference text of one file
read_hypotheses  reads the output of one file: a transcript, an error report, or nothing
normalise        PURE: normalises texts and splits them into words or characters
metric_choice    PURE: selects WER or CER by script and language
scoring          PURE: edit counts between two texts, by jiwer
edit_counts      PURE: additive counts of words and errors
result           PURE: the result of each file, and the totals
"""
