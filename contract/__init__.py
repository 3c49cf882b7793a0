"""PURE: the interface between producer and worker.

job              the task's message: Shard, AudioRef, Options
shard_message    reads the message; an invalid entry does not invalidate the others
transcript       the result documents: Transcript, Receipt, ErrorReport
result_summary   outcome, length and warnings of a result document
shard_record     rows with the outcome of each file of a shard
audio_suffixes   file name suffixes that count as audio, with their formats and typical rates
audio_address    valid addresses of audio, and how to show them without secrets
key_length       whether a name is too long with its output prefix
layout           keys of outputs and job documents, valid names, fingerprint
queues           task name, queue names, priorities
abilities        capabilities of a model, and the options it does not support or ignores
shown_text       text of others, as terminals, logs and pages may show it
invalid_fields   the error message for a document with invalid fields
language         language codes from tags and names
unicode_scripts  characters by script, and scripts whose characters are words
"""
