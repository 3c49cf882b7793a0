"""What producer and worker agree on; imports neither of them.

job.py         the task's message: Shard, AudioRef, Options
job_name.py    PURE: what a job may be called
abilities.py   what a model can do, and which options it cannot serve
transcript.py  the documents users read: Transcript, Receipt, ErrorReport
shard_record.py  the rows that say what became of a shard's files
audio_address.py  PURE: where audio may lie, and what of it may be shown
scripts.py     PURE: characters by script, whose characters are words each
layout.py      audio reference -> keys of its outputs; fingerprint
queues.py      task name, queue names, priorities
broker.py      make_app(settings): the only place with Celery configuration
metric.py      a metric as workers and the exporter declare it
pages.py       a small HTTP server for /metrics, /healthz and /readyz
number_limits.py  PURE: how large the numbers of a reference may be
message_size.py  how large a message may be, packed and unpacked
ledger/        a job's bitmaps and counters in Redis, idempotent by file index
record_reading.py  the rows that many shards left
plan_rows.py   the rows of a job's plan
closing.py     the end of a job: report, failures, and _SUCCESS last
dead_letters.py  messages put aside for good, with their reason
attempts_key.py  what a shard is known by where its attempts are counted
fleet_state.py what ready workers say of themselves: models, abilities, queues served
store.py       the ObjectStore protocol, its errors, and its in-memory implementation
s3.py          the ObjectStore on S3
s3_errors.py   what S3 and botocore call their errors, and what they are called here
job_report.py  PURE: what sums a job up, report.json
settings.py    every setting, read once, frozen, printed redacted
"""
