"""How much work a planned stage is, and which lane it belongs to. Pure, from the plan and the catalogue."""

from __future__ import annotations

from leaderboard.models import Stage
from runner import spec
from runner.tasks import registry

# At most so many examples trained or evaluated on: minutes, so it need not wait behind hours.
SHORT_EXAMPLES = 5_000


def examples(stage: spec.Stage) -> int | None:
    """Examples that the stage passes through the encoder, epochs counted; None where the catalogue has no size."""
    plan = stage.plan
    if isinstance(plan, spec.EvaluatePlan):
        size = _least(registry.task(plan.task).sizes.get(plan.split), plan.limit)
        return None if size is None else size * len(plan.languages)
    sizes = [_least(registry.task(slug).sizes.get("train"), plan.training.train_limit) for slug in plan.tasks]
    if not sizes or None in sizes:
        return None
    return sum(sizes) * plan.training.epochs


def lane_of(stage: spec.Stage, wanted: str = Stage.Lane.GPU) -> str:
    """The lane of a stage: short where its work is known to be small, else the one that the submitter wants."""
    known = examples(stage)
    return Stage.Lane.SHORT if known is not None and known <= SHORT_EXAMPLES else wanted


def _least(size: int | None, limit: int | None) -> int | None:
    found = [value for value in (size, limit) if value is not None]
    return min(found, default=None)
