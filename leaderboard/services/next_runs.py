"""What to run next: the seeds and cells that would decide an open claim, what they would cost, and queueing them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice
from typing import Any

from leaderboard.cloning import free_name
from leaderboard.models import Claim, Condition, Recipe, Stage, Study
from leaderboard.services import headlines, submissions
from leaderboard.services.forecast import Forecast, forecast, measured_rates
from leaderboard.standings import board as boards
from leaderboard.standings import claims as standings
from leaderboard.standings.board import Board
from leaderboard.standings.claims import Comparison, Side
from runner import recipes, spec
from runner.errors import RecipeError
from runner.recipes import Evaluation, Method, PhaseSettings
from runner.spec import MaskedWords, Sampling, fingerprint
from runner.tasks import registry

# Where nothing says how many seeds there should be.
USUAL_SEEDS = (1, 2, 3)
# More at once is a study to be planned, not a button to be pressed.
MOST_SEEDS = 10


@dataclass(frozen=True)
class Wanted:
    """One recipe with the seeds that it lacks."""

    recipe: recipes.Recipe
    title: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Suggestion:
    """What would decide one comparison; `key` is the hash of what would be queued.

    `obstacle` says why it cannot be queued from here.
    """

    key: str
    encoder: str
    comparison: Comparison
    wanted: tuple[Wanted, ...] = ()
    evaluations: tuple[Evaluation, ...] = field(default=(), repr=False)
    forecast: Forecast | None = None
    obstacle: str = ""

    @property
    def planned(self) -> list[tuple[recipes.Recipe, int, list[spec.Stage]]]:
        return [
            (one.recipe, seed, recipes.plan(one.recipe, self.evaluations, seed))
            for one in self.wanted
            for seed in one.seeds
        ]


def suggestions(claim: Claim) -> list[Suggestion]:
    """For each comparison of the claim that is open, what would decide it: the cheapest first, what cannot be last."""
    headlines.current()
    board = boards.load()
    conditions = list(claim.conditions.all())
    rates = measured_rates()
    found = [
        _suggestion(tested.encoder, comparison, conditions[comparison.condition], board, rates)
        for tested in standings.tested(conditions, board)
        if tested.decision == standings.Decision.OPEN
        for comparison in tested.comparisons
        if comparison.answer == standings.OPEN
    ]
    return sorted(found, key=_cost)


def _cost(suggestion: Suggestion) -> tuple[Any, ...]:
    known = suggestion.forecast
    return (bool(suggestion.obstacle), not known or not known.measured, known.hours if known else 0)


def _suggestion(
    encoder: str, comparison: Comparison, condition: Condition, board: Board, rates: Mapping[Any, float]
) -> Suggestion:
    try:
        wanted = tuple(_wanted(comparison, encoder, board))
        evaluations = tuple(_evaluations(comparison, condition, board))
        if not wanted:
            raise RecipeError("More seeds alone would not decide it: the test items are what is uncertain.")
        found = Suggestion("", encoder, comparison, wanted, evaluations)
        stages = [stages for _, _, stages in found.planned]
    except RecipeError as error:
        return Suggestion("", encoder, comparison, obstacle=str(error))
    key = fingerprint(sorted({stage.fingerprint for run in stages for stage in run}))
    return replace(found, key=key, forecast=forecast(stages, rates))


def _wanted(comparison: Comparison, encoder: str, board: Board) -> Iterator[Wanted]:
    """The recipes of both sides with the seeds that they need in common."""
    sides = {side.title: side for pair in comparison.sides for side in pair}
    seeds = _seeds(comparison, list(sides.values()), board)
    for side in sides.values():
        if seeds:
            recipe = _recipe(side, encoder, board)
            yield Wanted(recipe, side.title, seeds)


def _seeds(comparison: Comparison, sides: Sequence[Side], board: Board) -> tuple[int, ...]:
    """Where scores are missing, the seeds that the sides have; else as many new ones as would decide it.

    Seeds that are queued, but not measured, are suggested again: what is left to do of them says that they are.
    """
    rows = [side.entry for side in sides if side.entry]
    interval = comparison.interval
    if interval is None:
        asked_for = sorted({run.seed for row in rows for run in row.runs})
        return tuple((asked_for or list(USUAL_SEEDS))[:MOST_SEEDS])
    if interval.seed_variance is None:
        more = len(USUAL_SEEDS) - interval.seeds
    elif comparison.seeds_needed is None:
        return ()
    else:
        more = comparison.seeds_needed - interval.seeds
    protocols = [protocol.pk for slug in comparison.targets if (protocol := board.whole_test(registry.task(slug)))]
    measured = {seed for row in rows for protocol in protocols for seed in board.measured(row, protocol).by_seed}
    fresh = (seed for seed in count(1) if seed not in measured)
    return tuple(islice(fresh, min(max(more, 1), MOST_SEEDS)))


def _recipe(side: Side, encoder: str, board: Board) -> recipes.Recipe:
    """The side's recipe as the engine plans it: its own, or one like its neighbours' where it was never run."""
    if side.entry:
        return of_row(Recipe.objects.get(fingerprint=side.entry.recipe))
    row = Recipe.objects.filter(
        pk__in=[int(entry.key.removeprefix("recipe-")) for entry in board.entries if entry.encoder == encoder]
    )
    like = row.filter(method=side.method).order_by("-pk").first() or row.order_by("-pk").first()
    settings = like.settings
    masked = next((found.settings["masked"] for found in row if found.settings.get("masked")), None)
    translated = next((found.translation for found in row if found.translation), "")
    if side.variant == "mlm" and not masked:
        raise RecipeError("No recipe with MLM was run with this encoder: submit the first in the admin, with its text.")
    if side.variant == "translated" and not translated:
        raise RecipeError("No recipe with translated data was run with this encoder: submit the first in the admin.")
    return recipes.Recipe(
        encoder=submissions.reference(submissions.find_encoder(encoder)),
        method=Method(side.method),
        intermediate_tasks=tuple(sorted(side.intermediate)),
        intermediate=PhaseSettings(**(settings.get("intermediate") or {})),
        target=PhaseSettings(**settings["target"]),
        sampling=Sampling(**(settings.get("sampling") or {})),
        masked=_masked(masked) if side.variant == "mlm" else None,
        translation=tuple(translated.split("+")) if side.variant == "translated" else (),
    )


def of_row(row: Recipe) -> recipes.Recipe:
    """A stored recipe as the engine plans it; RecipeError where it was made by other rules."""
    settings = row.settings
    recipe = recipes.Recipe(
        encoder=submissions.reference(row.encoder),
        method=Method(row.method),
        intermediate_tasks=tuple(sorted(row.intermediate_tasks.values_list("pk", flat=True))),
        intermediate=PhaseSettings(**(settings.get("intermediate") or {})),
        target=PhaseSettings(**settings["target"]),
        sampling=Sampling(**(settings.get("sampling") or {})),
        masked=_masked(settings.get("masked")),
        translation=tuple(row.translation.split("+")) if row.translation else (),
    )
    if recipe.fingerprint != row.fingerprint:
        raise RecipeError(f"“{row.title}” was made by an earlier version, or its encoder has changed: submit it anew.")
    return recipe


def _masked(values: Mapping[str, Any] | None) -> MaskedWords | None:
    return MaskedWords(**{**values, "languages": tuple(values["languages"])}) if values else None


def _evaluations(comparison: Comparison, condition: Condition, board: Board) -> Iterator[Evaluation]:
    """The targets as they were evaluated before, so that scores are comparable; else on the whole test set."""
    rows = [side.entry for pair in comparison.sides for side in pair if side.entry]
    for slug in comparison.targets:
        task = registry.task(slug)
        protocol = board.whole_test(task)
        stages = {stage for row in rows if protocol for stage in board.measured(row, protocol.pk).evaluations}
        plan = _plan_of(stages)
        languages = standings.languages_of(condition, task)
        if plan is None:
            yield Evaluation(slug, "test", languages)
            continue
        named = {name: plan[name] for name in ("layer", "precision") if plan.get(name) not in (None, "")}
        pooling = {"pooling": plan["pooling"]} if plan.get("pooling") else {}
        yield Evaluation(slug, plan["split"], tuple(plan["languages"]), plan["limit"], **named, **pooling)


def _plan_of(stages: Sequence[int] | set[int]) -> Mapping[str, Any] | None:
    """The plan of the latest of these evaluations."""
    stage = Stage.objects.filter(pk__in=stages).order_by("-pk").first()
    return stage.spec["plan"] if stage else None


def queue(claim: Claim, key: str, user: Any = None) -> Study:
    """Submit the suggestion of this key as a study; RecipeError where there is none such (any more)."""
    found = next((one for one in suggestions(claim) if one.key and one.key == key), None)
    if found is None:
        raise RecipeError("The scores have changed since this was suggested: look again at what would decide it.")
    seeds = sorted({seed for one in found.wanted for seed in one.seeds})
    return submissions.submit_runs(
        free_name(f"For the claim {claim.key}: {found.comparison.title}"),
        found.planned,
        found.evaluations,
        seeds,
        note=f"Queued to decide “{claim.statement}”: {found.comparison.title}, {found.comparison.where}.",
        user=user,
    )
