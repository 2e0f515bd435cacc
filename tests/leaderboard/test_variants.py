"""Rows with MLM, with translated data and without: their order, labels, baselines, and the filter."""

from __future__ import annotations

import pytest
from django.http import QueryDict

from leaderboard.standings.filters import Filters, View, parse
from leaderboard.standings.query import load
from tests import factories
from tests.tables import row_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def varied():
    """Every method in every variant, on a target that is trained and has the same languages throughout."""
    return factories.study(intermediates=("qqp", "nli_cad"), tasks=("xnli_cad",), seeds=(1,), **factories.EVERYTHING)


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


def test_labels_of_the_task_page_name_translate_train(varied):
    rows = load(Filters(view=View.TASK, task="xnli_cad")).rows

    assert [row.label for row in rows][:2] == ["Baseline", "MLM alone"]
    assert rows[-1].label == "Translate-train (de+en)"


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


def test_baseline_with_mlm_alone_is_no_baseline(varied):
    varied.recipes[""].runs.all().delete()

    standings = load(Filters())

    assert not any(row.has_baseline or row.is_baseline for row in standings.rows)
    assert all(row.cells[0].difference is None for row in standings.rows)
    assert standings.notes == (
        "14 rows have no plain baseline with the same encoder and the same settings of the target phase, and therefore "
        "no difference.",
    )


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


def test_variant_leaves_out_systems_from_outside():
    factories.published("A system")

    assert load(Filters(variant="plain")).rows == ()


def test_transfer_map_offers_no_method_without_intermediate_tasks(varied):
    assert [choice.value for choice in load(Filters(view=View.TRANSFER)).choices.methods] == [
        "intermediate",
        "multi_task",
    ]
    assert len(load(Filters()).choices.methods) == 4
