"""Checks of published numbers: a maintainer compared them with their source, and says against what."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from leaderboard.models import Publication, Source, SourceStatus
from runner.errors import RecipeError


@transaction.atomic
def mark_source(source: Source, status: str, *, user: AbstractBaseUser, against: str = "") -> int:
    """Give a source and all of its scores a status; returns how many scores. As `mark_scores` for `checked`."""
    stamp = _stamp(status, user, against)
    Source.objects.filter(pk=source.pk).update(**stamp)
    marked = Publication.objects.filter(score__run__source=source).update(**stamp)
    source.refresh_from_db()
    return marked


@transaction.atomic
def mark_scores(publications: QuerySet[Publication], status: str, *, user: AbstractBaseUser, against: str = "") -> int:
    """Give published scores a status; returns how many.

    `checked` records who says so, when, and `against` what, which must not be empty; any other status takes a
    check back.
    """
    return publications.order_by().update(**_stamp(status, user, against))


def _stamp(status: str, user: AbstractBaseUser, against: str) -> dict[str, object]:
    if status != SourceStatus.CHECKED:
        return {"status": SourceStatus(status), "checked_by": None, "checked": None, "checked_against": ""}
    if not against.strip():
        raise RecipeError("A check says against what: the PDF, its table and version, or the page and its date.")
    return {"status": status, "checked_by": user, "checked": timezone.now(), "checked_against": against.strip()}
