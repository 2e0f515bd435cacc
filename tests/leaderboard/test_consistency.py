"""Prediction consistency: the measures equal their definitions, and the page shows them with intervals."""

from __future__ import annotations

import numpy as np
import pytest
from django.http import QueryDict

from leaderboard.models import Artifact, StoredInterval
from leaderboard.services import headlines
from leaderboard.services import uncertainty as service
from leaderboard.standings import consistency, outcomes, robustness
from leaderboard.standings.outcomes import Items
from leaderboard.standings.statistics import agreement, draws
from runner.tasks import registry
from tests import measured

LANGUAGES = ("en", "de", "sw")


def of(pivot: list[int], other: list[int], gold: list[int], categories: int = 3) -> np.ndarray:
    sides = [np.array(one) for one in (pivot, other)]
    rights = [side == np.array(gold) for side in sides]
    return agreement.measures(agreement.tallies(*sides, *rights, categories).sum(axis=1))


def test_it_works() -> None:
    same, kappa, retained = of([0, 0, 1, 2], [0, 1, 1, 2], gold=[0, 0, 1, 1])
    assert same == 75
    # By chance: (2 x 1 + 1 x 2 + 1 x 1) / 16.
    assert kappa == pytest.approx((3 / 4 - 5 / 16) / (1 - 5 / 16))
    assert retained == pytest.approx(100 * 2 / 3)


def test_kappa_is_one_where_all_agree_and_none_where_that_says_nothing() -> None:
    assert of([0, 1, 2], [0, 1, 2], gold=[0, 0, 0])[1] == 1
    assert np.isnan(of([1, 1], [1, 1], gold=[0, 1])[1])
    assert of([0, 1], [1, 0], gold=[0, 0])[1] == -1


def test_nothing_right_in_the_pivot_keeps_nothing() -> None:
    assert np.isnan(of([0, 0], [1, 0], gold=[1, 1])[2])


def test_sides_over_other_items_are_refused() -> None:
    with pytest.raises(ValueError, match="same items"):
        agreement.tallies(np.zeros(2), np.zeros(3), np.zeros(2), np.zeros(3), 2)


def test_the_spread_over_items_is_that_of_the_formula() -> None:
    """Fleiss, Cohen and Everitt 1969, "Large sample standard errors of kappa and weighted kappa", formula 13."""
    random = np.random.default_rng(5)
    count = 1500
    pivot = random.choice(3, count, p=[0.5, 0.3, 0.2])
    other = np.where(random.random(count) < 0.6, pivot, random.choice(3, count))
    tallies = agreement.tallies(pivot, other, pivot == 0, other == 0, 3)
    drawn = agreement.measures(draws.sums(tallies, draws.keys(map(str, range(count)), "")))
    table = np.array([[np.mean((pivot == i) & (other == j)) for j in range(3)] for i in range(3)])
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    same, chance = np.trace(table), rows @ columns
    kappa = (same - chance) / (1 - chance)
    diagonal = sum(table[i, i] * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2 for i in range(3))
    others = sum(table[i, j] * (columns[i] + rows[j]) ** 2 for i in range(3) for j in range(3) if i != j)
    variance = diagonal + (1 - kappa) ** 2 * others - (kappa - chance * (1 - kappa)) ** 2
    assert drawn[1].std() == pytest.approx(np.sqrt(variance / count) / (1 - chance), rel=0.06)
    assert drawn[0].std() == pytest.approx(100 * np.sqrt(same * (1 - same) / count), rel=0.06)


def items(keys: list[int], said: list[int], right: list[int]) -> Items:
    return Items(
        np.array(keys, dtype=np.uint64), np.array(right, dtype=np.float64), np.ones(len(keys)), np.array(said), 3
    )


def test_only_source_items_of_both_languages_count_whatever_their_order() -> None:
    found = outcomes.agreeing(
        {"en": items([1, 2, 3, 4], [0, 1, 2, 0], [1, 1, 1, 0]), "de": items([9, 3, 2, 1], [2, 2, 0, 0], [1, 1, 0, 1])},
        "en",
    )
    assert found.items == {"de": 3}
    assert found.points["de"][[0, 2]] == pytest.approx([200 / 3, 200 / 3])


def test_what_cannot_be_compared_is_not() -> None:
    right = Items(np.array([1], dtype=np.uint64), np.ones(1), np.ones(1))
    assert outcomes.agreeing({"en": right, "de": right}, "en") is None
    assert outcomes.agreeing({"de": items([1], [0], [1])}, "en") is None
    assert outcomes.agreeing({"en": items([1], [0], [1]), "de": items([2], [0], [1])}, "en") is None


@pytest.mark.parametrize(
    ("task", "answer"), [("xnli", True), ("xquad", True), ("udpos", False), ("mlqa", False), ("pocket_pos", False)]
)
def test_tasks_are_compared_where_their_items_are_the_same(task: str, answer: bool) -> None:  # noqa: FBT001
    assert consistency.comparable(registry.task(task)) is answer


# On the page.


def load(**query: str) -> robustness.View:
    found = QueryDict(mutable=True)
    found.update(query)
    return robustness.load(robustness.parse(found))


def study(task: str = "xnli_cad", seeds: tuple[int, ...] = (1, 2)) -> None:
    measured.study(
        gain=lambda recipe, task: 0.2 if recipe.intermediate_tasks.exists() else 0.0,
        tasks=(task,),
        intermediates=("nli_cad",),
        languages=LANGUAGES if task == "xnli_cad" else ("en", "de", "th"),
        seeds=seeds,
    )
    service.refresh()


def predicted(stage: int) -> dict[str, outcomes.Items]:
    sha256 = Artifact.objects.get(stage=stage, kind="items").sha256
    return outcomes.outcomes(sha256, "any")


@pytest.mark.usefixtures("db", "prepared_files")
def test_a_row_has_the_mean_over_languages_and_seeds_with_its_interval() -> None:
    study()
    view = load()
    base, tuned = (row.consistency for row in view.rows)
    found = Artifact.objects.filter(kind="items", stage__runs__recipe__method="baseline")
    stages = found.order_by("stage__runs__seed").values_list("stage", flat=True)
    expected = [
        100 * np.mean(found["en"].predicted == found[code].predicted)
        for found in map(predicted, stages)
        for code in ("de", "sw")
    ]
    assert base.same.interval.estimate == pytest.approx(np.mean(expected))
    assert (base.languages, base.items, base.same.interval.seeds) == (2, measured.ITEMS, 2)
    assert base.by_language["de"]["same"] == pytest.approx(np.mean(expected[::2]))
    assert base.same.interval.low < base.same.interval.estimate < base.same.interval.high
    assert -1 <= base.kappa.interval.low < base.kappa.interval.estimate
    # A better recipe keeps more of what is right; paired with the baseline, item by item.
    change = tuned.retained.change
    assert base.retained.change is None
    assert change.estimate == pytest.approx(tuned.retained.interval.estimate - base.retained.interval.estimate)
    assert change.items == measured.ITEMS
    assert view.compares_labels
    assert any("Cohen 1960" in note for note in view.notes)


@pytest.mark.usefixtures("db", "prepared_files")
def test_it_is_computed_when_scores_change_and_not_by_the_page(django_assert_num_queries) -> None:
    study()
    kept = StoredInterval.objects.count()
    headlines.current()
    with django_assert_num_queries(11), pytest.MonkeyPatch.context() as patched:
        patched.setattr(consistency, "compute", lambda asked: pytest.fail(f"{asked.measure} was not kept"))
        view = load()
    assert all(row.consistency.same for row in view.rows)
    assert service.refresh() == 0
    assert StoredInterval.objects.count() == kept


@pytest.mark.usefixtures("db", "prepared_files")
def test_answers_are_compared_as_right_and_wrong() -> None:
    study("xquad_sample", seeds=(1,))
    view = load()
    assert not view.compares_labels
    base = view.rows[0].consistency
    stage = Artifact.objects.filter(kind="items", stage__runs__recipe__method="baseline").get().stage_id
    found = predicted(stage)
    assert found["en"].right is None
    assert base.by_language["de"]["same"] == pytest.approx(100 * np.mean(found["en"].exact == found["de"].exact))


@pytest.mark.usefixtures("db", "prepared_files")
def test_a_measurement_without_its_items_leaves_none(client) -> None:
    study()
    Artifact.objects.filter(stage__runs__seed=2).delete()
    assert [row.consistency for row in load().rows] == [None, None]
    assert not load().has_consistency
    assert "Same prediction" not in client.get("/robustness/").content.decode()


@pytest.mark.usefixtures("db", "prepared_files")
def test_page_and_files_show_the_same_numbers(client) -> None:
    study()
    page = client.get("/robustness/?sort=-kappa").content.decode()
    lines = b"".join(client.get("/robustness.csv").streaming_content).decode().splitlines()
    for row in load().rows:
        level = row.consistency.kappa
        assert f"[{level.interval.low:.2f}, {level.interval.high:.2f}]".replace("-", "\N{MINUS SIGN}") in page
        [line] = [one for one in lines if one.startswith(row.title) and ",kappa," in one]
        assert str(level.interval.low) in line
    found = client.get("/robustness.json").json()["rows"][0]["consistency"]
    assert found["by_language"]["sw"]["same"] == load().rows[0].consistency.by_language["sw"]["same"]
