"""Standings: what a mean is, what a difference is, and which rows and columns a view has."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from leaderboard.models import Protocol, Recipe, Score, Stage
from leaderboard.standings import aggregate, compare
from leaderboard.standings.filters import FilterError, Filters, View, parse
from leaderboard.standings.query import load
from leaderboard.standings.table import Measured
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite
from tests import factories

LANGUAGES = ("ar", "de", "sw", "te", "zh")
scores = st.floats(0, 100, allow_nan=False)
by_language = st.fixed_dictionaries(dict.fromkeys(LANGUAGES, scores))
by_seed = st.dictionaries(st.integers(1, 5), by_language, min_size=1)


def measured(values, stages=None):
    return Measured(values, stages or {})


# Means.


@given(by_seed, st.randoms(use_true_random=False))
def test_mean_does_not_depend_on_the_order(values, random):
    seeds = list(values)
    random.shuffle(seeds)
    parts = list(LANGUAGES)
    random.shuffle(parts)
    shuffled = {seed: {code: values[seed][code] for code in parts} for seed in seeds}

    assert aggregate.cell(measured(values), LANGUAGES) == aggregate.cell(measured(shuffled), tuple(parts))


@given(by_seed)
def test_mean_lies_between_its_parts(values):
    every = [value for languages in values.values() for value in languages.values()]

    assert min(every) - 1e-9 <= aggregate.cell(measured(values), LANGUAGES).value <= max(every) + 1e-9


@given(by_language, st.sampled_from(LANGUAGES))
def test_mean_with_a_missing_part_is_none_and_says_its_coverage(values, missing):
    del values[missing]

    cell = aggregate.cell(measured({1: values}), LANGUAGES)

    assert (cell.value, cell.sd, cell.n, cell.coverage) == (None, None, 0, "4/5")


def test_incomplete_seed_does_not_count():
    complete = dict.fromkeys(LANGUAGES, 50.0)

    cell = aggregate.cell(measured({1: complete, 2: {"de": 90.0}}), LANGUAGES)

    assert (cell.value, cell.n, cell.coverage) == (50.0, 1, "5/5")


def test_spread_is_the_sample_standard_deviation_over_seeds():
    values = {1: dict.fromkeys(LANGUAGES, 40.0), 2: dict.fromkeys(LANGUAGES, 60.0)}

    assert aggregate.cell(measured(values), LANGUAGES).sd == pytest.approx(math.sqrt(200))


def test_seeds_that_share_a_stage_are_one_measurement_without_a_spread():
    values = {1: dict.fromkeys(LANGUAGES, 40.0), 2: dict.fromkeys(LANGUAGES, 40.0)}

    cell = aggregate.cell(measured(values, {1: frozenset({7}), 2: frozenset({7})}), LANGUAGES)

    assert (cell.value, cell.n, cell.sd) == (40.0, 1, None)


def test_nothing_measured_is_an_empty_cell():
    cell = aggregate.cell(measured({}), LANGUAGES)

    assert cell.empty
    assert cell.coverage == "0/5"


def test_printed_mean_stands_for_the_whole_only():
    printed = measured({0: {"": 57.3}})

    assert aggregate.cell(printed, LANGUAGES).value == 57.3
    assert aggregate.cell(printed, ("de", "sw"), whole=False).value is None


# Differences.


@given(by_seed)
def test_difference_of_a_row_to_itself_is_zero(values):
    difference = compare.difference(measured(values), measured(values), LANGUAGES)

    assert (difference.value, difference.pairs, difference.complete) == (0, len(values), True)


@given(st.lists(st.tuples(by_language, by_language), min_size=1, max_size=4))
def test_difference_of_complete_pairs_is_the_difference_of_means(pairs):
    mine = measured({seed: pair[0] for seed, pair in enumerate(pairs)})
    base = measured({seed: pair[1] for seed, pair in enumerate(pairs)})

    difference = compare.difference(mine, base, LANGUAGES)

    means = aggregate.cell(mine, LANGUAGES).value - aggregate.cell(base, LANGUAGES).value
    assert difference.value == pytest.approx(means, abs=1e-9)


@given(by_seed, by_seed)
def test_difference_changes_its_sign_with_its_sides(mine, base):
    there = compare.difference(measured(mine), measured(base), LANGUAGES)
    back = compare.difference(measured(base), measured(mine), LANGUAGES)

    assert (there is None) == (back is None)
    assert there is None or there.value == pytest.approx(-back.value, abs=1e-9)


def test_difference_needs_a_common_seed():
    mine, base = {1: dict.fromkeys(LANGUAGES, 50.0)}, {2: dict.fromkeys(LANGUAGES, 40.0)}

    assert compare.difference(measured(mine), measured(base), LANGUAGES) is None


def test_difference_over_shared_languages_says_how_many():
    mine, base = {1: {"de": 50.0, "sw": 20.0}}, {1: {"de": 45.0, "zh": 10.0}}

    difference = compare.difference(measured(mine), measured(base), LANGUAGES)

    assert (difference.value, difference.have, difference.expected) == (5.0, 1, 5)
    assert not difference.complete


def test_complete_pairs_are_used_alone():
    complete, torn = dict.fromkeys(LANGUAGES, 50.0), {"de": 99.0}

    difference = compare.difference(measured({1: complete, 2: torn}), measured({1: complete, 2: complete}), LANGUAGES)

    assert (difference.value, difference.pairs, difference.have) == (0.0, 1, 5)


# Views of the database.

database = pytest.mark.django_db


def row_of(standings, title):
    return next(row for row in standings.rows if title in row.title)


def cell_of(standings, title, task):
    position = next(index for index, column in enumerate(standings.columns) if column.task == task)
    return row_of(standings, title).cells[position]


@database
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


@database
@pytest.mark.parametrize("studies", [1, 3])
def test_queries_do_not_grow_with_rows(studies, django_assert_num_queries):
    for number in range(studies):
        factories.study(f"Study {number}", slug=f"tiny-{number}", tasks=("udpos", "tatoeba"))

    load(Filters())

    # whether anything has changed; intermediate tasks, recipes with their encoders; sources, runs, protocols, which
    # row has what; headline scores of the page's rows; the evaluations' items, intervals; studies
    with django_assert_num_queries(11):
        load(Filters())


@database
def test_empty_database_has_no_rows_and_no_columns():
    standings = load(Filters())

    assert (standings.rows, standings.columns) == ((), ())


@database
def test_missing_language_leaves_the_mean_empty():
    seeded = factories.study(seeds=(1,))
    Score.objects.filter(run=seeded.run("ccg_pmb"), task="panx", language="jv").delete()

    standings = load(Filters())
    cell = cell_of(standings, "CCG", "panx")

    assert (cell.value, cell.coverage, cell.paired) == (None, "39/40", None)
    assert cell.difference.have == 39


@database
def test_shared_languages_are_those_of_every_row():
    seeded = factories.study(seeds=(1,))
    Score.objects.filter(run=seeded.run("ccg_pmb"), task="panx", language="jv").delete()

    standings = load(Filters(languages="shared"))
    column = next(column for column in standings.columns if column.task == "panx")

    assert column.scope == "over 39 of 40 languages"
    assert cell_of(standings, "CCG", "panx").coverage == "39/39"
    assert cell_of(standings, "Counterfactual", "panx").paired.have == 39


@database
@pytest.mark.parametrize(
    ("languages", "parts"), [("low-class", ("sw",)), ("sw,ur", ("sw", "ur")), ("low-size", ("sw",))]
)
def test_language_sets_narrow_every_column(languages, parts):
    factories.study(seeds=(1,), tasks=("xnli_cad",))

    (column,) = load(Filters(languages=languages)).columns

    assert column.parts == parts


@database
def test_column_without_a_wanted_language_is_left_out():
    factories.study(seeds=(1,), tasks=("udpos", "xnli_cad"))

    assert [column.task for column in load(Filters(languages="yo")).columns if column.task] == ["udpos"]


@database
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


@database
def test_protocols_with_the_same_words_are_told_apart():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    protocol = Protocol.objects.get(task="udpos")
    other = Protocol.objects.create(
        fingerprint="f" * 64, task_id="udpos", split="test", scorer_version="2", label=protocol.label
    )
    Score.objects.filter(run=seeded.run("ccg_pmb")).update(protocol=other)

    labels = {column.scoped_label for column in load(Filters()).columns if column.task}

    assert labels == {"test split [ffffff]", f"test split [{protocol.fingerprint[:6]}]"}


@database
def test_question_answering_counts_as_the_mean_of_both_metrics():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    factories.all_nine(seeded.run(), lambda run, task, language, metric: 80.0 if metric == "f1" else 60.0)

    assert cell_of(load(Filters()), "baseline", "xquad").value == pytest.approx(70.0)


@database
def test_half_of_question_answering_is_no_score():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    factories.all_nine(seeded.run())
    Score.objects.filter(task="xquad", metric="exact_match", language="de").delete()

    assert cell_of(load(Filters()), "baseline", "xquad").coverage == "10/11"


@database
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


@database
def test_limited_test_sets_do_not_count_in_the_overall():
    seeded = factories.study(seeds=(1,), tasks=("tatoeba",), intermediates=("ccg_pmb",))
    Score.objects.all().delete()
    factories.all_nine(seeded.run())
    Protocol.objects.filter(task="panx").update(limit=100)

    standings = load(Filters())

    assert row_of(standings, "baseline").cells[-1].coverage == "8/9"


@database
def test_baseline_needs_the_same_settings_of_the_target_phase():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    recipe = seeded.recipes["ccg_pmb"]
    target = {**recipe.settings["target"], "learning_rate": 3e-5}
    Recipe.objects.filter(pk=recipe.pk).update(settings={**recipe.settings, "target": target})

    standings = load(Filters())

    assert cell_of(standings, "CCG", "udpos").difference is None
    assert not row_of(standings, "CCG").has_baseline
    assert any("no plain baseline" in note for note in standings.notes)


@database
def test_baseline_that_is_filtered_out_is_still_compared_with():
    factories.study(seeds=(1,), tasks=("udpos",))

    standings = load(Filters(method="intermediate"))

    assert len(standings.rows) == 2
    assert cell_of(standings, "CCG", "udpos").paired is not None


@database
def test_baseline_of_another_encoder_is_not_compared_with():
    factories.study(seeds=(1,), tasks=("udpos",))
    other = factories.study("Other", slug="tiny-two", seeds=(1,), tasks=("udpos",))
    Score.objects.filter(run=other.run()).delete()

    standings = load(Filters(encoder="tiny-two"))

    assert [row.encoder for row in standings.rows] == ["tiny-two", "tiny-two"]
    assert cell_of(standings, "CCG", "udpos").difference is None


@database
def test_study_shows_its_runs_only():
    factories.study("One", seeds=(1,), tasks=("udpos",))
    two = factories.study("Two", seeds=(2,), tasks=("udpos",))

    standings = load(Filters(study=two.study.pk))

    assert {link.seed for row in standings.rows for link in row.runs} == {2}
    assert cell_of(standings, "CCG", "udpos").paired.pairs == 1


@database
def test_unfinished_run_shows_what_is_there():
    seeded = factories.study(scored=False)
    run = seeded.run("ccg_pmb")
    stage = run.stages.get(action=Stage.Action.EVALUATE, spec__plan__task="tatoeba")
    factories.measure(run, stage)

    standings = load(Filters())

    assert [row.title for row in standings.rows] == ["tiny → CCG supertagging (Parallel Meaning Bank)"]
    assert [column.task for column in standings.columns] == ["tatoeba", ""]
    assert standings.notes[0] == "2 rows without a score yet are left out."


@database
def test_unverified_rows_are_hidden_unless_asked_for():
    factories.published("Checked system")
    factories.published("Rumour", status="unverified")

    assert [row.title for row in load(Filters()).rows] == ["Checked system"]
    assert load(Filters()).notes == ("1 published row that nobody has verified is hidden.",)
    assert [row.title for row in load(Filters(unverified=True)).rows] == ["Checked system", "Rumour"]


@database
def test_rows_sort_by_a_column_and_those_without_a_value_stay_last():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    Score.objects.filter(run=seeded.run("nli_cad"), language="de").delete()
    key = load(Filters()).columns[0].key

    up, down = (load(Filters(sort=sort)) for sort in (key, f"-{key}"))

    values = [row.cells[0].value for row in down.rows]
    assert values[0] > values[1]
    assert values[2] is None
    assert [row.cells[0].value for row in up.rows] == [values[1], values[0], None]


@database
def test_sorting_by_a_column_that_the_view_has_not_is_noted():
    factories.study(seeds=(1,), tasks=("udpos",))

    standings = load(Filters(sort="-panx.01234567"))

    assert standings.sort == ""
    assert standings.notes[0] == "Not sorted by 'panx.01234567': this view has no such column."


@database
def test_transfer_map_has_no_baseline_rows_and_short_labels():
    factories.study(seeds=(1,))
    factories.published("A system")

    standings = load(Filters(view=View.TRANSFER, show="difference"))

    assert [row.label for row in standings.rows] == ["CCG supertagging (Parallel Meaning Bank)", "Counterfactual NLI"]


# Variants.


@pytest.fixture
def varied():
    """Every method in every variant, on a target that is trained and has the same languages throughout."""
    return factories.study(intermediates=("qqp", "nli_cad"), tasks=("xnli_cad",), seeds=(1,), **factories.EVERYTHING)


@database
def test_plain_comes_before_mlm_and_mlm_before_translated(varied):
    assert [row.title for row in load(Filters()).rows] == [
        "tiny (baseline)",
        "tiny (baseline) + MLM",
        "tiny → QQP",
        "tiny → QQP + MLM",
        "tiny → QQP (translated: de)",
        "tiny → QQP (translated: en+ru)",
        "tiny → Counterfactual NLI",
        "tiny → Counterfactual NLI + MLM",
        "tiny → Counterfactual NLI (translated: de)",
        "tiny → Counterfactual NLI (translated: en+ru)",
        "tiny → Counterfactual NLI + QQP (multi-task)",
        "tiny → Counterfactual NLI + QQP + MLM (multi-task)",
        "tiny → Counterfactual NLI + QQP (multi-task, translated: de)",
        "tiny → Counterfactual NLI + QQP (multi-task, translated: en+ru)",
        "tiny (translate-train: de+en)",
    ]


@database
def test_transfer_map_tells_variants_apart_and_has_no_translate_train(varied):
    rows = load(Filters(view=View.TRANSFER, show="difference")).rows

    assert [row.label for row in rows] == [
        "MLM alone",
        "QQP",
        "QQP + MLM",
        "QQP (translated: de)",
        "QQP (translated: en+ru)",
        "Counterfactual NLI",
        "Counterfactual NLI + MLM",
        "Counterfactual NLI (translated: de)",
        "Counterfactual NLI (translated: en+ru)",
        "QQP + Counterfactual NLI",
        "QQP + Counterfactual NLI + MLM",
        "QQP + Counterfactual NLI (translated: de)",
        "QQP + Counterfactual NLI (translated: en+ru)",
    ]
    assert load(Filters(view=View.TRANSFER, method="translate_train")).rows == ()


@database
def test_labels_of_the_task_page_name_translate_train(varied):
    rows = load(Filters(view=View.TASK, task="xnli_cad")).rows

    assert [row.label for row in rows][:2] == ["Baseline", "MLM alone"]
    assert rows[-1].label == "Translate-train (de+en)"


@database
def test_only_the_plain_baseline_is_compared_with(varied):
    # Newer than the plain one, of the same encoder and target settings: a baseline with MLM must still not be it.
    plain, masked = varied.recipes[""], varied.recipes["mlm"]
    assert masked.pk > plain.pk
    assert masked.settings["target"] == plain.settings["target"]

    standings = load(Filters())

    base = row_of(standings, "(baseline)")
    assert (base.is_baseline, base.cells[0].difference) == (True, None)
    for row in standings.rows[1:]:
        assert not row.is_baseline
        assert row.cells[0].paired.value == pytest.approx(row.cells[0].value - base.cells[0].value)


@database
def test_baseline_with_mlm_alone_is_no_baseline(varied):
    varied.recipes[""].runs.all().delete()

    standings = load(Filters())

    assert not any(row.has_baseline or row.is_baseline for row in standings.rows)
    assert all(row.cells[0].difference is None for row in standings.rows)
    assert standings.notes == (
        "14 rows have no plain baseline with the same encoder and the same settings of the target phase, and therefore "
        "no difference.",
    )


@database
@pytest.mark.parametrize(
    ("variant", "keys", "words"),
    [
        ("plain", {"", "qqp", "nli_cad", "qqp+nli_cad"}, "variant plain"),
        ("mlm", {"mlm", "qqp mlm", "nli_cad mlm", "qqp+nli_cad mlm"}, "variant with MLM"),
        (
            "translated",
            {f"{tasks} {codes}" for tasks in ("qqp", "nli_cad", "qqp+nli_cad") for codes in ("de", "en+ru")}
            | {"de+en"},
            "variant with translated data",
        ),
    ],
)
def test_variant_narrows_the_rows_and_is_named(varied, variant, keys, words):
    standings = load(parse(QueryDict(f"variant={variant}"), View.LEADERBOARD))

    assert {row.recipe for row in standings.rows} == {varied.recipes[key].fingerprint for key in keys}
    assert f", {words};" in standings.sentence
    # What is filtered out is still compared with.
    assert all(row.is_baseline or row.cells[0].paired for row in standings.rows)


@database
def test_variant_leaves_out_systems_from_outside():
    factories.published("A system")

    assert load(Filters(variant="plain")).rows == ()


@database
def test_transfer_map_offers_no_method_without_intermediate_tasks(varied):
    assert [choice.value for choice in load(Filters(view=View.TRANSFER)).choices.methods] == [
        "intermediate",
        "multi_task",
    ]
    assert len(load(Filters()).choices.methods) == 4


@database
def test_task_page_has_a_column_for_each_language():
    factories.study(seeds=(1,))

    standings = load(Filters(view=View.TASK, task="udpos", order="code"))

    assert [column.key for column in standings.columns[:4]] == ["mean", "af", "ar", "bg"]
    assert len(standings.columns) == 34
    row = standings.rows[1]
    assert row.cells[0].value == pytest.approx(aggregate.mean([cell.value for cell in row.cells[1:]]))


@database
@pytest.mark.parametrize(
    ("order", "first", "last"),
    [("resource", "en", "sw"), ("family", "ar", "tr"), ("code", "ar", "zh")],
)
def test_languages_stand_in_the_order_that_is_asked_for(order, first, last):
    factories.study(seeds=(1,), tasks=("xnli_cad",))

    columns = load(Filters(view=View.TASK, task="xnli_cad", order=order)).columns

    assert (columns[1].key, columns[-1].key) == (first, last)


@database
def test_languages_stand_by_mean_score_at_first():
    factories.study(seeds=(1,), tasks=("xnli_cad",))

    standings = load(Filters(view=View.TASK, task="xnli_cad"))

    means = [
        aggregate.mean([row.cells[index].value for row in standings.rows]) for index in range(1, len(standings.columns))
    ]
    assert means == sorted(means, reverse=True)


@database
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


# Filters.


@database
@pytest.mark.parametrize(
    ("query", "message", "suggestion"),
    [
        ("encodr=x", "There is no filter 'encodr'.", "encoder"),
        ("encoder=xlm-robertabase", "There is no encoder 'xlm-robertabase'.", "xlm-roberta-base"),
        ("method=intermedate", "There is no value of the filter 'method' 'intermedate'.", "intermediate"),
        ("variant=translate", "There is no value of the filter 'variant' 'translate'.", "translated"),
        ("intermediate=mnl", "There is no intermediate task 'mnl'.", "mnli"),
        ("study=x", "There is no study 'x'; a study is given by its number.", ""),
        ("study=99", "There is no study '99'; a study is given by its number.", ""),
        ("study=99999999999999999999999", "There is no study", ""),
        ("study=²", "There is no study", ""),
        ("languages=sw,xx", "There is no language 'xx'.", ""),
        ("languages=,", "The filter 'languages' names no language.", "all"),
        ("sort=-udpo.01234567", "There is no column to sort by, 'udpo.01234567'.", ""),
        ("show=scores", "There is no value of the filter 'show' 'scores'.", "score"),
        ("unverified=yes", "There is no value of the filter 'unverified' 'yes'.", "show"),
        ("method=baseline&method=intermediate", "The filter 'method' is given 2 times; it takes one value.", ""),
        ("protocol=01234567", "There is no filter 'protocol'.", ""),
    ],
)
def test_unknown_filters_are_refused(query, message, suggestion):
    with pytest.raises(FilterError) as refusal:
        parse(QueryDict(query), View.LEADERBOARD)

    assert str(refusal.value).startswith(message)
    assert not suggestion or suggestion in refusal.value.suggestions


@database
def test_filters_of_a_query_string():
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    query = f"encoder=tiny&method=intermediate&study={seeded.study.pk}&languages=zh,sw&sort=-overall&show=difference"

    filters = parse(QueryDict(query), View.LEADERBOARD)

    assert filters == Filters(
        encoder="tiny",
        method="intermediate",
        study=seeded.study.pk,
        languages="sw,zh",
        sort="-overall",
        show="difference",
    )


@database
def test_the_sentence_says_what_is_shown():
    factories.study(seeds=(1,), tasks=("udpos",))

    sentence = load(Filters(method="intermediate", languages="low-class", show="difference")).sentence

    assert sentence == (
        "Differences: 2 rows on Tiny encoder, method intermediate task; mean over low-resource languages by class "
        "(Joshi et al. 2020, class 0 to 2); differences are to the plain baseline with the same encoder, settings of "
        "the target phase, protocol, seeds and languages."
    )


# Suites and aggregates.


@database
def test_suites_are_boards_of_their_own(client):
    seeded = factories.study(seeds=(1,), tasks=("udpos", "xnli_cad"))
    task = next(registry.tasks(Role.TARGET, Suite.POCKET))

    assert {column.task for column in load(Filters()).columns} == {"udpos", "", "xnli_cad"}
    pocket = load(Filters(suite="pocket"))
    assert (pocket.rows, pocket.columns) == ((), ())
    assert client.get("/").status_code == 200
    seeded.study.targets = [{"task": task.slug}]
    seeded.study.save()
    Score.objects.all().delete()
    assert client.get("/?show=difference").url == "/?show=difference&suite=pocket"


@database
@pytest.mark.parametrize("aggregate", ["official", "without-english", "worst", "wins"])
def test_aggregates_are_what_the_about_page_says(aggregate):
    seeded = factories.study(seeds=(1, 2), tasks=("xnli_cad",), intermediates=("nli_cad",))

    def values(key, seed):
        found = seeded.recipes[key].runs.get(seed=seed).scores.all()
        return {score.language_id: score.value for score in found}

    def expected(seed):
        mine, base = values("nli_cad", seed), values("", seed)
        return {
            "official": sum(mine.values()) / len(mine),
            "without-english": sum(value for code, value in mine.items() if code != "en") / (len(mine) - 1),
            "worst": min(mine.values()),
            "wins": 100 * sum(mine[code] > base[code] for code in mine) / len(mine),
        }[aggregate]

    cell = row_of(load(Filters(aggregate=aggregate)), "Counterfactual").cells[0]

    assert cell.value == pytest.approx((expected(1) + expected(2)) / 2)


@database
def test_one_recipe_one_origin_and_a_family_narrow_the_view():
    seeded = factories.study(seeds=(1,), tasks=("panx",))
    factories.published("A system")
    fingerprint = seeded.recipes["ccg_pmb"].fingerprint

    assert [row.recipe for row in load(Filters(recipe=fingerprint[:8])).rows] == [fingerprint]
    assert [row.title for row in load(Filters(origin="published")).rows] == ["A system"]
    uralic = load(parse(QueryDict("languages=family-uralic&origin=local"), View.LEADERBOARD))
    assert uralic.columns[0].parts == ("et", "fi", "hu")
    with pytest.raises(FilterError, match="There is no page '0'"):
        parse(QueryDict("page=0"), View.LEADERBOARD)
