"""Finding one row, or saying that it is not there."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404

Row = TypeVar("Row", bound=Model)


def found(rows: QuerySet[Row], noun: str, key: int | str) -> Row:
    """The row of this primary key; Http404 with a sentence."""
    row = rows.filter(pk=key).first()
    if row is None:
        raise Http404(f"There is no {noun} {key}.")
    return row
