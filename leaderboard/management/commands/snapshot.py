"""`manage.py snapshot`: keep the board as it is now, as in the admin."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leaderboard.services import snapshots
from leaderboard.standings import frozen
from runner.errors import RecipeError


class Command(BaseCommand):
    help = "Take a snapshot: a named state of the board that never changes and can be cited."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="A name that no other snapshot has.")
        parser.add_argument("--note", default="")
        parser.add_argument("--author", default="", help="Who takes it; kept as text.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a sentence.")

    def handle(self, *, name: str, note: str, author: str, **options: Any) -> None:
        try:
            taken = snapshots.take(name, frozen.board, note=note, author=author)
        except RecipeError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"hash": taken.hash, "url": taken.get_absolute_url()}))
        else:
            self.stdout.write(f"Taken: {taken.score_count} scores, hash {taken.hash}, at {taken.get_absolute_url()}")
