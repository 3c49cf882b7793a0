"""The Celery parent process: consumes messages and watches children. No torch, no boto3.

parent_context      ParentContext: what the steps share; messages in progress, crashes, children
periodic_step       base class of the consumer's steps
renewal             steps: renew leases (visibility timeouts) and shard locks, register the worker
watchdog            steps: kill a child that hangs, shut down when children cannot load their model
unstarted           reserved messages that no idle child starts
shutdown            step: SIGTERM drains the worker
request             requeues a message whose child exited; dead-letters it after many crashes
message_validation  the consumer: checks size, headers and body before a child gets a message
rejected_message    the dead letter of a message that no child has received
kombu_patches       requeues at the head of a queue; wraps elements that kombu cannot decode
celery_patches      every change to Celery, kombu and billiard, checked at start
"""
