"""`manage.py withdraw`: runs leave the board and stay on record, with a reason."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.db import transaction

from leaderboard.management.scripted import ScriptedCommand, run_numbered, user_named
from leaderboard.services import withdrawals


class Command(ScriptedCommand):
    help = "Take runs off the board, all of those that are named or none; their pages, scores and files stay."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("numbers", type=int, nargs="+", metavar="run", help="Their numbers.")
        parser.add_argument("--reason", required=True, help="Shown with each of them from then on.")
        parser.add_argument("--user", default="", help="Who withdraws them; empty: nobody.")

    def run(self, *, numbers: list[int], reason: str, user: str, **options: Any) -> dict[str, Any]:
        with transaction.atomic():
            runs = [withdrawals.withdraw(run_numbered(number), reason, user_named(user)) for number in numbers]
        return {"runs": [run.pk for run in runs], "reason": runs[0].withdrawal}

    def sentence(self, told: dict[str, Any]) -> str:
        return f"Off the board, as {told['reason']!r}: run {', '.join(map(str, told['runs']))}."
