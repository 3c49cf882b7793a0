"""Queue -> transcripts: what runs on the GPUs.

app.py         what `celery -A worker.app` names; wires the rest together
boot.py        `fleet worker`: check the configuration, then become Celery
machine.py     what this machine offers: CPUs within affinity and quota, GPUs by NVML
pinning.py     PURE: child index + devices + CPU limits -> device, threads, environment
lifecycle.py   worker_process_init: pin, load, assert the device, canary; a failure ends the child
private_directory.py  directories that only this process's user can write to
slots.py       what the processes of one worker know of each other: state files in run_dir
parent/        what Celery's parent does: leases, drain, stalled and failing children, odd messages
telling.py     what a child says of its slot while it works
health.py      PURE: what /healthz and /readyz say
progress.py    what a child is at, and when it must be taken for hung
watched_store.py  storage whose every request is a sign of life
orphans.py     a child ends with its parent
recycling.py   a child that has grown too large is replaced between shards
tasks.py       the one task: claim the shard, count the attempt
delivery.py    one delivery of a shard: split, refuse or transcribe it, apply the decision
splitting.py   PURE: a shard that took its worker down -> shards of one file
sending.py     messages that a child sends: a shard for later, its files one by one
giving_up.py   a message that is put aside
claims.py      one process works on a shard
attempts.py    how often a shard was begun
pipeline.py    fetch -> decode -> find speech -> recognise -> assemble -> write
sources/       where audio is fetched from: storage, or hosts that are allowed
listed_bytes.py  fetches audio and compares it with what storage lists
fetching.py    files -> their audio by the minute, the next ones while one is at work
decoding.py    any audio -> 16 kHz samples, by PyAV
damage/        frames of damaged files, and what is missing between them
resampling.py  frames -> 16 kHz samples
decoder_input.py  the bytes of one file as FFmpeg reads them
formats.py     which kinds of file are decoded, and no other is opened
limits.py      how large a file may be
audio_length.py  how long a file says it is, and whether all of it came
stretches.py   the stretch and the channels that are asked for
handover.py    from one thread to another, at most so many at once
listening.py   audio -> clips of speech, flowing, file after file
segmenting.py  speech as it was found -> clips as they are recognised: merged, cut
recognising.py clips of many files -> what was said in them
second_look.py speech whose text is doubtful, cut in two and recognised once more
hearing.py     what was said in one file
outcomes.py    every file gets its outcome
committing.py  what was said -> outputs
receipts.py    words + circumstances -> the documents that users read
results.py     reads and writes the outputs of one file
stopwatch.py   seconds by stage
bookkeeping.py a shard in the books: the ledger, and a row per file in S3
heap.py        memory that was freed, given back
busy.py        how long the models were at work
planning/      PURE: speech spans, groups, batches and their budget, transcript assembly
engine/        the only place that imports funasr and torch
rendering/     PURE: one file per output format
failures.py    errors + PURE decide(error, attempt)
events.py      frozen events + the Observer protocol
telemetry/     metrics, device readings, logs, the /metrics server
"""
