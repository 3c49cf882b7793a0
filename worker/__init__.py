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
fetching.py    files -> decoded audio, the next one while this one is at work
decoding.py    any audio -> 16 kHz samples, by PyAV
transcribing.py  decoded audio -> what was said, per channel
receipts.py    words + circumstances -> the documents that users read
results.py     reads and writes the outputs of one file
stopwatch.py   seconds by stage
attempts.py    how often a message was begun
planning/      PURE: speech spans, batches, transcript assembly
engine/        the only place that imports funasr and torch
rendering/     PURE: one file per output format
failures.py    errors + PURE decide(error, attempt)
events.py      frozen events + the Observer protocol
telemetry/     metrics, device readings, logs, the /metrics server
"""
