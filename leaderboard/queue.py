"""The only module that queues: it wakes a worker for a stage, by the job's name."""

from __future__ import annotations

import logging

from kombu.exceptions import OperationalError

from leaderboard.celery import app
from leaderboard.lanes import lane_queue

JOB = "runner.wake"
logger = logging.getLogger(__name__)


def send(stage_id: int, lane: str) -> bool:
    """Send the message that wakes a worker of the stage's lane; False, and a line in the log, where no broker answers.

    Call it after commit, else a worker may look for a row that is not there yet.
    """
    try:
        app.send_task(JOB, [stage_id], queue=lane_queue(lane))
    except (OperationalError, OSError) as error:
        logger.warning("Stage %s is queued without a message, because the broker did not answer: %s", stage_id, error)
        return False
    return True
