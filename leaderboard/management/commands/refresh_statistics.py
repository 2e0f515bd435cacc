"""`manage.py refresh_statistics`: compute intervals that are not there yet, and test claims."""

from __future__ import annotations

from typing import Any

from leaderboard.management.scripted import ScriptedCommand
from leaderboard.services import claims, uncertainty


class Command(ScriptedCommand):
    help = "Compute intervals that are missing, after an upgrade or where files were lost, and test the claims again."

    def run(self, **options: Any) -> dict[str, int]:
        return {"intervals": uncertainty.refresh(), "verdicts": claims.test_all()}

    def sentence(self, told: dict[str, int]) -> str:
        added = told["intervals"]
        return f"Added: {added} interval{'' if added == 1 else 's'}, {told['verdicts']} of claims' verdicts."
