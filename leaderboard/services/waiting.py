"""Why a stage waits, in one sentence: from a glance at the whole queue that all pages share for some seconds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count
from django.utils import timezone

from leaderboard.models import Stage
from leaderboard.services import workers
from leaderboard.services.leases import running_by_submitter

Status = Stage.Status
GLANCE_SECONDS = 5  # so old may a queue position be
GLANCE = "queue-glance"

# The stages of one submitter at one priority in one lane.
Group = tuple[str, int, int | None]


@dataclass(frozen=True)
class Glance:
    """The queue: the queued stages by group in their order, how many run by submitter and lane, places by lane."""

    queued: Mapping[Group, tuple[int, ...]]
    running: Mapping[int | None, int]
    at_work: Mapping[str, int]
    places: Mapping[str, int]

    def position(self, stage: Stage) -> int:
        """How many stages of its lane will be taken before this one, if none ends or comes meanwhile.

        A turn goes to the submitter with the fewest running, so the n-th stage of a submitter with r running comes
        in round n + r; what is taken of a higher priority runs by then.
        """
        own = (stage.lane, stage.priority, stage.submitted_by_id)
        place = self._running_at(*own) + bisect_left(self.queued.get(own, ()), stage.pk)
        before = 0
        for group, pks in self.queued.items():
            lane, priority, _ = group
            if lane != stage.lane or priority < stage.priority:
                continue
            if priority > stage.priority:
                before += len(pks)
                continue
            rounds = place - self._running_at(*group)
            before += max(0, min(rounds, len(pks)))
            # In the same round, the older one is first.
            same_round = group != own and 0 <= rounds < len(pks)
            before += same_round and pks[rounds] < stage.pk
        return before

    def _running_at(self, lane: str, priority: int, submitter: int | None) -> int:
        """How many stages the submitter will have running when the lane comes to this priority."""
        urgent = (
            len(pks)
            for (other_lane, other, who), pks in self.queued.items()
            if who == submitter and other_lane == lane and other > priority
        )
        return self.running.get(submitter, 0) + sum(urgent)


def glance() -> Glance:
    """Four queries at most every GLANCE_SECONDS, whoever looks."""
    found = cache.get(GLANCE)
    if found is None:
        cache.set(GLANCE, found := _look(), GLANCE_SECONDS)
    return found


def _look() -> Glance:
    queued: dict[Group, list[int]] = {}
    stages = Stage.objects.filter(status=Status.QUEUED).order_by("pk")
    for pk, *group in stages.values_list("pk", "lane", "priority", "submitted_by").iterator():
        queued.setdefault(tuple(group), []).append(pk)
    running = Stage.objects.filter(status=Status.RUNNING).order_by()
    return Glance(
        queued={group: tuple(pks) for group, pks in queued.items()},
        running=running_by_submitter(),
        at_work=dict(running.values_list("lane").annotate(Count("pk"))),
        places=workers.places_by_lane(),
    )


def reason(stage: Stage, parents: Mapping[int, str]) -> str:
    """Why the stage waits; empty where it does not. `parents` has titles of stages that it may start from."""
    if stage.status == Status.WAITING:
        return f"Waits for “{parents.get(stage.parent_id, 'the stage it starts from')}”."
    if stage.status == Status.RUNNING and stage.cancel_requested:
        return "It is being stopped."
    if stage.status != Status.QUEUED:
        return ""
    if stage.not_before and stage.not_before > timezone.now():
        return f"Tried again at {_clock(stage.not_before)}, {stage.losses} of {settings.MAX_ATTEMPTS} losses so far."
    return _in_queue(stage, glance())


def _in_queue(stage: Stage, found: Glance) -> str:
    lane = stage.get_lane_display()
    places = found.places.get(stage.lane, 0)
    if not places:
        return f"No worker that takes from the lane “{lane}” is there."
    limit, mine = settings.SUBMITTER_STAGE_LIMIT, found.running.get(stage.submitted_by_id, 0)
    if limit and mine >= limit:
        return f"Its submitter has {mine} stages running, as many as are allowed at the same time."
    before = found.position(stage)
    turn = f"{before} before it in the lane “{lane}”" if before else f"Next in the lane “{lane}”"
    at_work = min(found.at_work.get(stage.lane, 0), places)
    return f"{turn}; {at_work} of {places} places are at work on it."


def _clock(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%H:%M:%S %Z")
