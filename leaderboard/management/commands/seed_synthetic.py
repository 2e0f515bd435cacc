"""`manage.py seed_synthetic`: fill an empty database with invented scores, to see and measure large tables."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from leaderboard.models import Score
from leaderboard.services import synthetic
from runner.errors import RecipeError


class Command(BaseCommand):
    help = (
        "Fill an empty database with clearly labelled invented scores: 500 recipes, three seeds, all 162 cells of "
        "XTREME, about 300,000 scores. A database that has runs of its own is refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--recipes", type=int, default=500, help="How many rows.")
        parser.add_argument("--scores", type=int, help="About how many scores, in the stead of --recipes: 1000000.")

    def handle(self, *args: Any, **options: Any) -> None:
        recipes = synthetic.recipes_for(options["scores"]) if options["scores"] else options["recipes"]
        begun = time.monotonic()
        try:
            study = synthetic.seed(recipes)
        except RecipeError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{study}: {Score.objects.count():,} scores in {time.monotonic() - begun:.0f} s.")
