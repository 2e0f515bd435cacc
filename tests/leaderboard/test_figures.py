"""The figures: the numbers of the table, zero in the middle of the scale, empty where nothing is."""

from __future__ import annotations

import json
import re

import pytest
from django.urls import reverse

from leaderboard.figures import curves, heatmap, stage_graph
from leaderboard.figures.colours import DIVERGING, LINES
from leaderboard.models import Score
from leaderboard.standings.filters import Filters, View
from leaderboard.standings.numbers import shown_difference
from leaderboard.standings.query import load
from leaderboard.standings.table import OVERALL
from tests import factories

TRANSFER = Filters(view=View.TRANSFER, show="difference")


@pytest.mark.django_db
def test_it_works():
    factories.study(seeds=(1,))
    standings = load(TRANSFER)

    figure = heatmap.transfer(standings)

    (trace,) = figure["data"]
    positions = [index for index, column in enumerate(standings.columns) if column.key != OVERALL]
    assert trace["z"] == [[row.cells[index].difference.value for index in positions] for row in standings.rows]
    assert trace["text"] == [[shown_difference(value) for value in row] for row in trace["z"]]
    assert figure["layout"]["yaxis"]["ticktext"] == [
        "CCG supertagging (Parallel<br>Meaning Bank)",
        "Counterfactual NLI",
    ]
    assert "1 of" not in trace["customdata"][0][0]
    assert "difference" in trace["customdata"][0][0]


@pytest.mark.django_db
def test_each_variant_has_its_row_and_translate_train_none():
    factories.study(intermediates=("qqp", "nli_cad"), tasks=("xnli_cad",), seeds=(1,), **factories.EVERYTHING)

    figure = heatmap.transfer(load(TRANSFER))

    labels = [re.sub("<br>|\\s", " ", label) for label in figure["layout"]["yaxis"]["ticktext"]]
    assert labels[:5] == ["MLM alone", "QQP", "QQP + MLM", "QQP (translated: de)", "QQP (translated: en+ru)"]
    assert len(labels) == len(set(labels)) == 13
    assert all(value is not None for row in figure["data"][0]["z"] for value in row)


@pytest.mark.django_db
def test_rows_are_high_enough_for_their_labels():
    everything = {**factories.EVERYTHING, "translations": (("de", "en", "fr", "ru", "sw", "zh"),)}
    factories.study(intermediates=("qqp", "nli_cad"), tasks=("xnli_cad",), seeds=(1,), **everything)

    layout = heatmap.transfer(load(TRANSFER))["layout"]

    labels = layout["yaxis"]["ticktext"]
    lines = max(label.count("<br>") + 1 for label in labels)
    assert lines == 3
    assert layout["height"] == heatmap.HEAD_HEIGHT + len(labels) * lines * heatmap.LABEL_LINE_HEIGHT


@pytest.mark.django_db
def test_zero_is_in_the_middle():
    factories.study(seeds=(1,))

    (trace,) = heatmap.transfer(load(TRANSFER))["data"]

    assert trace["zmid"] == 0
    assert trace["zmin"] == -trace["zmax"]
    assert trace["zmax"] >= max(abs(value) for row in trace["z"] for value in row)


@pytest.mark.django_db
def test_cell_without_a_pair_is_empty():
    seeded = factories.study(seeds=(1,), tasks=("udpos", "panx"))
    Score.objects.filter(run=seeded.run("ccg_pmb"), task="panx").delete()

    (trace,) = heatmap.transfer(load(TRANSFER))["data"]

    assert trace["z"][0][1] is None
    assert trace["text"][0][1] == ""


@pytest.mark.django_db
def test_difference_over_a_part_of_the_languages_is_marked():
    seeded = factories.study(seeds=(1,), tasks=("panx",))
    Score.objects.filter(run=seeded.run("ccg_pmb"), task="panx", language="jv").delete()

    (trace,) = heatmap.transfer(load(TRANSFER))["data"]

    assert trace["text"][0][0].endswith("*")
    assert "over 39 of 40 languages" in trace["customdata"][0][0]


@pytest.mark.django_db
def test_columns_are_categories_of_their_own():
    factories.study(seeds=(1,))
    factories.study("Other", slug="tiny-two", seeds=(1,))

    figure = heatmap.transfer(load(TRANSFER))

    (trace,) = figure["data"]
    assert len(set(trace["x"])) == len(trace["x"])
    assert len(set(trace["y"])) == len(trace["y"])
    assert len(set(figure["layout"]["yaxis"]["ticktext"])) == 4


@pytest.mark.django_db
def test_languages_of_a_task_are_the_columns_of_its_table():
    factories.study(seeds=(1,), tasks=("xnli_cad",))
    standings = load(Filters(view=View.TASK, task="xnli_cad"))

    (trace,) = heatmap.languages(standings)["data"]

    assert trace["x"] == [column.key for column in standings.columns[1:]]
    assert len(trace["z"]) == 2


@pytest.mark.django_db
def test_titles_cannot_bring_markup_into_a_chart(client):
    seeded = factories.study(seeds=(1,), tasks=("udpos",))
    seeded.recipes["ccg_pmb"].encoder.__class__.objects.filter(pk="tiny").update(title="<b>x</b></script>")
    factories.study("Other", slug="tiny-two", seeds=(1,), tasks=("udpos",))

    response = client.get(reverse("transfer"))

    assert "<b>x</b>" not in json.dumps(response.context["figure"])
    assert "</script>x" not in response.content.decode()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_scale_runs_from_0_to_1_through_its_middle(theme):
    stops = [stop for stop, _ in DIVERGING[theme]]

    assert stops == [0, 0.25, 0.5, 0.75, 1]
    assert len(set(LINES[theme])) == len(LINES[theme])


def test_loss_has_a_line_for_each_stage():
    figure = curves.loss([((1, "CCG"), [(1, 3.0), (2, 2.0)]), ((2, "POS"), [(1, 1.0)])])

    assert [(trace["name"], trace["x"], trace["y"]) for trace in figure["data"]] == [
        ("CCG", [1, 2], [3.0, 2.0]),
        ("POS", [1], [1.0]),
    ]


@pytest.mark.parametrize("count", [0, 1, 600, 601, 10_000])
def test_long_curves_are_thinned_and_keep_their_end(count):
    points = [(step, 1.0) for step in range(count)]

    kept = curves.thinned(points)

    assert len(kept) <= curves.MOST_POINTS + 1
    assert kept[-1:] == points[-1:]
    assert kept[:1] == points[:1]


# The graph of a run's stages.


def test_parents_stand_left_of_their_children_at_their_middle():
    graph = stage_graph.lay_out(
        [
            (1, None, "Train", "done"),
            (2, 1, "Evaluate A", "running"),
            (3, 1, "Evaluate B", "waiting"),
            (4, None, "C", "done"),
        ]
    )
    nodes = {node.pk: node for node in graph.nodes}
    assert nodes[1].x < nodes[2].x == nodes[3].x
    assert nodes[1].y == (nodes[2].y + nodes[3].y) / 2
    assert nodes[4].y > nodes[3].y
    assert len(graph.paths) == 2
    assert graph.width >= nodes[2].x + graph.node_width
    assert graph.height >= nodes[4].y + graph.node_height


def test_a_parent_outside_the_run_is_no_node_and_long_titles_are_cut():
    graph = stage_graph.lay_out([(2, 1, "x" * 80, "waiting")])
    assert graph.paths == ()
    assert graph.nodes[0].label == "x" * 29 + "…"
    assert stage_graph.lay_out([]).nodes == ()
