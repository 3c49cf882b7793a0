"""The Celery application and its task.

celery_app     the application that Celery's command line loads; connects all parts
launch         `fleet worker`: check configuration and services, then exec Celery
child_process  worker_process_init: pin to process/hardware's device, load models, try a canary
task           the one task: parse the shard, lock it, count the attempt, run it
shard_run      one delivery of a shard: transcribe, split, retry or dead-letter it
publish        republishes a shard with a delay, or split into one message per file
dead_letter    moves a shard to the dead letters; its unfinished files get error reports
"""
