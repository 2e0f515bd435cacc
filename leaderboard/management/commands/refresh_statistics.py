"""`manage.py refresh_statistics`: compute intervals that are not there yet, and test claims."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from leaderboard.services import claims, uncertainty


class Command(BaseCommand):
    help = "Compute intervals that are missing, after an upgrade or where files were lost, and test the claims again."

    def handle(self, **options: Any) -> None:
        added = uncertainty.refresh()
        verdicts = claims.test_all()
        self.stdout.write(f"Added: {added} interval{'' if added == 1 else 's'}, {verdicts} of claims' verdicts.")
