"""`manage.py refresh_statistics`: prepare per-item outcomes and compute intervals that are not there yet."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from leaderboard.services import uncertainty


class Command(BaseCommand):
    help = "Compute the intervals of all scores that lack them: after an upgrade, or where files were lost."

    def handle(self, **options: Any) -> None:
        added = uncertainty.refresh()
        self.stdout.write(f"{added} interval{'' if added == 1 else 's'} added.")
