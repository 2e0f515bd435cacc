"""How many stages the paper's grid takes: planned, where equal stages are one, against each cell for itself.

`python -m benchmarks.grid`. The grid of Phang et al. 2020 (section 2, table 1): the encoder without an intermediate
task, with each of nine, and with all nine at once; nine target tasks; three seeds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from runner.recipes import Evaluation, Method, Recipe, plan
from runner.spec import EncoderRef, EvaluatePlan, Stage
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite

INTERMEDIATE = ("anli_plus", "mnli", "qqp", "squad_v2", "squad_v1", "hellaswag", "ccg", "cosmos_qa", "commonsense_qa")
SEEDS = (1, 2, 3)
# Any revision will do: it only has to be the same in all recipes.
ENCODER = EncoderRef("xlm-roberta-large", "FacebookAI/xlm-roberta-large", "0" * 40, 24)


@dataclass(frozen=True)
class Counts:
    """Stages by what they do: `naive` with nothing shared, `planned` with equal stages once."""

    naive: Counter[str]
    planned: Counter[str]


def runs() -> list[list[Stage]]:
    """The stages of every run of the grid."""
    methods = [(Method.BASELINE, ()), *((Method.INTERMEDIATE, (slug,)) for slug in INTERMEDIATE)]
    methods.append((Method.MULTI_TASK, INTERMEDIATE))
    evaluations = [
        Evaluation(task.slug, "test" if "test" in task.splits else "validation", task.languages)
        for task in registry.tasks(Role.TARGET, Suite.XTREME)
    ]
    return [plan(Recipe(ENCODER, method, slugs), evaluations, seed) for method, slugs in methods for seed in SEEDS]


def count(grid: list[list[Stage]]) -> Counts:
    """Stages of all runs, naive and planned, as intermediate training, target training and evaluation."""
    naive: Counter[str] = Counter()
    planned = {stage.fingerprint: _what(stage, run) for run in grid for stage in run}
    for run in grid:
        by_key = {stage.fingerprint: stage for stage in run}
        for stage in run:
            # What this evaluation would need if it were alone.
            needed = stage if isinstance(stage.plan, EvaluatePlan) else None
            while needed:
                naive[_what(needed, run)] += 1
                needed = by_key.get(needed.parent)
    return Counts(naive, Counter(planned.values()))


def _what(stage: Stage, run: list[Stage]) -> str:
    if isinstance(stage.plan, EvaluatePlan):
        return "evaluation"
    first = run[0] if not isinstance(run[0].plan, EvaluatePlan) else None
    # A run with an intermediate phase begins with it, and all else starts from it.
    starts_all = first is stage and all(other is stage or other.parent for other in run)
    return "intermediate training" if starts_all else "target training"


def main() -> None:
    counts = count(runs())
    print("| stages | naive | planned |\n| --- | --- | --- |")
    for what in ("intermediate training", "target training", "evaluation"):
        print(f"| {what} | {counts.naive[what]:,} | {counts.planned[what]:,} |")
    print(f"| all | {counts.naive.total():,} | {counts.planned.total():,} |")


if __name__ == "__main__":
    main()
