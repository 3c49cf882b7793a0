"""The Celery parent process: consumes messages and watches children. No torch, no boto3.

active_shards         messages in progress: renews their shard locks, records crashes
periodic_step         base class of the consumer's steps
visibility_renewal    step: renews message leases, and shard locks through active_shards
watchdog              step: kills a child that hangs or does not start its message
celery_pool           drops the pipes of killed children from Celery's index
unstarted             reserved messages that no idle child starts
shutdown              step: SIGTERM drains the worker
registration          step: registers queue and model for producers
child_watch           step: shuts the worker down when children cannot load their model
request               requeues a message whose child exited; dead-letters it after many crashes
message_validation    the consumer: dead-letters messages that are not a task of the fleet
kombu_decode_guard    turns queue elements that kombu cannot decode into rejectable messages
kombu_qos             requeues a message at the head of its queue
celery_patches        every change to Celery, kombu and billiard, checked at start
"""
