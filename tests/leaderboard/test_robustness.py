"""The page of robustness and its files, on scores whose answer is known."""

from __future__ import annotations

import csv
import io
import statistics

import pytest
from django.http import QueryDict
from django.utils import timezone

from leaderboard.figures import robustness as figures
from leaderboard.models import Run, Score
from leaderboard.services import headlines
from leaderboard.standings import query, robustness
from leaderboard.standings.filters import FilterError, Filters, View
from runner.spec import Noise
from tests import factories

pytestmark = pytest.mark.django_db

LANGUAGES = ("en", "de", "sw", "th")
# After NLI: English a point better, the others three, Swahili, the worst, five.
VALUES = {"en": 80.0, "de": 70.0, "sw": 50.0, "th": 60.0}
GAINS = {"en": 1.0, "de": 3.0, "sw": 5.0, "th": 3.0}


def value(run, task, language, metric) -> float:
    gain = GAINS[language] if run.recipe.intermediate_tasks.exists() else 0
    return VALUES[language] + gain + (1 if run.seed == 2 else -1)


def load(**query: str) -> robustness.View:
    found = QueryDict(mutable=True)
    found.update(query)
    return robustness.load(robustness.parse(found))


def seed(tasks=("xnli_cad",), noises=()):
    """A baseline and NLI before it, on four languages where the task has them all, else on two."""
    return factories.study(
        tasks=tasks,
        intermediates=("nli_cad",),
        value=value,
        languages=("de", "sw", "th", "en") if tasks == ("xnli_cad",) else ("de", "th"),
        noises=noises,
    )


def test_it_works() -> None:
    seed()
    base, tuned = load().rows
    assert base.is_baseline
    assert (base.pivot, base.others, base.gap) == (80, 60, 20)
    assert base.worst == ("sw", 50)
    assert base.languages_sd == pytest.approx(statistics.stdev([70, 50, 60]))
    assert (base.n, base.seeds_sd) == (2, pytest.approx(statistics.stdev([59, 61])))
    assert (base.languages, base.items) == (3, 1500)
    assert base.gap_change is None
    assert tuned.gap == pytest.approx(81 - (73 + 55 + 63) / 3)
    assert tuned.gap_change == pytest.approx(1 - 11 / 3)
    assert tuned.worst_change == pytest.approx(5)
    assert tuned.noisy == ()


def test_noise_costs_what_is_lost_against_the_clean_data() -> None:
    seed(noises=(Noise("typos"), Noise("casing")))
    view = load()
    assert view.noises == ("casing 10 %", "typos 10 %")
    for row in view.rows:
        for noisy in row.noisy:
            assert noisy.drop == pytest.approx(factories.LOST_TO_NOISE)
            assert noisy.n == 4
    assert view.rows[0].noisy[0].value == pytest.approx(65 - factories.LOST_TO_NOISE)
    # Noise is a protocol of its own, and none that the clean scores are chosen from.
    assert [choice.title for choice in view.choices["protocols"]] == ["test split"]
    assert figures.noise(view)["data"][0]["y"] == pytest.approx([factories.LOST_TO_NOISE] * 2)


def test_every_row_is_over_the_same_languages() -> None:
    seed()
    Score.objects.filter(language="th", run__recipe__method="intermediate").delete()
    view = load()
    assert view.languages == ("de", "sw")
    assert view.rows[0].others == 60
    assert any("1 languages are left out" in note for note in view.notes)


def test_languages_are_chosen_and_english_is_never_one_of_them() -> None:
    seed()
    assert load(languages="en,sw").languages == ("sw",)
    assert load(languages="low-class").rows[0].others == 50  # Swahili
    assert load(languages="sw").rows[0].languages_sd is None


def test_a_language_that_a_seed_lacks_leaves_the_mean_and_not_the_row() -> None:
    seed()
    Score.objects.filter(language="en", run__seed=2, run__recipe__method="intermediate").delete()
    tuned = load().rows[1]
    assert tuned.gap_change is None
    assert tuned.others is not None


def test_test_sets_that_differ_are_said_to() -> None:
    seed(tasks=("udpos", "xnli_cad"))
    assert load().task.slug == "xnli_cad"
    assert not any("differ from language to language" in note for note in load().notes)
    assert any("differ from language to language" in note for note in load(task="udpos").notes)


def test_a_task_without_english_has_no_gap() -> None:
    seed(tasks=("tatoeba",))
    view = load(task="tatoeba")
    assert view.rows[0].gap is None
    assert any("there is no transfer gap" in note for note in view.notes)
    # Nothing is drawn for the baseline: both seeds are one measurement.
    assert (view.rows[0].n, view.rows[0].seeds_sd) == (1, None)


def test_rows_are_sorted_by_any_column() -> None:
    seed(noises=(Noise("typos"),))
    for column in ("pivot", "others", "gap", "worst", "languages_sd", "seeds_sd", "noise-0"):
        values = [row.key for row in load(sort=column).rows], [row.key for row in load(sort=f"-{column}").rows]
        assert sorted(values[0]) == sorted(values[1])
    assert [row.is_baseline for row in load(sort="-gap").rows] == [True, False]
    assert [row.is_baseline for row in load(sort="gap").rows] == [False, True]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"task": "xnl"}, "'task' 'xnl'"),
        ({"protocol": "1" * 8}, "no protocol with scores"),
        ({"encoder": "big"}, "no encoder with scores in this task"),
        ({"sort": "size"}, "no column to sort by"),
        ({"page": "2"}, "no filter 'page'"),
    ],
)
def test_what_is_unknown_is_refused(query, sentence) -> None:
    seed()
    with pytest.raises(FilterError, match=sentence):
        load(**query)


def test_page_and_files_show_the_same_numbers(client) -> None:
    seed(noises=(Noise("typos"),))
    page = client.get("/robustness/").content.decode()
    found = client.get("/robustness.json").json()
    rows = list(csv.DictReader(io.StringIO(b"".join(client.get("/robustness.csv").streaming_content).decode())))
    for row in found["rows"]:
        for name in ("pivot", "others", "gap", "languages_sd", "seeds_sd"):
            assert f'<span class="value">{row[name]:.1f}</span>' in page
            (line,) = [one for one in rows if one["recipe"] == row["title"] and one["quantity"] == name]
            assert float(line["value"]) == row[name]
        (line,) = [one for one in rows if one["recipe"] == row["title"] and one["quantity"] == "noise"]
        assert float(line["drop"]) == pytest.approx(row["noisy"][0]["drop"])


def test_a_page_without_scores_says_so(client) -> None:
    assert "No scores yet" in client.get("/robustness/").content.decode()
    assert client.get("/robustness.json").json()["rows"] == []


def test_it_takes_few_queries(django_assert_num_queries) -> None:
    seed()
    headlines.current()
    with django_assert_num_queries(10):
        # The log of changes, tasks with scores, recipes and their tasks, runs, protocols, scores; artifacts and
        # kept intervals of changes; and artifacts for consistency.
        load()


def test_scores_under_noise_are_no_column_of_the_leaderboard() -> None:
    seed(noises=(Noise("typos"),))
    assert [column.protocol_label for column in query.load(Filters()).columns if column.task] == ["test split"]
    page = query.load(Filters(view=View.TASK, task="xnli_cad"))
    assert [choice.title for choice in page.choices.protocols] == ["test split", "test split, noise: typos 10 %"]
    assert {column.protocol_label for column in page.columns} == {"test split"}


def test_runs_that_were_withdrawn_count_no_more() -> None:
    seed()
    Run.objects.filter(seed=2).update(withdrawn=timezone.now(), withdrawal="Trained on test data.")
    assert [row.n for row in load().rows] == [1, 1]
    assert load().rows[0].others == 59


def test_a_page_is_of_one_suite(client) -> None:
    seed()
    factories.study(
        "Pocket", slug="pocket-tiny", tasks=("pocket_xinference",), intermediates=("pocket_inference",), seeds=(1,)
    )

    usual, pocket = load(), load(suite="pocket")

    assert (usual.suite, usual.task.slug) == ("xtreme", "xnli_cad")
    assert (pocket.suite, pocket.task.slug) == ("pocket", "pocket_xinference")
    assert load(task="pocket_xinference").suite == "pocket"
    assert [choice.value for choice in pocket.choices["tasks"]] == ["pocket_xinference"]
    with pytest.raises(FilterError, match="The task 'xnli_cad' is not in the suite 'pocket'"):
        load(suite="pocket", task="xnli_cad")
    for page in ("robustness", "low-resource", "alignment"):
        assert client.get(f"/{page}/?suite=pocket").status_code == 200
        assert client.get(f"/{page}/?suite=other").status_code == 400
    page = client.get("/robustness/?suite=pocket").content.decode()
    assert '<a class="chip" href="?suite=pocket" aria-current="page">Pocket</a>' in page
    assert '<input type="hidden" name="suite" value="pocket">' in page
