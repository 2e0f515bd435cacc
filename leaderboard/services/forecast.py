"""What a study would cost, before it is submitted: stages in all, done, to do, and hours by measured rates.

Nothing is written. A rate is seconds per example of stages that are done, the nearest kind first: the same encoder
and task, then the same encoder, both for one action. What nothing was measured of is said, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from leaderboard.models import Stage
from leaderboard.services.work import examples
from runner import spec
from runner.errors import RecipeError

# What a rate was measured on: action, encoder, and task or tasks with the text of MLM (empty: any).
Kind = tuple[str, str, tuple[str, ...]]
MEASURED_STAGES = 500  # the latest; a rate of long ago was another machine's


@dataclass(frozen=True)
class Forecast:
    """Counts of a study's stages, and hours to do on one worker.

    `naive` counts what it would take with nothing shared: each target of each run trained from the encoder.
    `unmeasured` stages have no rate and are not in `hours`.
    """

    naive: int
    stages: int
    done: int
    under_way: int
    hours: float
    unmeasured: int

    @property
    def measured(self) -> bool:
        """Whether anything to do has a rate, or nothing is to do."""
        return self.unmeasured < self.stages - self.done or self.done == self.stages

    @property
    def to_do(self) -> int:
        return self.stages - self.done - self.under_way


def forecast(planned: Iterable[Sequence[spec.Stage]], rates: Mapping[Kind, float] | None = None) -> Forecast:
    """The forecast of a study whose runs have these stages. Two queries, one where the `rates` are given."""
    runs = list(planned)
    stages = {stage.fingerprint: stage for run in runs for stage in run}
    known = dict(Stage.objects.filter(fingerprint__in=stages).values_list("fingerprint", "status"))
    to_do = {key: stage for key, stage in stages.items() if known.get(key) != Stage.Status.DONE}
    rates = measured_rates() if rates is None else rates
    seconds = [_seconds(stage, rates) for stage in to_do.values()]
    return Forecast(
        naive=sum(naive_count(run) for run in runs),
        stages=len(stages),
        done=len(stages) - len(to_do),
        under_way=sum(known.get(key) in ("queued", "running", "waiting") for key in to_do),
        hours=sum(value for value in seconds if value is not None) / 3600,
        unmeasured=seconds.count(None),
    )


def naive_count(run: Sequence[spec.Stage]) -> int:
    """Stages of a run where each evaluation trains all that it starts from for itself."""
    by_key = {stage.fingerprint: stage for stage in run}
    count = 0
    for stage in run:
        if isinstance(stage.plan, spec.TrainPlan):
            continue
        while stage:
            count += 1
            stage = by_key.get(stage.parent)
    return count


def measured_rates() -> dict[Kind, float]:
    """Seconds per example, the median over the latest stages that are done, by kind. One query."""
    found: dict[Kind, list[float]] = {}
    done = Stage.objects.filter(status=Stage.Status.DONE, seconds__gt=0).order_by("-finished")[:MEASURED_STAGES]
    for raw, seconds in done.values_list("spec", "seconds"):
        try:
            stage = spec.Stage.from_dict(raw)
            size = examples(stage)
        except RecipeError:
            continue  # of another version of the engine or the catalogue
        for kind in _kinds(stage) if size else ():
            found.setdefault(kind, []).append(seconds / size)
    return {kind: median(rates) for kind, rates in found.items()}


def _kinds(stage: spec.Stage) -> list[Kind]:
    """From the nearest to the widest."""
    plan = stage.plan
    if isinstance(plan, spec.TrainPlan):
        tasks = (*plan.tasks, plan.masked.text) if plan.masked else plan.tasks
    else:
        tasks = (plan.task,)
    return [(plan.action, stage.encoder.slug, tasks), (plan.action, stage.encoder.slug, ())]


def _seconds(stage: spec.Stage, rates: Mapping[Kind, float]) -> float | None:
    size = examples(stage)
    rate = next((rates[kind] for kind in _kinds(stage) if kind in rates), None)
    return None if size is None or rate is None else size * rate
