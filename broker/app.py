"""The Celery application and its whole configuration, with a reason beside each setting."""

import ssl
from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from funasr_fleet.broker.message_size import refuse_bombs
from funasr_fleet.contract import queues
from funasr_fleet.settings import Settings


def make_app(settings: Settings) -> Celery:
    """The Celery application that producer and worker share."""
    refuse_bombs()
    app = Celery("fleet", broker=settings.broker_url, set_as_current=False)
    app.conf.update(_messages(settings), **_delivery(settings), **_transport(settings))
    return app


def _messages(settings: Settings) -> dict[str, Any]:
    return {
        # messages are data; unpickling one could execute code
        "accept_content": ["json"],
        "task_serializer": "json",
        # results are in S3; a result key per task would fill Redis
        "task_ignore_result": True,
        "result_backend": None,
        # a misspelt queue raises an error; otherwise its messages would never be consumed
        "task_create_missing_queues": False,
        # kombu consumes the lanes in turn, so a small job does not wait for a huge one
        "task_queues": [Queue(lane, Exchange(lane), lane) for lane in queues.lanes(settings.queue)],
        "task_default_queue": settings.queue,
        "task_default_priority": queues.broker_priority(queues.DEFAULT_PRIORITY),
        "enable_utc": True,
    }


def _delivery(settings: Settings) -> dict[str, Any]:
    return {
        # a message is acknowledged only after its files are committed
        "task_acks_late": True,
        # a killed child's task is requeued, not acknowledged, after worker_lost_wait seconds
        "task_reject_on_worker_lost": True,
        "worker_lost_wait": 2.0,
        # by then the failure is recorded in an .error.json or in the dead letters
        "task_acks_on_failure_or_timeout": True,
        # in KiB, checked between shards against the child's current RSS: see
        # worker.consumer.celery_patches
        "worker_max_memory_per_child": settings.max_resident_mb * 1024 or None,
        # one shard per device: a prefetched shard would be withheld from idle workers
        "worker_prefetch_multiplier": 1,
        # after a reconnection, Celery would subtract the active tasks from the prefetch count but
        # keep at least 1: too much if all children are busy. worker.consumer.kombu_patches
        # subtracts them all
        "worker_enable_prefetch_count_reduction": False,
        # a short broker outage must not discard an hour of transcription
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # the broker may start after the worker, and be unavailable for any length of time
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # Celery kills every replacement child that loads for longer; the default is 4 s
        "worker_proc_alive_timeout": queues.MODEL_LOAD_LIMIT_S,
        # keep our structured log format
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        # events and remote control cost messages per task and have no consumer
        "worker_send_task_events": False,
        "worker_enable_remote_control": False,
    }


def _transport(settings: Settings) -> dict[str, Any]:
    encrypted = settings.broker_url.startswith("rediss://")
    return {
        # kombu's default accepts any certificate
        "broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED} if encrypted else False,
        # all clients of one fleet must agree on these, or one requeues another's tasks
        "broker_transport_options": {
            "visibility_timeout": settings.visibility_timeout_s,
            "global_keyprefix": settings.key_prefix,
            "priority_steps": list(queues.PRIORITY_STEPS),
            # check for expired deliveries of vanished workers every 10 s, not every 100 s
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            # a process killed during that check blocks the others for 20 s, not for 5 minutes
            "unacked_mutex_expire": 20,
            # detect half-open connections instead of hanging forever
            "socket_keepalive": True,
            "health_check_interval": 30,
            "socket_connect_timeout": 5,
            # a server that keeps the connection open but does not answer counts as unavailable
            "socket_timeout": 30,
        },
    }
