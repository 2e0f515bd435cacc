"""Types that several answers and questions of the API share."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query
from pydantic import StringConstraints

# The largest number of a row, on both databases.
LARGEST = 2**31 - 1
MOST_ROWS = 1000
# Databases take no zero byte.
NO_ZERO = r"^[^\x00]*$"

Number = Annotated[int, Path(ge=1, le=LARGEST, description="The number of the row, as in its page's address.")]
Slug = Annotated[str, Path(max_length=120, pattern=r"^[A-Za-z0-9_.-]+$")]
Line = Annotated[str, StringConstraints(max_length=200, pattern=NO_ZERO)]
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=NO_ZERO)]
After = Annotated[int, Query(ge=0, le=LARGEST, description="Only rows with a higher number: the last one of a page.")]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows of a page.")]


def next_page(request: HttpRequest, rows: list[Any], limit: int, last: int | None) -> str | None:
    """The address of the following page; None where this one is not full."""
    if len(rows) < limit or last is None:
        return None
    query = request.GET.copy()
    query["after"] = str(last)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
