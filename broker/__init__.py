"""Everything kept in Redis or Valkey, and the Celery application.

app              the Celery application and its whole configuration
message_size     limits of a message: bytes and nesting depth
redis_client     a Redis client: its type, how it is created, typed errors
ledger/          a job's bitmaps and counters, idempotent by file index
dead_letters     messages that failed permanently, each with its reason
worker_registry  the models and queues of workers that are ready
unacked          counts unacknowledged messages by queue
lease            leases: one owner at a time, until they expire
job_report       PURE: report.json, the summary of a job; its failures by kind
job_finalizer    closes a job: writes its failures, its report and, if no file failed, _SUCCESS
"""
