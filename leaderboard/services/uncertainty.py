"""What intervals are computed from is prepared when scores change, and so are the intervals that pages usually show."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from django.conf import settings
from django.db.models import Q, QuerySet

from leaderboard.models import Artifact, Score, Stage, StoredDeviation, StoredInterval
from leaderboard.services import headlines, uploads
from leaderboard.standings import (
    board,
    consistency,
    outcomes,
    ranks,
    resource_groups,
    robustness_rows,
    uncertainty,
)
from leaderboard.standings.ranks import Parts
from runner.process import without_secrets
from runner.scoring.layout import task_of_items
from runner.tasks import registry

logger = logging.getLogger(__name__)

# Artifacts that one conversion process takes: starting it takes longer than most files.
BATCH = 100
INSERTED = 500
# Points: sums in another order differ in their last digits.
TOLERANCE = 1e-4


def refresh(stages: Collection[int] | None = None) -> int:
    """Prepare the outcomes of these evaluations (None: of all) and of all uploads, and compute what is usually shown.

    Returns how many intervals were added. Safe to repeat and to interrupt: what is there is left as it is. Ranks are of
    all rows at once, so what they are computed from is looked at as a whole.
    """
    wanted = Artifact.objects.filter(kind="items")
    prepare(wanted if stages is None else wanted.filter(Q(stage__in=stages) | Q(run__isnull=False)))
    headlines.current()
    there = board.load()
    keep_deviations(board.usual_rows(there))
    agreeing = {one.content: partial(consistency.compute, one) for one in consistency.usual(there, stages)}
    pages = (board, resource_groups, robustness_rows)
    asked = [one for page in pages for one in page.usual(there, stages)]
    return store(asked) + _keep(agreeing)


def prepare(artifacts: Iterable[Artifact]) -> int:
    """Write the arrays and replicates of the artifacts that lack them; returns how many were written.

    What cannot be read is logged and left: its scores then have no interval.
    """
    wanted = {
        artifact.sha256: artifact for artifact in artifacts if not outcomes.replicates_file(artifact.sha256).exists()
    }
    stages = Stage.objects.in_bulk({artifact.stage_id for artifact in wanted.values() if artifact.stage_id})
    found = (_evaluated(artifact, stages.get(artifact.stage_id)) for artifact in wanted.values())
    pending = [one for one in found if one]
    for start in range(0, len(pending), BATCH):
        _convert(pending[start : start + BATCH])
    return sum(_write_derived(one) for one in pending)


@dataclass(frozen=True)
class _Evaluated:
    """The items of a task on a split: of an evaluation here, or of an upload, which has no stage."""

    artifact: Artifact
    task: str
    split: str

    @property
    def scores(self) -> QuerySet[Score]:
        if self.artifact.stage_id:
            return Score.objects.filter(stage=self.artifact.stage_id)
        return Score.objects.filter(run=self.artifact.run_id, task=self.task)


def _evaluated(artifact: Artifact, stage: Stage | None) -> _Evaluated | None:
    """None but for evaluations of tasks of the catalogue, and for uploads; diagnostics measure otherwise."""
    if stage is None:
        task, split = task_of_items(PurePosixPath(artifact.path).name), uploads.SPLIT
    elif stage.action == Stage.Action.EVALUATE:
        task, split = stage.spec["plan"]["task"], stage.spec["plan"]["split"]
    else:
        return None
    known = registry.TASKS.get(task)
    return _Evaluated(artifact, task, split) if known and known.headline_metrics else None


def _convert(pending: Sequence[_Evaluated]) -> None:
    """Parquet is read by a process of its own: neither the web process nor a worker loads its library."""
    arguments = [
        part
        for one in pending
        if not (target := outcomes.outcomes_file(one.artifact.sha256)).exists()
        for part in (uncertainty.headline(one.task), str(settings.ARTIFACT_DIR / one.artifact.path), str(target))
    ]
    if not arguments:
        return
    done = subprocess.run(
        [sys.executable, "-m", "runner.outcomes", *arguments],
        cwd=settings.BASE_DIR,
        env=without_secrets(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        logger.warning("Per-item outcomes could not be read: %s", done.stderr.strip()[-2000:])


def _write_derived(one: _Evaluated) -> bool:
    items = outcomes.outcomes(one.artifact.sha256, outcomes.scope_of(one.task, one.split))
    if not items or not _agrees(one, items):
        return False
    spec = registry.task(one.task)
    if spec.parallel and (found := outcomes.agreeing(items, spec.pivot)):
        arrays = {name: np.stack(list(getattr(found, name).values())) for name in outcomes.AGREEMENTS}
        _write(outcomes.agreements_file(one.artifact.sha256), languages=np.array(list(found.points)), **arrays)
    drawn = outcomes.resampled(items)
    deviations = np.stack([drawn[language] - mine.value for language, mine in items.items()]).astype(np.float16)
    keys = {f"keys_{place}": mine.keys for place, mine in enumerate(items.values())}
    # The last: where it is, the others are.
    target = outcomes.replicates_file(one.artifact.sha256)
    _write(target, languages=np.array(list(items)), deviations=deviations, **keys)
    return True


def _write(target: Path, **arrays: np.ndarray) -> None:
    """The file appears whole or not at all, and for all users: a temporary one is its owner's alone."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".npz", delete=False) as file:
        np.savez(file, **arrays)
    written = Path(file.name)
    written.chmod(0o644)
    written.replace(target)


def _agrees(one: _Evaluated, items: Mapping[str, outcomes.Items]) -> bool:
    """Whether the items give the scores again: an interval about another number would be wrong."""
    metrics = registry.task(one.task).headline_metrics
    found: dict[str, dict[str, float]] = {}
    for language, metric, value in one.scores.values_list("language", "metric", "value"):
        if metric in metrics:
            found.setdefault(language, {})[metric] = value
    for language, values in found.items():
        score = sum(values.values()) / len(metrics)
        if language not in items or abs(items[language].value - score) > TOLERANCE:
            logger.warning("The items in %s do not give the score in %s.", one.artifact.path, language)
            return False
    return True


def store(asked: Sequence[uncertainty.Asked]) -> int:
    """Compute and keep the intervals of these differences that are not kept yet; returns how many were added."""
    artifacts = uncertainty.artifacts_of(stage for one in asked for stage in one.evaluations)
    measured = [uncertainty.measurements(one, artifacts) for one in asked]
    keys = [uncertainty.content(one, pairs) for one, pairs in zip(asked, measured, strict=True)]
    return _keep(
        {
            key: partial(uncertainty.compute, one, pairs, key)
            for one, pairs, key in zip(asked, measured, keys, strict=True)
            if pairs and all(pair.complete for pair in pairs)
        }
    )


def _keep(wanted: Mapping[str, Callable[[], uncertainty.Interval | None]]) -> int:
    """Compute and keep the intervals, by their content, that are not kept yet; returns how many were added."""
    there = set(StoredInterval.objects.filter(content__in=wanted).values_list("content", flat=True))
    found = {key: compute() for key, compute in wanted.items() if key not in there}
    rows = {key: StoredInterval(content=key, **vars(interval)) for key, interval in found.items() if interval}
    # Another worker may have computed the same: then its row is the one, and equal.
    StoredInterval.objects.bulk_create(rows.values(), batch_size=INSERTED, ignore_conflicts=True)
    return len(rows)


def keep_deviations(rows: Sequence[Parts]) -> int:
    """Compute and keep what these rows' means deviate by, where it is not kept yet, and sweep what no row has.

    Returns how many were added.
    """
    artifacts = uncertainty.artifacts_of(stage for row in rows for part, _ in row for stage in part.evaluations)
    found = {one.content: one for row in rows if (one := ranks.evidence(row, artifacts)).complete}
    there = set(StoredDeviation.objects.values_list("content", flat=True))
    made = [
        StoredDeviation(content=content, deviations=drawn.astype("<f2").tobytes())
        for content, one in found.items()
        if content not in there and (drawn := ranks.deviations(one)) is not None
    ]
    StoredDeviation.objects.bulk_create(made, batch_size=INSERTED, ignore_conflicts=True)
    gone = sorted(there - found.keys())
    for start in range(0, len(gone), INSERTED):
        StoredDeviation.objects.filter(content__in=gone[start : start + INSERTED]).delete()
    return len(made)
