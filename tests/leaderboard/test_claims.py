"""Claims: loaded from the project's file, tested when scores change, decided only by what is there."""

from __future__ import annotations

from typing import Any

import pytest

from leaderboard.models import Claim, Condition, Encoder, Recipe, Run, Source, Verdict
from leaderboard.services import claims, literature, uncertainty
from leaderboard.standings import claims as standings
from leaderboard.standings.statistics.intervals import Interval, seeds_to_decide
from leaderboard.standings.table import Measured
from leaderboard.standings.uncertainty import Part
from runner.recipes import Method
from runner.tasks import registry
from tests import factories, measured

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("prepared_files")]
TASKS = ("xnli_cad", "xquad_sample")
TWO = ["nli_cad", "ccg_pmb"]
LANGUAGES = ("de", "en", "ru")


def claim(*conditions: dict[str, Any], key: str = "own") -> Claim:
    found = Claim.objects.create(key=key, statement="Something is better.")
    for place, fields in enumerate(conditions):
        Condition.objects.create(
            claim=found,
            position=place,
            **{
                "suite": "stand_in",
                "targets": ["xnli_cad"],
                "intermediate": TWO,
                "languages": ",".join(LANGUAGES),
                **fields,
            },
        )
    return found


def gains(**by_task: float) -> measured.Gain:
    """What recipes have by their intermediate task; several tasks have the sum."""
    return lambda recipe, task: sum(
        by_task.get(slug, 0) for slug in recipe.intermediate_tasks.values_list("pk", flat=True)
    )


def study(seeds: tuple[int, ...] = (1, 2, 3), tasks: tuple[str, ...] = ("xnli_cad",), **by_task: float):
    return measured.study(gain=gains(**by_task), tasks=tasks, seeds=seeds, languages=LANGUAGES)


def verdict(of: Claim) -> Verdict:
    uncertainty.refresh()
    claims.test_all()
    return Verdict.objects.filter(claim=of).latest("pk")


def test_it_works() -> None:
    study(nli_cad=0.25, ccg_pmb=0.25)
    found = verdict(claim({"over": "each"}))
    assert (found.decision, found.missing, found.encoder_id) == ("holds", [], factories.ENCODER)
    assert found.runs.count() == 9
    first = found.details[0]
    assert (first["title"], first["against"]) == (registry.task("nli_cad").title, "Baseline")
    assert 0 < first["interval"]["low"] < 25 < first["interval"]["high"] < 50
    assert 15 < first["interval"]["estimate"] < 35
    assert first["p"] < 0.05
    assert first["interval"]["seeds"] == 3


def test_one_comparison_below_contradicts() -> None:
    study(nli_cad=0.25, ccg_pmb=-0.25)
    assert verdict(claim({"over": "each"})).decision == "contradicted"


def test_what_is_missing_is_named() -> None:
    measured.study(
        gain=gains(nli_cad=0.25), tasks=("xnli_cad",), seeds=(1, 2, 3), intermediates=("nli_cad",), languages=LANGUAGES
    )
    found = verdict(claim({"over": "each"}))
    assert found.decision == "open"
    assert found.missing == [f"{registry.task('ccg_pmb').title}: no run"]


def test_a_task_that_was_not_evaluated_is_named() -> None:
    study(nli_cad=0.25, ccg_pmb=0.25)
    found = verdict(claim({"targets": list(TASKS)}))
    assert found.decision == "open"
    lacking = f"no score on the whole test set of {registry.task('xquad_sample').title}"
    titles = [registry.task("nli_cad").title, "Baseline", registry.task("ccg_pmb").title]
    assert found.missing == [f"{title}: {lacking}" for title in titles]


def test_one_seed_decides_nothing() -> None:
    study(seeds=(1,), nli_cad=0.25, ccg_pmb=0.25)
    found = verdict(claim({"over": "each"}))
    assert found.decision == "open"
    assert found.missing[0].endswith("a second seed: one says nothing about others")


def test_a_small_difference_is_open_and_says_what_would_decide_it() -> None:
    study(nli_cad=0.02, ccg_pmb=0.25)
    found = verdict(claim({"over": "each"}))
    assert found.decision == "open"
    assert "if the difference stays what it is" in found.missing[0]


def test_scores_without_items_decide_nothing() -> None:
    factories.study(tasks=("xnli_cad",), seeds=(1, 2, 3), languages=LANGUAGES)
    found = verdict(claim({"over": "each"}))
    assert found.decision == "open"
    assert "no per-item outcomes" in found.missing[0]


def test_a_claim_about_nothing_that_was_run_says_so() -> None:
    found = verdict(claim({}))
    assert (found.encoder, found.decision) == (None, "open")
    study(nli_cad=0.25, ccg_pmb=0.25)
    assert verdict(found.claim).encoder_id == factories.ENCODER
    assert not Verdict.objects.filter(encoder=None).exists()


def test_the_verdict_changes_with_the_scores_and_only_then() -> None:
    own = claim({"over": "each"})
    study(nli_cad=0.25, ccg_pmb=0.25)
    assert verdict(own).decision == "holds"
    assert claims.test_all() == 0
    seed = measured.study(
        "More", gain=gains(nli_cad=-0.4, ccg_pmb=0.25), tasks=("xnli_cad",), seeds=(4, 5, 6), languages=LANGUAGES
    )
    assert seed.study.runs.count() == 9
    assert verdict(own).decision != "holds"
    assert Verdict.objects.filter(claim=own).count() == 2


def test_multi_task_is_compared_with_each_single_task() -> None:
    measured.study(
        gain=gains(nli_cad=0.2, ccg_pmb=0.2),
        tasks=("xnli_cad",),
        seeds=(1, 2, 3),
        languages=LANGUAGES,
        methods=(Method.BASELINE, Method.INTERMEDIATE, Method.MULTI_TASK),
    )
    found = verdict(claim({"method": "multi_task", "against": "single"}))
    assert [row["against"] for row in found.details] == [registry.task(slug).title for slug in TWO]
    assert found.decision == "holds"


def test_the_best_task_is_chosen_on_other_seeds() -> None:
    """With luck alone, the best of two looks better than the baseline on the seed it was chosen on."""
    base = Measured({1: {"de": 50.0}, 2: {"de": 50.0}}, {})
    first = Measured({1: {"de": 60.0}, 2: {"de": 40.0}}, {})
    second = Measured({1: {"de": 40.0}, 2: {"de": 60.0}}, {})
    part = standings.best([Part(first, base, ("de",)), Part(second, base, ("de",))])
    assert {seed: values["de"] for seed, values in part.mine.by_seed.items()} == {1: 40.0, 2: 40.0}
    assert not standings.best([Part(Measured({1: {"de": 60.0}}, {}), base, ("de",))]).mine.by_seed


def test_average_and_best_are_one_comparison() -> None:
    study(nli_cad=0.3, ccg_pmb=0.1)
    average, best = verdict(claim({"over": "average"}, {"over": "best"})).details
    assert average["interval"]["estimate"] < best["interval"]["estimate"]
    assert average["interval"]["low"] > 0


@pytest.mark.parametrize(
    ("quantifier", "answers", "decision"),
    [
        ("all", ["above", "above"], "holds"),
        ("all", ["above", "open"], "open"),
        ("all", ["open", "below"], "contradicted"),
        ("most", ["above", "above", "below"], "holds"),
        ("most", ["above", "open", "open"], "open"),
        ("most", ["above", "below"], "contradicted"),
        ("none", ["below", "below"], "holds"),
        ("none", ["below", "open"], "open"),
        ("none", ["below", "above"], "contradicted"),
    ],
)
def test_conditions_are_decided(quantifier: str, answers: list[str], decision: str) -> None:
    assert standings.decide(quantifier, answers) == decision


def test_a_claim_falls_with_any_condition_and_holds_with_all() -> None:
    assert standings.together(["holds", "contradicted"]) == "contradicted"
    assert standings.together(["holds", "open"]) == "open"
    assert standings.together(["holds", "holds"]) == "holds"
    assert standings.together([]) == "open"


def test_seeds_that_would_decide() -> None:
    interval = Interval(1.0, -1.0, 3.0, 0.3, 3, 1000, "", 1.5, 0.01, 3.0)
    needed = seeds_to_decide(interval)
    assert 3 < needed < 15
    assert seeds_to_decide(Interval(0.1, -1, 1, 0.9, 3, 1000, "", 0.1, 1.0, 900)) is None
    assert seeds_to_decide(Interval(1.0, -1, 3, 0.3, 1, 1000, "", None, 1.0, 900)) is None


# The literature's.


def test_the_six_claims_of_the_literature_are_loaded_once() -> None:
    Source.objects.create(key="phang2020-abstract", title="Phang et al. 2020")
    assert literature.load_own() == len(literature.own())
    assert literature.load_own() == 0
    assert Claim.objects.filter(origin="literature", source="phang2020-abstract").count() == 6
    assert claims.test_all() == len(literature.own())
    assert set(Verdict.objects.values_list("decision", flat=True)) == {"open"}


def test_the_claims_of_the_literature_can_be_tested() -> None:
    for row in literature.own():
        for fields in row["conditions"]:
            defaults = {field.name: field.default for field in Condition._meta.fields if field.has_default()}
            assert not claims.problems({**defaults, "intermediate": [], "targets": [], **fields})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"intermediate": ["mnly"]}, "mnli"),
        ({"intermediate": ["xnli"]}, "is no intermediate task"),
        ({"targets": ["mnli"]}, "is no target task"),
        ({"targets": "xnli"}, "list of slugs"),
        ({"suite": "glue"}, "The suites are"),
        ({"method": "multi_task", "intermediate": ["mnli"]}, "two or more"),
        ({"variant": "mlm", "against": "mlm"}, "with themselves"),
        ({"against": "single"}, "multi-task"),
        ({"targets": ["paws_x"], "languages": "sw"}, "has any of these languages"),
    ],
)
def test_what_cannot_be_tested_is_refused(fields: dict[str, Any], sentence: str) -> None:
    usual = {"method": "intermediate", "variant": "plain", "suite": "xtreme", "against": "baseline", "languages": "all"}
    assert sentence in " ".join(problem.sentence for problem in claims.problems({**usual, **fields}))


def test_encoders_are_tested_apart() -> None:
    study(nli_cad=0.25, ccg_pmb=0.25)
    measured.study(
        "Other",
        gain=gains(nli_cad=-0.25, ccg_pmb=-0.25),
        tasks=("xnli_cad",),
        seeds=(1, 2, 3),
        slug="other",
        languages=LANGUAGES,
    )
    own = claim({"over": "each"})
    verdict(own)
    assert dict(own.verdicts.values_list("encoder", "decision")) == {"tiny": "holds", "other": "contradicted"}
    assert Encoder.objects.count() >= 2
    assert Recipe.objects.filter(encoder="other").exists()
    assert Run.objects.filter(recipe__encoder="other").count() == 9
