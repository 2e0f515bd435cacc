"""`manage.py withdraw`: take runs off the board, as in the admin; they stay on record, with the reason."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from leaderboard.models import Run
from leaderboard.services import withdrawals
from runner.errors import RecipeError


class Command(BaseCommand):
    help = "Withdraw runs: all of those that are named, or none."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("runs", type=int, nargs="+", help="Their numbers.")
        parser.add_argument("--reason", required=True, help="Shown with each of them from then on.")

    def handle(self, *, runs: list[int], reason: str, **options: Any) -> None:
        found = Run.objects.in_bulk(runs)
        if absent := [str(number) for number in runs if number not in found]:
            raise CommandError(f"There is no run {', '.join(absent)}.")
        try:
            with transaction.atomic():
                for number in dict.fromkeys(runs):
                    withdrawals.withdraw(found[number], reason)
        except RecipeError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Withdrawn: {len(found)}.")
