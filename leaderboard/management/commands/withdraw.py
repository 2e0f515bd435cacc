"""`manage.py withdraw`: a run leaves the board and stays on record, with a reason."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from leaderboard.management.scripted import ScriptedCommand, run_numbered, user_named
from leaderboard.services import withdrawals


class Command(ScriptedCommand):
    help = "Take a run off the board; its page, scores and files stay, with the reason."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("number", type=int, metavar="run", help="Its number.")
        parser.add_argument("--reason", required=True, help="Shown with the run from then on.")
        parser.add_argument("--user", default="", help="Who withdraws it; empty: nobody.")

    def run(self, *, number: int, reason: str, user: str, **options: Any) -> dict[str, Any]:
        run = withdrawals.withdraw(run_numbered(number), reason, user_named(user))
        return {"run": run.pk, "reason": run.withdrawal}

    def sentence(self, told: dict[str, Any]) -> str:
        return f"Run {told['run']} is off the board: {told['reason']}"
