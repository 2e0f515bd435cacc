"""Intervals of what is on the board: prepared when scores change, from the items that the engine wrote."""

from __future__ import annotations

import numpy as np
import pytest

from leaderboard.models import Artifact, Recipe, Score, Stage, StoredInterval
from leaderboard.services import headlines
from leaderboard.services import uncertainty as service
from leaderboard.standings import board, outcomes, ranks, uncertainty
from leaderboard.standings.statistics import significance
from leaderboard.standings.table import Measured
from leaderboard.standings.uncertainty import Asked, Part
from tests import factories, measured
from tests.measured import ITEMS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("prepared_files")]
TASKS = ("udpos", "tatoeba", "xnli_cad", "xquad_sample")
LANGUAGES = {task: measured.registry.task(task).languages for task in TASKS}


@pytest.fixture
def unprepared(prepared_files, settings, tmp_path) -> None:
    settings.ARTIFACT_DIR = tmp_path


def gain(recipe: Recipe, task: str) -> float:
    return 0.15 if recipe.intermediate_tasks.exists() else 0.0


def part(task: str, tasks: str = "nli_cad", base: str = "") -> Part:
    headlines.current()
    found = board.load()
    entries = {"+".join(entry.intermediate): entry for entry in found.entries}
    protocol = next(pk for pk, protocol in found.protocols.items() if protocol.task == task)
    return Part(found.measured(entries[tasks], protocol), found.measured(entries[base], protocol), LANGUAGES[task])


def small(**asked) -> factories.Seeded:
    return measured.study(gain=gain, intermediates=("nli_cad",), **asked)


def test_it_works() -> None:
    small(tasks=("udpos",), seeds=(1, 2, 3))
    # Each language, their mean, and what the pages of robustness and low-resource languages ask for.
    assert service.refresh() > 1 + len(LANGUAGES["udpos"])
    asked = Asked((part("udpos"),))
    [found] = uncertainty.of([asked])
    interval = found.interval
    assert interval.estimate == pytest.approx(
        np.mean(
            [
                asked.parts[0].mine.by_seed[seed][code] - asked.parts[0].base.by_seed[seed][code]
                for seed in (1, 2, 3)
                for code in LANGUAGES["udpos"]
            ]
        )
    )
    assert interval.low < 15 < interval.high
    assert interval.low > 0
    assert (interval.seeds, interval.items) == (3, ITEMS * len(LANGUAGES["udpos"]))
    assert len(found.stages) == 6
    assert StoredInterval.objects.filter(estimate=interval.estimate, low=interval.low).exists()


@pytest.mark.parametrize("task", TASKS)
def test_outcomes_give_the_scores_again(task: str) -> None:
    small(tasks=(task,), seeds=(1,))
    service.refresh()
    for artifact in Artifact.objects.filter(kind="items"):
        items = outcomes.outcomes(artifact.sha256, "any")
        for language, one in items.items():
            found = Score.objects.filter(stage=artifact.stage, language=language)
            assert one.value == pytest.approx(np.mean(found.values_list("value", flat=True)))


def test_what_is_kept_equals_what_is_computed_at_once() -> None:
    small(tasks=("xnli_cad",), seeds=(1, 2))
    service.refresh()
    asked = [Asked((part("xnli_cad"),))]
    assert uncertainty.of(asked) == uncertainty.of(asked, stored=False)


def test_it_takes_two_queries(django_assert_num_queries) -> None:
    small(tasks=("xnli_cad",), seeds=(1, 2))
    service.refresh()
    one = part("xnli_cad")
    asked = [Asked((Part(one.mine, one.base, (code,)),)) for code in one.languages]
    with django_assert_num_queries(2):  # artifacts, and intervals that are kept
        assert all(found.interval for found in uncertainty.of(asked))


def test_parallel_languages_share_their_source_items() -> None:
    small(tasks=("xnli_cad", "xquad_sample", "tatoeba"), seeds=(1,))
    service.refresh()
    for task, items in (("xnli_cad", ITEMS), ("xquad_sample", ITEMS), ("tatoeba", ITEMS * len(LANGUAGES["tatoeba"]))):
        assert uncertainty.of([Asked((part(task),))])[0].interval.items == items


def test_several_tasks_are_averaged() -> None:
    small(tasks=("xnli_cad", "udpos"), seeds=(1,))
    service.refresh()
    one, other = part("xnli_cad"), part("udpos")
    both, first, second = (
        found.interval for found in uncertainty.of([Asked((one, other)), Asked((one,)), Asked((other,))])
    )
    assert both.estimate == pytest.approx((first.estimate + second.estimate) / 2)
    assert both.items == first.items + second.items
    assert both.item_variance < max(first.item_variance, second.item_variance)


def test_seeds_that_share_their_evaluations_are_one_measurement() -> None:
    """Tatoeba is read from the encoder: without an intermediate phase all seeds have one evaluation."""
    small(tasks=("tatoeba",), seeds=(1, 2, 3))
    service.refresh()
    one = part("tatoeba")
    assert one.base.measurements((1, 2, 3)) == 1
    assert uncertainty.of([Asked((one,))])[0].interval.seeds == 3
    itself = uncertainty.of([Asked((Part(one.base, one.base, one.languages),))])[0].interval
    assert (itself.estimate, itself.low, itself.high, itself.seeds) == (0, 0, 0, 1)


def test_scores_without_outcomes_have_no_interval_and_say_so() -> None:
    factories.study(intermediates=("nli_cad",), tasks=("xnli_cad",))
    assert service.refresh() == 0
    [found] = uncertainty.of([Asked((part("xnli_cad"),))])
    assert found.interval is None
    assert found.why == uncertainty.NO_OUTCOMES


@pytest.mark.usefixtures("unprepared")
def test_outcomes_that_are_not_prepared_say_so() -> None:
    small(tasks=("xnli_cad",), seeds=(1,))
    assert uncertainty.of([Asked((part("xnli_cad"),))])[0].why == uncertainty.NOT_PREPARED


def test_rows_without_a_common_seed_have_no_interval() -> None:
    one = Measured({1: {"de": 50.0}}, {1: frozenset()})
    other = Measured({2: {"de": 50.0}}, {2: frozenset()})
    assert uncertainty.of([Asked((Part(one, other, ("de",)),))])[0].why == uncertainty.NO_PAIRS


@pytest.mark.usefixtures("unprepared")
def test_items_that_contradict_their_scores_are_refused() -> None:
    small(tasks=("xnli_cad",), seeds=(1,))
    Score.objects.filter(language="de").update(value=99.9)
    assert service.refresh() == 0
    assert uncertainty.of([Asked((part("xnli_cad"),))])[0].why == uncertainty.NOT_PREPARED


@pytest.mark.usefixtures("unprepared")
def test_a_file_that_cannot_be_read_leaves_the_others_alone() -> None:
    small(tasks=("xnli_cad",), seeds=(1, 2))
    artifact = Artifact.objects.filter(kind="items").first()
    (service.settings.ARTIFACT_DIR / artifact.path).write_bytes(b"torn")
    assert service.prepare(Artifact.objects.filter(kind="items")) == 3


@pytest.mark.usefixtures("unprepared")
def test_what_did_not_change_is_not_computed_again() -> None:
    small(tasks=("xnli_cad",), seeds=(1,))
    stages = list(Stage.objects.filter(action="evaluate").values_list("pk", flat=True))
    service.refresh(stages[:1])  # its other side is not prepared
    assert not StoredInterval.objects.exclude(method__startswith="bootstrap").exists()
    assert uncertainty.of([Asked((part("xnli_cad"),))])[0].why == uncertainty.NOT_PREPARED
    assert service.refresh(stages) > 1 + len(LANGUAGES["xnli_cad"])
    assert service.refresh() == 0


def test_ranks_are_intervals() -> None:
    seeded = measured.study(
        gain=lambda recipe, task: 0.25 if "nli_cad" in recipe.title.lower() or "NLI" in recipe.title else 0.0,
        tasks=("xnli_cad",),
        seeds=(1, 2, 3),
    )
    assert seeded.recipes
    service.refresh()
    rows = [part("xnli_cad", tasks).mine for tasks in ("nli_cad", "ccg_pmb", "")]
    artifacts = uncertainty.artifacts_of(stage for row in rows for stage in row.evaluations)
    found = ranks.ranked([[(row, LANGUAGES["xnli_cad"])] for row in rows], artifacts)
    assert found.seeds
    assert [found.ranks[place][1:] for place in range(3)] == [(1, 1, 1), (2, 3, 2), (2, 3, 2)]
    assert sorted(place for place, *_ in found.ranks.values()) == [1, 2, 3]


def test_one_measurement_in_one_language_is_tested_item_by_item() -> None:
    small(tasks=("xnli_cad", "udpos"), seeds=(1,))
    service.refresh()
    for task, name in (("xnli_cad", "exact McNemar test"), ("udpos", "approximate randomisation")):
        whole = part(task)
        one, mean = (
            found.interval
            for found in uncertainty.of([Asked((Part(whole.mine, whole.base, ("de",)),)), Asked((whole,))])
        )
        assert one.method.endswith(name)
        assert not mean.method.endswith(name)
        sides = [
            outcomes.outcomes(uncertainty.artifacts_of(side.evaluations).popitem()[1], "any")["de"]
            for side in (whole.mine, whole.base)
        ]
        if task == "xnli_cad":
            assert one.p == significance.mcnemar(*(side.right for side in sides))
        else:
            assert sides[0].right is None
            assert 0 < one.p < 0.05


def test_several_seeds_are_not_tested_item_by_item() -> None:
    small(tasks=("xnli_cad",), seeds=(1, 2))
    service.refresh()
    whole = part("xnli_cad")
    [found] = uncertainty.of([Asked((Part(whole.mine, whole.base, ("de",)),))])
    assert found.interval.method.startswith("t interval over 2 seeds")
    assert "McNemar" not in found.interval.method
