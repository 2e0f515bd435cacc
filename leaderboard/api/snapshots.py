"""Snapshots: the list, one of them, its content, and what changed since."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from ninja import Path, Query, Router, Schema, Status
from pydantic import StringConstraints

from leaderboard.api.errors import READING, WRITING
from leaderboard.api.fields import NO_ZERO, Text
from leaderboard.api.security import WRITE, Bearer, permitted
from leaderboard.api.standings import StandingsOut, as_object
from leaderboard.models import Snapshot
from leaderboard.models.snapshots import ADDRESS_DIGITS
from leaderboard.services import snapshots as service
from leaderboard.standings import changes, frozen
from leaderboard.standings.listing import every_score

router = Router(tags=["Snapshots"])

LINES = "application/jsonl"
HASH = r"^[0-9a-f]{12,64}$"
Address = Annotated[str, Path(pattern=HASH, description=f"The hash, or its first {ADDRESS_DIGITS} digits or more.")]
Key = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_.-]+$")]


class SnapshotOut(Schema):
    """One snapshot; `content` is what its hash is the SHA-256 of."""

    name: str
    note: str
    address: str
    hash: str
    url: str
    content: str
    scores: int
    runs: int
    author: str
    taken: datetime


class SnapshotDetail(SnapshotOut):
    """One snapshot with the keys and titles of its tables."""

    tables: dict[str, str]


class SnapshotIn(Schema):
    """A name that no other snapshot has."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=service.NAME_LENGTH, pattern=NO_ZERO)]
    note: Text = ""


class ChangeOut(Schema):
    """One score: `before` is null where it is new, `after` where it is no longer there."""

    task: str
    language: str
    metric: str
    protocol_fingerprint: str
    before: float | None
    after: float | None


class RunChangesOut(Schema):
    """The changes of one run."""

    run: int
    added: int
    removed: int
    changed: int
    changes: list[ChangeOut]


@router.get("/snapshots", response={200: list[SnapshotOut], **READING}, operation_id="snapshots")
def snapshots(request: HttpRequest) -> list[dict[str, Any]]:
    """All snapshots, the newest first."""
    return [_snapshot(request, row) for row in Snapshot.objects.defer("content")]


@router.get("/snapshots/{address}", response={200: SnapshotDetail, **READING}, operation_id="snapshot")
def snapshot(request: HttpRequest, address: Address) -> dict[str, Any]:
    """One snapshot."""
    row = _find(address)
    return {**_snapshot(request, row), "tables": frozen.titles(frozen.lines(row.content))}


@router.get("/snapshots/{address}/tables/{key}", response={200: StandingsOut, **READING}, operation_id="snapshot_table")
def table(request: HttpRequest, address: Address, key: Key) -> dict[str, Any]:
    """One table of a snapshot, as it was shown."""
    kept = frozen.table(frozen.lines(_find(address).content), key)
    if kept is None:
        raise Http404(f"The snapshot has no table '{key}'.")
    return as_object(kept.standings, partial=kept.partial)


@router.get(
    "/snapshots/{address}/content",
    response=READING,
    operation_id="snapshot_content",
    openapi_extra={"responses": {200: {"description": "Lines of JSON.", "content": {LINES: {"schema": {}}}}}},
)
def content(request: HttpRequest, address: Address) -> HttpResponseBase:
    """All of it, line by line; its SHA-256 is the snapshot's hash."""
    lines = frozen.lines(_find(address).content)
    return StreamingHttpResponse((f"{line}\n" for line in lines), content_type=LINES)


@router.get(
    "/snapshots/{address}/changes", response={200: list[RunChangesOut], **READING}, operation_id="snapshot_changes"
)
def since(
    request: HttpRequest, address: Address, to: Annotated[str, Query(pattern=HASH)] | None = None
) -> list[dict[str, Any]]:
    """What changed from this snapshot to another, or to now."""
    later = frozen.scores(frozen.lines(_find(to).content)) if to else (score._asdict() for score in every_score())
    found = changes.between(frozen.scores(frozen.lines(_find(address).content)), later)
    return [_changes(run) for run in found]


@router.post(
    "/snapshots",
    response={201: SnapshotDetail, **WRITING},
    auth=Bearer(),
    throttle=[WRITE],
    operation_id="take_snapshot",
)
def take(request: HttpRequest, asked: SnapshotIn) -> Status:
    """Keep the board as it is now; needs the permission to add snapshots."""
    user = permitted(request, "leaderboard.add_snapshot")
    row = service.take(asked.name, frozen.board, note=asked.note, author=user.get_username())
    return Status(201, {**_snapshot(request, row), "tables": frozen.titles(frozen.lines(row.content))})


def _find(address: str) -> Snapshot:
    row = Snapshot.objects.at(address).first()
    if row is None:
        raise Http404(f"There is no snapshot {address}.")
    return row


def _snapshot(request: HttpRequest, row: Snapshot) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in ("name", "note", "address", "hash", "author")},
        "url": request.build_absolute_uri(row.get_absolute_url()),
        "content": request.build_absolute_uri(reverse("snapshot-content", args=[row.address])),
        "scores": row.score_count,
        "runs": row.run_count,
        "taken": row.created,
    }


def _changes(run: changes.RunChanges) -> dict[str, Any]:
    fields = ("task", "language", "metric", "before", "after")
    return {
        **{name: getattr(run, name) for name in ("run", "added", "removed", "changed")},
        "changes": [
            {**{name: getattr(change, name) for name in fields}, "protocol_fingerprint": change.protocol}
            for change in run.changes
        ],
    }
