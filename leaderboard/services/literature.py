"""The claims of the literature, and the pocket study's, from the project's own file into the database."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction

from leaderboard.models import Claim, Condition, Source

OWN = Path(__file__).resolve().parent.parent / "published" / "claims.json"


def load_after_migrate(*, using: str = DEFAULT_DB_ALIAS, plan: Iterable[Any] = (), **kwargs: Any) -> None:
    """The post_migrate receiver, after that of published results, whose sources claims name."""
    if settings.PUBLISHED_RESULTS and not any(is_backwards for _, is_backwards in plan):
        load_own(using=using)


@transaction.atomic
def load_own(*, using: str = DEFAULT_DB_ALIAS) -> int:
    """Add the claims of the file that are not there; what is there stays as it is. Returns how many were added.

    A claim of one's own with the same key is somebody's work, and stays, too.
    """
    there = set(Claim.objects.using(using).values_list("key", flat=True))
    sources = set(Source.objects.using(using).values_list("pk", flat=True))
    added = [(place, row) for place, row in enumerate(own()) if row["key"] not in there]
    for place, row in added:
        claim = Claim.objects.using(using).create(
            position=place,
            source_id=row["source"] if row["source"] in sources else None,
            **{name: row[name] for name in ("key", "origin", "statement", "published", "reading")},
        )
        Condition.objects.using(using).bulk_create(
            Condition(claim=claim, position=number, **fields) for number, fields in enumerate(row["conditions"])
        )
    return len(added)


def own() -> list[dict[str, Any]]:
    """The claims of the file, those of the literature first."""
    return json.loads(OWN.read_text(encoding="utf-8"))
