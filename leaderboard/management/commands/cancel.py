"""`manage.py cancel`: runs are given up, or taken up again, as in the admin."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from leaderboard.management.scripted import ScriptedCommand, run_numbered
from leaderboard.models import Run
from leaderboard.services import progress
from runner.errors import RecipeError


class Command(ScriptedCommand):
    help = "Cancel runs: stages that no other run needs end. With --retry: take up what failed or was cancelled again."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("runs", nargs="+", type=int, metavar="run", help="Their numbers.")
        parser.add_argument("--retry", action="store_true", help="The other way round.")

    @transaction.atomic
    def run(self, *, runs: list[int], retry: bool, **options: Any) -> dict[str, Any]:
        found = [run_numbered(number) for number in dict.fromkeys(runs)]
        if outside := [str(run.pk) for run in found if run.origin != Run.Origin.LOCAL]:
            raise RecipeError(f"Runs that come from outside have nothing to cancel or retry: {', '.join(outside)}.")
        act = progress.retry_run if retry else progress.cancel_run
        return {"runs": [run.pk for run in found], "stages": sum(act(run) for run in found), "retried": retry}

    def sentence(self, told: dict[str, Any]) -> str:
        if told["retried"]:
            return f"Taken up again: {told['stages']} stages."
        return f"Cancelled: {told['stages']} stages end. Stages that other runs need go on."
