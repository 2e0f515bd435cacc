"""Withdrawing: a run leaves the board and stays on record, with who took it off, when and why."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from leaderboard.models import Run
from runner.errors import RecipeError


@transaction.atomic
def withdraw(run: Run, reason: str, user: Any = None) -> Run:
    """Take the run off the board; RecipeError without a reason, or where it is off already.

    Nothing is deleted: its page, scores and files stay, its rows leave tables, and snapshots keep what they have.
    """
    if not reason.strip():
        raise RecipeError("A withdrawal needs a reason: it is shown with the run from then on.")
    row = Run.objects.select_for_update().get(pk=run.pk)
    if row.withdrawn:
        raise RecipeError(f"Run {row.pk} was withdrawn already: {row.withdrawal}")
    row.withdrawn, row.withdrawn_by, row.withdrawal = timezone.now(), user, reason.strip()
    row.save(update_fields=["withdrawn", "withdrawn_by", "withdrawal"])
    return row
