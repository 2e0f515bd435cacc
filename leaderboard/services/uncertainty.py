"""What intervals are computed from is prepared when scores change, and so are the intervals that pages usually show."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from django.conf import settings

from leaderboard.models import Artifact, Stage, StoredInterval
from leaderboard.services import headlines
from leaderboard.standings import board, consistency, outcomes, resource_groups, robustness_rows, uncertainty
from runner.process import without_secrets
from runner.tasks import registry

logger = logging.getLogger(__name__)

# Artifacts that one conversion process takes: starting it takes longer than most files.
BATCH = 100
INSERTED = 500
# Points: sums in another order differ in their last digits.
TOLERANCE = 1e-4


def refresh(stages: Collection[int] | None = None) -> int:
    """Prepare the outcomes of these evaluations (None: of all), and compute what is usually shown of them.

    Returns how many intervals were added. Safe to repeat and to interrupt: what is there is left as it is.
    """
    prepare(Artifact.objects.filter(kind="items", **({} if stages is None else {"stage__in": stages})))
    headlines.current()
    there = board.load()
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
    stages = Stage.objects.in_bulk({artifact.stage_id for artifact in wanted.values()})
    pending = [
        (artifact, stage.spec["plan"])
        for artifact in wanted.values()
        if _measurable(stage := stages[artifact.stage_id])
    ]
    for start in range(0, len(pending), BATCH):
        _convert(pending[start : start + BATCH])
    return sum(_write_derived(artifact, plan["task"], plan["split"]) for artifact, plan in pending)


def _measurable(stage: Stage) -> bool:
    """Evaluations of tasks of the catalogue; diagnostics measure otherwise."""
    task = registry.TASKS.get(stage.spec["plan"].get("task", ""))
    return stage.action == Stage.Action.EVALUATE and task is not None and bool(task.headline_metrics)


def _convert(pending: Sequence[tuple[Artifact, dict[str, object]]]) -> None:
    """Parquet is read by a process of its own: neither the web process nor a worker loads its library."""
    arguments = [
        part
        for artifact, plan in pending
        if not outcomes.outcomes_file(artifact.sha256).exists()
        for part in (
            uncertainty.headline(plan["task"]),
            str(settings.ARTIFACT_DIR / artifact.path),
            str(outcomes.outcomes_file(artifact.sha256)),
        )
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


def _write_derived(artifact: Artifact, task: str, split: str) -> bool:
    items = outcomes.outcomes(artifact.sha256, outcomes.scope_of(task, split))
    if not items or not _agrees(artifact, task, items):
        return False
    spec = registry.task(task)
    if spec.parallel and (found := outcomes.agreeing(items, spec.pivot)):
        arrays = {name: np.stack(list(getattr(found, name).values())) for name in outcomes.AGREEMENTS}
        _write(outcomes.agreements_file(artifact.sha256), languages=np.array(list(found.points)), **arrays)
    drawn = outcomes.resampled(items)
    deviations = np.stack([drawn[language] - one.value for language, one in items.items()]).astype(np.float16)
    keys = {f"keys_{place}": one.keys for place, one in enumerate(items.values())}
    # The last: where it is, the others are.
    _write(outcomes.replicates_file(artifact.sha256), languages=np.array(list(items)), deviations=deviations, **keys)
    return True


def _write(target: Path, **arrays: np.ndarray) -> None:
    """The file appears whole or not at all, and for all users: a temporary one is its owner's alone."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".npz", delete=False) as file:
        np.savez(file, **arrays)
    written = Path(file.name)
    written.chmod(0o644)
    written.replace(target)


def _agrees(artifact: Artifact, task: str, items: Mapping[str, outcomes.Items]) -> bool:
    """Whether the items give the scores again: an interval about another number would be wrong."""
    metrics = registry.task(task).headline_metrics
    found: dict[str, dict[str, float]] = {}
    for language, metric, value in artifact.stage.scores.values_list("language", "metric", "value"):
        if metric in metrics:
            found.setdefault(language, {})[metric] = value
    for language, values in found.items():
        score = sum(values.values()) / len(metrics)
        if language not in items or abs(items[language].value - score) > TOLERANCE:
            logger.warning("The items of stage %s do not give its score in %s.", artifact.stage_id, language)
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
