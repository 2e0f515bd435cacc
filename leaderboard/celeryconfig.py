"""Celery's settings, under Celery's own names; read when the first message is sent or a worker starts.

The database row of a stage is the truth, a message only wakes a worker. Everything here follows from that.
"""

from __future__ import annotations

from django.conf import settings
from kombu import Queue

from leaderboard.lanes import lane_queue

embedded = not settings.CELERY_BROKER_URL

broker_url = settings.CELERY_BROKER_URL or "folder://localhost"
# Celery's default of one look a second took 52 s for 200 short tasks, 0.1 s took 1.8 s.
broker_transport_options = {"folder": str(settings.VAR_DIR / "queue"), "polling_interval": 0.1} if embedded else {}
broker_connection_retry_on_startup = True
broker_connection_max_retries = None  # a worker outlives its broker, however long that is away
# A submission must not hang on an absent broker: the row stays queued and the sweep sends again.
task_publish_retry_policy = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}

# A worker listens to its lanes; who sends names the lane.
task_queues = [Queue(lane_queue(lane), routing_key=lane_queue(lane)) for lane in settings.LANES]
task_default_queue = lane_queue(settings.LANES[0])
# Messages hold one integer, so nothing but JSON is ever written or accepted.
accept_content = ["json"]
task_serializer = "json"
result_backend = None
task_ignore_result = True
# Acknowledged when the job begins, and the job only rings a bell: no message is held for longer than that, so
# neither Redis's visibility timeout nor RabbitMQ's consumer timeout is ever reached (docs/operations.md).
task_acks_late = False
worker_prefetch_multiplier = 1

# By name: the worker imports it, the web process never does.
imports = ["runner.jobs"]
# Threads: engines run in places of their own (runner/jobs/places.py), and a child of a prefork pool is a daemonic
# process, which may not have children of its own.
worker_pool = "threads"
worker_concurrency = settings.WORKER_CONCURRENCY
# Remote control and worker events need a broker that can address all workers; a folder cannot.
worker_enable_remote_control = not embedded
worker_hijack_root_logger = False
worker_redirect_stdouts = False
