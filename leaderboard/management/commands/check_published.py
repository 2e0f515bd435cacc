"""`manage.py check_published`: say that a source's numbers were compared with it, as in the admin."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from leaderboard.management.scripted import ScriptedCommand, user_named
from leaderboard.models import Source, SourceStatus
from leaderboard.services import checking, published
from runner.errors import RecipeError


class Command(ScriptedCommand):
    help = "Mark a source and all of its scores as checked: by whom, and against what."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("source", help="The source's key.")
        parser.add_argument("--user", required=True, help="Who checked it.")
        parser.add_argument("--against", default="", help="What was compared: the PDF, its table, its version.")
        parser.add_argument(
            "--status", choices=SourceStatus.values, default="checked", help="Others take a check back."
        )

    def run(self, *, source: str, user: str, against: str, status: str, **options: Any) -> dict[str, Any]:
        published.check_source(source, Source.objects.values_list("pk", flat=True))
        maintainer = user_named(user)
        if not maintainer.has_perm("leaderboard.check_source"):
            raise RecipeError(f"The user '{user}' may not say that published numbers were checked.")
        marked = checking.mark_source(Source.objects.get(pk=source), status, user=maintainer, against=against)
        return {"source": source, "status": status, "scores": marked}

    def sentence(self, told: dict[str, Any]) -> str:
        return f"{told['source']}: {told['status']}, with {told['scores']} scores."
