"""PURE: the interface between producer and worker.

job              the task's message: Shard, AudioRef, Options
job_name         valid names of jobs
number_limits    limits of the numbers in a file reference
transcript       the result documents: Transcript, Receipt, ErrorReport
shard_record     rows with the outcome of each file of a shard
audio_address    valid addresses of audio, and how to show them without secrets
layout           audio reference -> keys of its outputs; fingerprint
queues           task name, queue names, priorities
abilities        what a model can do, and which options it does not support
unicode_scripts  characters by script, and scripts whose characters are words
"""
