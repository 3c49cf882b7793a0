"""The Celery application and its task.

celery_app           the application that Celery's command line loads; connects all parts
launch               `fleet worker`: check configuration and services, then exec Celery
child_process        worker_process_init: pin to a device, load the models, transcribe a canary
task                 the one task: lock the shard, count the attempt, run it
shard_run            one delivery of a shard: transcribe, split, retry or dead-letter it
split                PURE: a shard that crashed its worker -> shards of one file
publish              republishes a shard with a delay, or as one message per file
dead_letter          moves a shard to the dead letters
parent_death_signal  kills a child when its parent dies
malloc_trim          returns freed memory to the operating system
"""
