"""How much work a planned stage is, and which lane it belongs to. Pure, from the plan and the catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from leaderboard.models import Stage
from runner import spec
from runner.tasks import registry
from runner.tasks.kinds import THRESHOLD_SPLIT, Kind, TaskSpec

# At most so many examples trained or evaluated on: minutes, so it need not wait behind hours.
SHORT_EXAMPLES = 5_000
# Sentences in both pools of a mining task for each gold pair: 8,624 and 13,589 for 257 in BUCC's Chinese sample data.
POOLED_SENTENCES = 86


def examples(stage: spec.Stage) -> int | None:
    """Inputs that the stage passes through the encoder; None where the catalogue has no size.

    Epochs, languages and the steps of MLM are counted; early stopping may need fewer. Retrieval encodes both sides.
    """
    plan = stage.plan
    if isinstance(plan, spec.AlignPlan):
        return _aligned(plan)
    return _trained(plan) if isinstance(plan, spec.TrainPlan) else _evaluated(plan)


def _trained(plan: spec.TrainPlan) -> int | None:
    """As `runner.training.mixture` counts: epochs over min(examples, cap) of each task, MLM on top of them."""
    if not plan.tasks:
        texts = _least(registry.task(plan.masked.text).sizes.get("train"), plan.masked.texts)
        return None if texts is None else texts * len(plan.masked.languages) * plan.training.epochs
    cap = plan.sampling.cap if plan.sampling else None
    sizes = [_least(_all_languages(slug, plan.languages), plan.training.train_limit, cap) for slug in plan.tasks]
    if None in sizes:
        return None
    share = plan.masked.share if plan.masked else 0
    return round(sum(sizes) * plan.training.epochs / (1 - share))


def _all_languages(slug: str, languages: Sequence[str]) -> int | None:
    """Training examples in all languages together: a translation has as many as the English data."""
    size = registry.task(slug).sizes.get("train")
    return None if size is None else size * len(languages)


def _evaluated(plan: spec.EvaluatePlan) -> int | None:
    task = registry.task(plan.task)
    # The threshold of mining is fitted on pools of its own.
    splits = {plan.split, THRESHOLD_SPLIT} if task.pools else {plan.split}
    items = [_least(_of_one_language(task, split), plan.limit) for split in splits]
    if None in items:
        return None
    inputs = POOLED_SENTENCES if task.pools else 2 if task.kind is Kind.RETRIEVAL else 1
    return sum(items) * inputs * len(plan.languages)


def _aligned(plan: spec.AlignPlan) -> int | None:
    """Sentences of both sides; a sentence pair of a task gives two of each."""
    task = registry.task(plan.task)
    pairs = _of_one_language(task, plan.split)
    if pairs is None:
        return None
    pairs *= 2 if task.kind is Kind.SENTENCE_PAIR else 1
    return 2 * _least(pairs, plan.limit) * len(plan.languages)


def _of_one_language(task: TaskSpec, split: str) -> int | None:
    """The size of a language: the catalogue has that of English or, without English, of all languages together."""
    size = task.sizes.get(split)
    if size is None or task.pivot in task.languages:
        return size
    return round(size / len(task.languages))


def lane_of(stage: spec.Stage, wanted: str = Stage.Lane.GPU) -> str:
    """The lane of a stage: short where its work is known to be small, else the one that the submitter wants."""
    known = examples(stage)
    return Stage.Lane.SHORT if known is not None and known <= SHORT_EXAMPLES else wanted


def _least(*values: int | None) -> int | None:
    return min((value for value in values if value is not None), default=None)
