"""Workers: who is there and what they take, so that a page can say why a stage waits. Nothing depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from leaderboard.models import Worker

# A worker that was silent for so many sweeps is not there; after a day its row goes.
SILENT_SWEEPS = 3
KEPT = timedelta(days=1)


def seen(name: str, lanes: Sequence[str], places: int) -> None:
    """The worker spoke."""
    values = {"lanes": list(lanes), "places": places, "seen": Now()}
    if not Worker.objects.filter(pk=name).update(**values):
        Worker.objects.bulk_create(
            [Worker(pk=name, **values)],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["lanes", "places", "seen"],
        )
    Worker.objects.filter(seen__lt=Now() - KEPT).delete()


def places_by_lane() -> dict[str, int]:
    """How many engines the workers that are there can run at the same time, by lane."""
    silence = timedelta(seconds=SILENT_SWEEPS * settings.SWEEP_SECONDS)
    places: dict[str, int] = {}
    for lanes, count in Worker.objects.filter(seen__gte=Now() - silence).values_list("lanes", "places"):
        for lane in lanes:
            places[lane] = places.get(lane, 0) + count
    return places
