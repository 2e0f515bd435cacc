"""Scores one by one: by pages, and all of them as a stream."""

from __future__ import annotations

import json
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import create_model

from leaderboard.api.errors import READING
from leaderboard.api.fields import LARGEST, After, Limit, next_page
from leaderboard.exports.columns import SCORES
from leaderboard.standings import paging
from leaderboard.standings.listing import ScoreLine, score_lines, scores_on_board
from runner.tasks import registry

router = Router(tags=["Scores"])

LINES = "application/jsonl"
# What an empty text stands for in a file is null here.
NUMBERS = {"run": int, "value": float, "n": int | None, "seed": int | None}
ScoreOut = create_model(
    "ScoreOut",
    __base__=Schema,
    __doc__="One score; the fields are the columns of /scores.csv.",
    **{column.name: (NUMBERS.get(column.name, str), ...) for column in SCORES if column.name in ScoreLine._fields},
)


class ScorePage(Schema):
    """Scores in the order of their numbers, and where the next ones are; null after the last."""

    items: list[ScoreOut]
    next: str | None


class Wanted(Schema):
    """Which scores are asked for; all, if nothing is said."""

    run: Annotated[int, Query(ge=1, le=LARGEST)] | None = None
    task: str | None = None
    language: str | None = None
    metric: Annotated[str, Query(pattern=r"^[a-z0-9_]+$", max_length=30)] | None = None
    unverified: bool = False

    def fields(self) -> dict[str, Any]:
        """As fields of a score; RecipeError with suggestions for a task or language that there is not."""
        found = {
            "run": self.run,
            "task": self.task and registry.task(self.task).slug,
            "language": self.language and registry.language(self.language).code,
            "metric": self.metric,
        }
        return {name: value for name, value in found.items() if value}


@router.get("/scores", response={200: ScorePage, **READING}, operation_id="scores")
def scores(request: HttpRequest, wanted: Query[Wanted], after: After = 0, limit: Limit = 100) -> dict[str, Any]:
    """A page of scores; `next` is the address of the following one. Withdrawn ones are left out."""
    page = paging.scores(after, limit, unverified=wanted.unverified, **wanted.fields())
    items = [paging.as_object(line) for line in page.lines]
    return {"items": items, "next": next_page(request, items, limit, page.last)}


@router.get(
    "/scores.jsonl",
    response=READING,
    operation_id="scores_stream",
    openapi_extra={"responses": {200: {"description": "One object a line.", "content": {LINES: {"schema": {}}}}}},
)
def stream(request: HttpRequest, wanted: Query[Wanted]) -> HttpResponseBase:
    """All scores that are asked for, one object a line, in one answer of any length."""
    found = scores_on_board(unverified=wanted.unverified).filter(**wanted.fields()).order_by("pk")
    lines = (f"{json.dumps(paging.as_object(line), ensure_ascii=False)}\n" for line in score_lines(found))
    return StreamingHttpResponse(lines, content_type=LINES)
