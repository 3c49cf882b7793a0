"""make_app(settings): the only place with Celery configuration, a reason beside each setting."""

import ssl
from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from contract import queues
from contract.message_size import refuse_bombs
from contract.settings import Settings


def make_app(settings: Settings) -> Celery:
    """The Celery application that producer and worker share."""
    refuse_bombs()
    app = Celery("fleet", broker=settings.broker_url, set_as_current=False)
    app.conf.update(_messages(settings), **_delivery(settings), **_transport(settings))
    return app


def _messages(settings: Settings) -> dict[str, Any]:
    return {
        # a message is data; pickle would let it be code
        "accept_content": ["json"],
        "task_serializer": "json",
        # results are in S3; a result key per task would fill Redis
        "task_ignore_result": True,
        "result_backend": None,
        # a misspelt queue is an error instead of a place where work vanishes
        "task_create_missing_queues": False,
        # kombu takes from each in turn, so that a small job need not wait for a huge one
        "task_queues": [Queue(lane, Exchange(lane), lane) for lane in queues.lanes(settings.queue)],
        "task_default_queue": settings.queue,
        "task_default_priority": queues.broker_priority(queues.DEFAULT_PRIORITY),
        "enable_utc": True,
    }


def _delivery(settings: Settings) -> dict[str, Any]:
    return {
        # a task belongs to the queue until its files are committed
        "task_acks_late": True,
        # a killed child's task goes back instead of being counted as done, and soon
        "task_reject_on_worker_lost": True,
        "worker_lost_wait": 2.0,
        # what a task could not do is in .error.json or the dead letters by then
        "task_acks_on_failure_or_timeout": True,
        # between shards, by what a child holds then: see worker.recycling
        "worker_max_memory_per_child": settings.max_resident_mb * 1024 or None,
        # one shard per device: what waits here would be kept from idle workers
        "worker_prefetch_multiplier": 1,
        # Celery would lower it by what children work on after a reconnection, but never below one
        # more than they can: worker.parent.returning counts by itself
        "worker_enable_prefetch_count_reduction": False,
        # the broker blinking is no reason to throw an hour of transcription away
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # the broker may start after the worker, and be away for any time
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # a replacement child that loads for longer is killed, for ever; the default is 4 s
        "worker_proc_alive_timeout": queues.MODEL_LOAD_LIMIT_S,
        # our own structured log keeps its form
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        # events and remote control cost messages per task, and nobody listens
        "worker_send_task_events": False,
        "worker_enable_remote_control": False,
    }


def _transport(settings: Settings) -> dict[str, Any]:
    encrypted = settings.broker_url.startswith("rediss://")
    return {
        # kombu would accept any certificate
        "broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED} if encrypted else False,
        # every client of one Redis must agree on these, or one re-queues another's tasks
        "broker_transport_options": {
            "visibility_timeout": settings.visibility_timeout_s,
            "global_keyprefix": settings.key_prefix,
            "priority_steps": list(queues.PRIORITY_STEPS),
            # look for tasks of vanished workers every 10 s, not every 100 s
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            # who is killed while it looks keeps the others from it for so long, not for 5 minutes
            "unacked_mutex_expire": 20,
            # a half-open connection is noticed instead of hanging for ever
            "socket_keepalive": True,
            "health_check_interval": 30,
            "socket_connect_timeout": 5,
            # a server that holds the connection but says nothing is as good as away
            "socket_timeout": 30,
        },
    }
