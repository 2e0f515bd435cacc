"""The files behind a run's scores: predictions and what happened item by item."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.db.models import Q

from leaderboard.models import Artifact
from runner.scoring.layout import task_of_items


class FileGone(LookupError):
    """A file that the database knows is no longer in the artifact store."""


@dataclass(frozen=True)
class StoredFile:
    """A file with the name that it has for a reader; `path` is where it lies."""

    name: str
    path: Path
    sha256: str
    size: int


def predictions_of(run: int) -> tuple[StoredFile, ...]:
    """A run's predictions in XTREME's layout; what is not of a whole test set lies in a folder that says so.

    FileGone where one is away. One query.
    """
    found = []
    for artifact in _of(run, "predictions"):
        plan = artifact.stage.spec["plan"]
        within = PurePosixPath(artifact.path.rpartition("/predictions/")[2])
        scope = _scope(plan["split"], plan["limit"])
        found.append(_stored(artifact, str(PurePosixPath(scope, within) if scope else within)))
    return tuple(found)


def upload_of(run: int) -> StoredFile | None:
    """The archive of predictions that an uploaded run was scored from. FileGone where it is away. One query."""
    return next((_stored(artifact, "upload.zip") for artifact in _of(run, "upload")), None)


def items_of(run: int) -> tuple[StoredFile, ...]:
    """A run's outcomes item by item, a Parquet file for each evaluation. FileGone where one is away. One query."""
    found = []
    for artifact in _of(run, "items"):
        name = f"{task_of_items(PurePosixPath(artifact.path).name)}.parquet"
        if artifact.stage:
            plan = artifact.stage.spec["plan"]
            scope = _scope(plan["split"], plan["limit"])
            name = f"{plan['task']}{f'-{scope}' if scope else ''}.parquet"
        found.append(_stored(artifact, name))
    return tuple(_told_apart(found))


def stored(artifact: Artifact) -> StoredFile:
    """The file of one row, by its own name. FileGone where it is away."""
    return _stored(artifact, PurePosixPath(artifact.path).name)


def _scope(split: str, limit: int | None) -> str:
    """Empty for a whole test set, else which part of which split."""
    if split == "test" and limit is None:
        return ""
    return split if limit is None else f"{split}-first-{limit}"


def _of(run: int, kind: str) -> list[Artifact]:
    found = Artifact.objects.filter(Q(stage__runs=run) | Q(run=run), kind=kind).select_related("stage")
    return list(found.order_by("path").distinct())


def _stored(artifact: Artifact, name: str) -> StoredFile:
    root = settings.ARTIFACT_DIR.resolve()
    path = (root / artifact.path).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise FileGone(f"The file {name} is no longer in the artifact store.")
    return StoredFile(name, path, artifact.sha256, artifact.size)


def _told_apart(files: list[StoredFile]) -> list[StoredFile]:
    """Two evaluations of one task (another length, another layer) are numbered."""
    seen: dict[str, int] = {}
    found = []
    for file in files:
        seen[file.name] = count = seen.get(file.name, 0) + 1
        name = file.name if count == 1 else f"{file.name.removesuffix('.parquet')}-{count}.parquet"
        found.append(StoredFile(name, file.path, file.sha256, file.size))
    return found
