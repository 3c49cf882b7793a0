"""The Celery parent process: consumes messages and watches children. No torch, no boto3.

active_shards       messages in progress: renews their shard locks, records crashes
periodic_step       base class of the consumer's steps
renewal             steps: renew message leases and shard locks, register the worker for producers
watchdog            steps: kill a child that hangs, shut down when children cannot load their model
unstarted           reserved messages that no idle child starts
shutdown            step: SIGTERM drains the worker
request             requeues a message whose child exited; dead-letters it after many crashes
message_validation  the consumer: dead-letters messages that are not a task of the fleet
kombu_patches       requeues at the head of a queue; wraps elements that kombu cannot decode
celery_patches      every change to Celery, kombu and billiard, checked at start
"""
