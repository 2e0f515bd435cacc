"""Lanes: the broker's queues of GPU work, CPU work and short work, by name. Standard library only."""

from __future__ import annotations


def lane_queue(lane: str) -> str:
    """The broker's queue of a lane (`Stage.Lane`)."""
    return f"stages.{lane}"
