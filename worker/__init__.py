"""Queue -> transcripts: what runs on the GPUs.

app.py         what `celery -A worker.app` names; wires the rest together
boot.py        `fleet worker`: check the configuration, then become Celery
machine.py     what this machine offers: CPUs within affinity and quota, GPUs by NVML
pinning.py     PURE: child index + devices + CPU limits -> device, threads, environment
lifecycle.py   worker_process_init: pin, load, assert the device, canary; a failure ends the child
slots.py       what the processes of one worker know of each other: state files in run_dir
child_watch.py consumer step in the parent: ends the worker when children fail in a row
tasks.py       the one task: read the shard, run the pipeline, apply the decision
pipeline.py    fetch -> decode -> find speech -> recognise -> assemble -> write
fetching.py    files -> their audio by the minute, the next ones while one is at work
decoding.py    any audio -> 16 kHz samples, by PyAV
audio_length.py  how long a file says it is, and whether all of it came
stretches.py   the stretch and the channels that are asked for
handover.py    from one thread to another, at most so many at once
listening.py   audio -> clips of speech, flowing, file after file
recognising.py clips of many files -> what was said in them
hearing.py     what was said in one file
outcomes.py    every file gets its outcome
committing.py  what was said -> outputs
receipts.py    words + circumstances -> the documents that users read
results.py     reads and writes the outputs of one file
stopwatch.py   seconds by stage
bookkeeping.py a shard in the books: the ledger, and a row per file in S3
attempts.py    how often a message was begun
heap.py        memory that was freed, given back
busy.py        how long the models were at work
planning/      PURE: speech spans, groups, batches and their budget, transcript assembly
engine/        the only place that imports funasr and torch
rendering/     PURE: one file per output format
failures.py    errors + PURE decide(error, attempt)
events.py      frozen events + the Observer protocol
telemetry/     metrics, device readings, logs, the /metrics server
"""
