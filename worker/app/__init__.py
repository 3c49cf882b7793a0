"""The Celery application and its task.

celery_app       the application that Celery's command line loads; connects all parts
launch           `fleet worker`: check configuration and services, then exec Celery
child_process    starts a child: pins it to a device, loads the models, builds the pipeline
task             the one task: parse the shard, lock it, count the attempt, run it
shard_run        one delivery of a shard: transcribe, split, retry or dead-letter it
shard_events     the events at the start and at the end of a shard
invalid_entries  fails the files of a shard whose entries are not valid
error_report     writes the .error.json of a file that failed outside the pipeline
publish          republishes a shard with a delay, or split into one message per file
dead_letter      moves a shard to the dead letters; its unfinished files get error reports
"""
