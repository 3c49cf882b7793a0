"""The producer: everything between a backlog of recordings and the queue of shards.

api             `enqueue`: the call and its options
enqueue_job     one call of `enqueue`: open or resume the job, plan, publish, close
job_checks      the checks that `enqueue` and a dry run make before anything is written
discovery/      where a backlog comes from: S3 prefixes, manifests, local folders
planning/       audio references -> windows, saved in S3 -> shards
dedup/          which files have an up-to-date result already
publishing/     shards -> messages, with back-pressure
estimate/       `fleet enqueue --dry-run`: files, audio hours, time, cost
jobs/           status, failures, report, cancel, retry, reconcile
dead_letters/   list, drop and requeue dead letters
progress/       PURE: state, throughput and ETA of a job, from the ledger's counts
evaluation/     word and character error rates of a job's transcripts
single_file, single_file_request  `fleet transcribe`: one file through the queue
shared_output   warns about unfinished jobs with the same output
routing         selects the queue of a job from the registered workers
model_choice    PURE: queue and model of a job, warnings, unsupported options
job_lock        a lease in Redis: one producer per job
arguments       PURE: checks of numbers and other arguments
errors          typed errors of the producer
result          the result and the progress callback of `enqueue`
"""
