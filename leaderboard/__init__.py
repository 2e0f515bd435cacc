"""The leaderboard: Django records, compares and shows what the workers measured."""

# Loaded with the package, as Django's users of Celery do, so that `celery -A leaderboard` finds it.
from leaderboard.celery import app as celery_app

__all__ = ["celery_app"]
