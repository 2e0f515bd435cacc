"""Standings: which rows and columns a view has, and what their cells are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leaderboard.models import Protocol, Recipe, Score, Stage
from leaderboard.standings import aggregate
from leaderboard.standings.filters import FilterError, Filters, View
from leaderboard.standings.query import load
from tests import factories
from tests.tables import cell_of, row_of

pytestmark = pytest.mark.django_db


def test_it_works():
    seeded = factories.study()

    standings = load(Filters())

    assert [row.title for row in standings.rows] == [
        "tiny (baseline)",
        "tiny → CCG supertagging (Parallel Meaning Bank)",
        "tiny → Counterfactual NLI",
    ]
    assert [column.task for column in standings.columns] == ["udpos", "panx", "tatoeba", "", "xnli_cad"]
    cell = cell_of(standings, "CCG", "udpos")
    found = Score.objects.filter(run__recipe=seeded.recipes["ccg_pmb"], task="udpos").values_list("value", flat=True)
    base = Score.objects.filter(run__recipe=seeded.recipes[""], task="udpos").values_list("value", flat=True)
    assert cell.value == pytest.approx(sum(found) / len(found))
    assert cell.paired.value == pytest.approx(sum(found) / len(found) - sum(base) / len(base))
    assert (cell.n, cell.coverage, cell.paired.pairs) == (2, "33/33", 2)


@pytest.mark.parametrize("studies", [1, 3])
def test_queries_do_not_grow_with_rows(studies, django_assert_num_queries):
    for number in range(studies):
        factories.study(f"Study {number}", slug=f"tiny-{number}", tasks=("udpos", "tatoeba"))

    load(Filters())

    # whether anything has changed; intermediate tasks, recipes with their encoders; sources, runs, protocols, which
    # row has what; headline scores of the page's rows; the evaluations' items, intervals; studies
    with django_assert_num_queries(11):
        load(Filters())


def test_empty_database_has_no_rows_and_no_columns():
    standings = load(Filters())

    assert (standings.rows, standings.columns) == ((), ())


def test_missing_language_leaves_the_mean_empty():
    seeded = factories.study(seeds=(1,))
    Score.objects.filter(run=seeded.run("ccg_pmb"), task="panx", language="jv").delete()

    standings = load(Filters())
    cell = cell_of(standings, "CCG", "panx")

    assert (cell.value, cell.coverage, cell.paired) == (None, "39/40", None)
    assert cell.difference.have == 39


def test_shared_languages_are_those_of_every_row():
    seeded = factories.study(seeds=(1,))
    Score.objects.filter(run=seeded.run("ccg_pmb"), task="panx", language="jv").delete()

    standings = load(Filters(languages="shared"))
    column = next(column for column in standings.columns if column.task == "panx")

    assert column.scope == "over 39 of 40 languages"
    assert cell_of(standings, "CCG", "panx").coverage == "39/39"
    assert cell_of(standings, "Counterfactual", "panx").paired.have == 39


@pytest.mark.parametrize(
    ("languages", "parts"), [("low-class", ("sw",)), ("sw,ur", ("sw", "ur")), ("low-size", ("sw",))]
)
def test_language_sets_narrow_every_column(languages, parts):
    factories.study(seeds=(1,), tasks=("xnli_cad",))

    (column,) = load(Filters(languages=languages)).columns

    assert column.parts == parts


def test_column_without_a_wanted_language_is_left_out():
    factories.study(seeds=(1,), tasks=("udpos", "xnli_cad"))

    assert [column.task for column in load(Filters(languages="yo")).columns if column.task] == ["udpos"]


def test_protocols_never_share_a_column():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    other = Protocol.objects.create(
        fingerprint="f" * 64, task_id="udpos", split="validation", scorer_version="1", label="validation split"
    )
    Score.objects.filter(run=seeded.run("ccg_pmb")).update(protocol=other)

    standings = load(Filters())

    assert [column.protocol_label for column in standings.columns if column.task] == ["test split", "validation split"]
    for row in standings.rows:
        assert sum(not cell.empty for cell in row.cells[:2]) == 1
    assert cell_of(standings, "CCG", "udpos").difference is None


def test_protocols_with_the_same_words_are_told_apart():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    protocol = Protocol.objects.get(task="udpos")
    other = Protocol.objects.create(
        fingerprint="f" * 64, task_id="udpos", split="test", scorer_version="2", label=protocol.label
    )
    Score.objects.filter(run=seeded.run("ccg_pmb")).update(protocol=other)

    labels = {column.scoped_label for column in load(Filters()).columns if column.task}

    assert labels == {"test split [ffffff]", f"test split [{protocol.fingerprint[:6]}]"}


def test_question_answering_counts_as_the_mean_of_both_metrics():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    factories.all_nine(seeded.run(), lambda run, task, language, metric: 80.0 if metric == "f1" else 60.0)

    assert cell_of(load(Filters()), "baseline", "xquad").value == pytest.approx(70.0)


def test_half_of_question_answering_is_no_score():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    factories.all_nine(seeded.run())
    Score.objects.filter(task="xquad", metric="exact_match", language="de").delete()

    assert cell_of(load(Filters()), "baseline", "xquad").coverage == "10/11"


def test_overall_needs_all_nine_tasks():
    seeded = factories.study(seeds=(1,), tasks=("tatoeba",), intermediates=("ccg_pmb",))
    Score.objects.all().delete()
    factories.all_nine(seeded.run(), lambda run, task, language, metric: 50.0)
    factories.all_nine(seeded.run("ccg_pmb"), lambda run, task, language, metric: 53.0)

    def overall(title):
        standings = load(Filters())
        position = [column.key for column in standings.columns].index("overall")
        return row_of(standings, title).cells[position]

    assert overall("CCG").value == pytest.approx(53.0)
    assert overall("CCG").paired.value == pytest.approx(3.0)
    Score.objects.filter(run=seeded.run("ccg_pmb"), task="bucc2018", language="ru").delete()
    assert (overall("CCG").value, overall("CCG").coverage) == (None, "8/9")
    assert overall("CCG").difference is None


def test_the_overall_stands_first_where_all_its_tasks_were_measured():
    seeded = factories.study(seeds=(1,), tasks=("udpos", "xnli_cad"))
    assert [column.task for column in load(Filters()).columns] == ["udpos", "", "xnli_cad"]

    factories.all_nine(seeded.run())

    columns = load(Filters()).columns
    assert [column.key for column in columns if not column.task] == [columns[0].key] == ["overall"]
    assert columns[-1].task == "xnli_cad"


def test_limited_test_sets_do_not_count_in_the_overall():
    seeded = factories.study(seeds=(1,), tasks=("tatoeba",), intermediates=("ccg_pmb",))
    Score.objects.all().delete()
    factories.all_nine(seeded.run())
    Protocol.objects.filter(task="panx").update(limit=100)

    standings = load(Filters())

    assert row_of(standings, "baseline").cells[-1].coverage == "8/9"


def test_baseline_needs_the_same_settings_of_the_target_phase():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    recipe = seeded.recipes["ccg_pmb"]
    target = {**recipe.settings["target"], "learning_rate": 3e-5}
    Recipe.objects.filter(pk=recipe.pk).update(settings={**recipe.settings, "target": target})

    standings = load(Filters())

    assert cell_of(standings, "CCG", "udpos").difference is None
    assert not row_of(standings, "CCG").has_baseline
    assert any("no plain baseline" in note for note in standings.notes)


def test_baseline_that_is_filtered_out_is_still_compared_with():
    factories.study(seeds=(1,), tasks=("udpos",))

    standings = load(Filters(method="intermediate"))

    assert len(standings.rows) == 2
    assert cell_of(standings, "CCG", "udpos").paired is not None


def test_baseline_of_another_encoder_is_not_compared_with():
    factories.study(seeds=(1,), tasks=("udpos",))
    other = factories.study("Other", slug="tiny-two", seeds=(1,), tasks=("udpos",))
    Score.objects.filter(run=other.run()).delete()

    standings = load(Filters(encoder="tiny-two"))

    assert [row.encoder for row in standings.rows] == ["tiny-two", "tiny-two"]
    assert cell_of(standings, "CCG", "udpos").difference is None


def test_study_shows_its_runs_only():
    factories.study("One", seeds=(1,), tasks=("udpos",))
    two = factories.study("Two", seeds=(2,), tasks=("udpos",))

    standings = load(Filters(study=two.study.pk))

    assert {link.seed for row in standings.rows for link in row.runs} == {2}
    assert cell_of(standings, "CCG", "udpos").paired.pairs == 1


def test_unfinished_run_shows_what_is_there():
    seeded = factories.study(scored=False)
    run = seeded.run("ccg_pmb")
    stage = run.stages.get(action=Stage.Action.EVALUATE, spec__plan__task="tatoeba")
    factories.measure(run, stage)

    standings = load(Filters())

    assert [row.title for row in standings.rows] == ["tiny → CCG supertagging (Parallel Meaning Bank)"]
    assert [column.task for column in standings.columns] == ["tatoeba", ""]
    assert standings.notes[0] == "2 rows without a score yet are left out."


def test_unverified_rows_are_hidden_unless_asked_for():
    factories.published("Checked system")
    factories.published("Rumour", status="unverified")

    assert [row.title for row in load(Filters()).rows] == ["Checked system"]
    assert load(Filters()).notes == ("1 published row that nobody has verified is hidden.",)
    assert [row.title for row in load(Filters(unverified=True)).rows] == ["Checked system", "Rumour"]


def test_rows_sort_by_a_column_and_those_without_a_value_stay_last():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    Score.objects.filter(run=seeded.run("nli_cad"), language="de").delete()
    key = load(Filters()).columns[0].key

    up, down = (load(Filters(sort=sort)) for sort in (key, f"-{key}"))

    values = [row.cells[0].value for row in down.rows]
    assert values[0] > values[1]
    assert values[2] is None
    assert [row.cells[0].value for row in up.rows] == [values[1], values[0], None]


def test_sorting_by_a_column_that_the_view_has_not_is_noted():
    factories.study(seeds=(1,), tasks=("udpos",))

    standings = load(Filters(sort="-panx.01234567"))

    assert standings.sort == ""
    assert standings.notes[0] == "Not sorted by 'panx.01234567': this view has no such column."


def test_transfer_map_has_no_baseline_rows_and_short_labels():
    factories.study(seeds=(1,))
    factories.published("A system")

    standings = load(Filters(view=View.TRANSFER, show="difference"))

    assert [row.label for row in standings.rows] == ["CCG supertagging (Parallel Meaning Bank)", "Counterfactual NLI"]


def test_task_page_has_a_column_for_each_language():
    factories.study(seeds=(1,))

    standings = load(Filters(view=View.TASK, task="udpos", order="code"))

    assert [column.key for column in standings.columns[:4]] == ["mean", "af", "ar", "bg"]
    assert len(standings.columns) == 34
    row = standings.rows[1]
    assert row.cells[0].value == pytest.approx(aggregate.mean([cell.value for cell in row.cells[1:]]))


@pytest.mark.parametrize(
    ("order", "first", "last"),
    [("resource", "en", "sw"), ("family", "ar", "tr"), ("code", "ar", "zh")],
)
def test_languages_stand_in_the_order_that_is_asked_for(order, first, last):
    factories.study(seeds=(1,), tasks=("xnli_cad",))

    columns = load(Filters(view=View.TASK, task="xnli_cad", order=order)).columns

    assert (columns[1].key, columns[-1].key) == (first, last)


def test_languages_stand_by_mean_score_at_first():
    factories.study(seeds=(1,), tasks=("xnli_cad",))

    standings = load(Filters(view=View.TASK, task="xnli_cad"))

    means = [
        aggregate.mean([row.cells[index].value for row in standings.rows]) for index in range(1, len(standings.columns))
    ]
    assert means == sorted(means, reverse=True)


def test_task_page_shows_the_protocol_that_is_asked_for():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    other = Protocol.objects.create(
        fingerprint="f" * 64, task_id="udpos", split="validation", scorer_version="1", label="validation split"
    )
    Score.objects.filter(run=seeded.run("ccg_pmb")).update(protocol=other)
    filters = Filters(view=View.TASK, task="udpos")

    assert load(filters).columns[0].protocol_label == "test split"
    assert load(replace(filters, protocol="ffffffff")).columns[0].protocol_label == "validation split"
    with pytest.raises(FilterError, match="no scores under a protocol '12345678'"):
        load(replace(filters, protocol="12345678"))
