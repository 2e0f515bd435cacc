"""`manage.py add_source`: a source of published numbers, as in the admin, before its numbers are imported."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from leaderboard.forms import SourceForm
from leaderboard.management.scripted import ScriptedCommand, saved
from leaderboard.models import Source
from leaderboard.published.tables import STATUSES
from leaderboard.services import checking
from runner.errors import RecipeError


class Command(ScriptedCommand):
    help = "Add a source of published numbers. That it was checked is said with `check_published`."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("key", help="What tables call it: small letters, digits and hyphens.")
        parser.add_argument("--title", required=True, help="As it is cited.")
        parser.add_argument("--url", default="")
        parser.add_argument("--note", default="")
        parser.add_argument("--status", choices=STATUSES, default="unverified", help="How far it can be trusted.")

    @transaction.atomic
    def run(self, *, key: str, title: str, url: str, note: str, status: str, **options: Any) -> dict[str, Any]:
        if Source.objects.filter(pk=key).exists():
            raise RecipeError(f"There is a source '{key}' already; the admin changes it.")
        source = saved(SourceForm({"key": key, "title": title, "url": url, "note": note, "status": status}))
        checking.mark_source(source, status, user=None)
        return {"source": source.pk, "title": source.title, "status": source.status}

    def sentence(self, told: dict[str, Any]) -> str:
        return f"Added: {told['source']}, {told['title']} ({told['status']})."
