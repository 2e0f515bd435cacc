"""Published results beside each other and beside what ran here: never mixed."""

from __future__ import annotations

import pytest
from django.urls import reverse

from leaderboard.models import Source
from leaderboard.published.tables import own_scores, published_score
from leaderboard.services import checking
from leaderboard.services.published import load
from leaderboard.standings import aggregate
from leaderboard.standings.compare import difference
from leaderboard.standings.table import OVERALL, Measured
from tests import factories
from tests.tables import view

pytestmark = pytest.mark.django_db

PHANG = "phang2020-table2"


def test_two_sources_that_disagree_stand_side_by_side(loaded):
    found = view()
    position = next(
        index
        for index, column in enumerate(found.columns)
        if column.task == "xnli" and column.protocol_label == "test split, mean over languages, as printed"
    )
    stilts = {
        line.source_status: line.cells[position].value for line in found.rows if line.title.startswith("X-STILTs")
    }
    values = sorted(line.cells[position].value for line in found.rows if line.title.startswith("X-STILTs"))
    assert values == [80.0, 80.4]
    assert stilts.keys() == {"quoted"}


def test_a_printed_mean_and_a_mean_of_printed_languages_are_two_columns(loaded):
    """XLM-R large on MLQA: RemBERT prints the mean, XLM-R's own paper the seven languages."""
    columns = [column for column in view().columns if column.task == "mlqa"]
    assert sorted(column.protocol_label for column in columns) == [
        "test split, as printed",
        "test split, mean over languages, as printed",
    ]
    for index, column in enumerate(view().columns):
        if column.task != "mlqa":
            continue
        sources = {line.source for line in view().rows if line.cells[index].value is not None}
        printed = column.protocol_label == "test split, as printed"
        assert any("Conneau" in title for title in sources) == printed


def test_printed_means_make_no_overall_even_when_all_nine_are_there(loaded, maintainer):
    checking.mark_source(Source.objects.get(pk=PHANG), "checked", user=maintainer, against="Table 2")
    source = Source.objects.get(pk=PHANG)
    load(
        [
            published_score({**vars(score), "split": "test", "protocol": ""})
            for score in own_scores()
            if score.source == PHANG
        ]
    )
    checking.mark_source(source, "checked", user=maintainer, against="Table 2")
    found = view()
    assert len({column.task for column in found.columns}) == 9
    assert OVERALL not in {column.key for column in found.columns}


def test_published_columns_never_displace_what_ran_here_in_the_overall(loaded):
    seeded = factories.study(tasks=("tatoeba",), seeds=(1,), scored=False)
    for recipe in seeded.recipes.values():
        factories.all_nine(recipe.runs.get())
    found = view()
    overall = [column.key for column in found.columns].index(OVERALL)
    assert all((line.cells[overall].value is not None) == (line.origin == "local") for line in found.rows)
    assert view(task="xnli").columns[0].protocol_label == "test split"


def test_published_rows_take_no_part_in_comparisons(loaded):
    factories.study(seeds=(1,))
    for line in view("unverified=show").rows:
        if line.origin == "published":
            assert not line.has_baseline
            assert all(cell.difference is None for cell in line.cells)


def test_a_printed_mean_never_joins_a_mean_over_seeds_or_a_pair():
    """The empty part counts only where every part is asked for, and is paired only with another printed mean."""
    computed, printed = {"de": 60.0, "sw": 40.0}, {"": 90.0}
    parts = ("de", "sw")
    assert aggregate.over_parts(printed, parts, whole=False) is None
    assert aggregate.over_parts({**computed, "": 90.0}, parts, whole=True) == 50.0
    assert aggregate.cell(Measured({1: computed, 2: printed}, {}), parts).value == 50.0
    assert difference(Measured({1: computed}, {}), Measured({1: printed}, {}), parts) is None
    both = difference(Measured({1: {"": 92.0}}, {}), Measured({1: printed}, {}), parts)
    assert both is not None
    assert both.value == 2.0


def test_a_source_that_is_not_there_is_not_found(client):
    assert client.get(reverse("source", args=["nowhere"])).status_code == 404
    assert "No sources yet" in client.get(reverse("sources")).content.decode()


def test_sources_show_their_notes(loaded, client):
    page = client.get(reverse("sources")).content.decode()
    assert "Its X-STILTs row differs from the RemBERT one: keep both." in page
    assert "132 not verified" in page
