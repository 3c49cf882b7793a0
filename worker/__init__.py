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
decoding.py    any audio -> 16 kHz mono samples, by PyAV
results.py     reads and writes the outputs of one file
planning/      PURE: speech spans, batches, transcript assembly
engine/        the only place that imports funasr and torch
rendering/     PURE: one file per output format
failures.py    errors + PURE decide(error, attempt)
events.py      frozen events + the Observer protocol
telemetry/     metrics, device readings, logs, the /metrics server
"""
