"""What one submitter may have: runs in a day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models.functions import Now

from leaderboard.models import Run
from runner.errors import RecipeError

DAY = timedelta(days=1)
NOT_COUNTED = ("failed", "cancelled")


def runs_of_a_day(user: Any) -> int:
    """Runs that `user` submitted within the last day, without those that failed or were cancelled."""
    runs = Run.objects.with_progress().filter(submitted_by=user, created__gte=Now() - DAY)
    return runs.exclude(status__in=NOT_COUNTED).count()


def check_share(user: Any, new: int) -> None:
    """RecipeError where `new` more runs are more than `user` may submit in a day."""
    limit = settings.SUBMITTER_RUN_LIMIT
    if not limit or user is None:
        return
    have = runs_of_a_day(user)
    if have + new > limit:
        raise RecipeError(
            f"A submitter may have {limit} runs a day, not counting failed and cancelled ones; found {have} and "
            f"{new} new ones."
        )
