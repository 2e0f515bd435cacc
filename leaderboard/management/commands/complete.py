"""`manage.py complete`: what a study lacks is queued, as on its page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from leaderboard.management.scripted import ScriptedCommand, user_named
from leaderboard.models import Study
from leaderboard.services import completion
from runner.errors import RecipeError


class Command(ScriptedCommand):
    help = "Queue all that a study lacks: what failed or was cancelled again, what is not there anew."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("study", type=int, help="Its number.")
        parser.add_argument("--user", default="", help="For whom.")

    def run(self, *, study: int, user: str, **options: Any) -> dict[str, Any]:
        found = Study.objects.filter(pk=study).first()
        if found is None:
            raise RecipeError(f"There is no study {study}.")
        return {"study": study, **asdict(completion.complete(found, user_named(user)))}

    def sentence(self, told: dict[str, Any]) -> str:
        return f"Taken up again: {told['retried']} runs; made: {told['made']} runs."
