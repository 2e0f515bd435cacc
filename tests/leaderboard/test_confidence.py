"""Intervals in tables, files and charts: those of `uncertainty`, hollow where a difference may be chance."""

from __future__ import annotations

import csv
import io

import pytest

from leaderboard.figures import dots, heatmap
from leaderboard.models import Recipe
from leaderboard.services import uncertainty as service
from leaderboard.standings import uncertainty
from leaderboard.standings.filters import Filters, View
from leaderboard.standings.query import load
from leaderboard.standings.uncertainty import Asked
from tests import measured
from tests.leaderboard.test_uncertainty import part

pytestmark = pytest.mark.django_db
TRANSFER = Filters(view=View.TRANSFER, show="difference")


def gain(recipe: Recipe, task: str) -> float:
    """One intermediate task helps a lot, the other does nothing."""
    return 0.15 if recipe.intermediate_tasks.filter(pk="nli_cad").exists() else 0.0


@pytest.fixture
def seeded(settings, tmp_path):
    settings.ARTIFACT_DIR = tmp_path
    seeded = measured.study(gain=gain, intermediates=("nli_cad", "ccg_pmb"), tasks=("udpos",), seeds=(1, 2, 3))
    service.refresh()
    return seeded


def test_a_page_that_was_kept_before_it_had_intervals_has_them_once_they_are_there(client, settings, tmp_path):
    settings.ARTIFACT_DIR = tmp_path
    measured.study(gain=gain, intermediates=("nli_cad",), tasks=("udpos",), seeds=(1, 2, 3))
    before = client.get("/")
    assert "95% interval" not in before.content.decode()

    service.refresh()

    after = client.get("/", headers={"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert "95% interval" in after.content.decode()


def difference_of(standings, title):
    return next(row for row in standings.rows if title in row.title).cells[0].difference


def test_a_difference_has_the_interval_of_its_evidence(client, seeded):
    [found] = uncertainty.of([Asked((part("udpos"),))])

    interval = difference_of(load(Filters()), "Counterfactual").interval

    assert (interval.low, interval.high, interval.p) == (
        found.interval.low,
        found.interval.high,
        found.interval.p,
    )
    assert interval.decided
    lines = csv.DictReader(io.StringIO(b"".join(client.get("/leaderboard.csv").streaming_content).decode()))
    line = next(line for line in lines if "Counterfactual" in line["row"])
    assert (float(line["low"]), float(line["high"])) == (interval.low, interval.high)
    assert "95% interval" in client.get("/").content.decode()


def test_what_may_be_chance_is_hollow(client, seeded):
    standings = load(TRANSFER)
    rows = {row.key: "CCG" in row.title for row in standings.rows}
    assert difference_of(standings, "CCG").undecided
    assert not difference_of(standings, "Counterfactual").undecided

    figure = heatmap.transfer(standings)

    (trace,) = figure["data"]
    for key, values, texts in zip(trace["y"], trace["z"], trace["text"], strict=True):
        # Plotly prints no number where there is no value.
        assert (values[0] == 0) == rows[key]
        assert texts[0]
    assert len(figure["layout"]["shapes"]) == 1
    page = client.get("/transfer/").content.decode()
    assert page.count("undecided") == 1
    # What such data would have found stands beside "not significant".
    found = difference_of(standings, "CCG").interval.detectable
    assert f"would find {found:.1f} points" in page
    assert f"would find {found:.1f} points" in str(trace["customdata"])


def test_worst_languages_and_win_rates_have_no_interval(client, seeded):
    assert "no interval: it needs a mean" in client.get("/?aggregate=worst").content.decode()
    for aggregate in ("worst", "wins"):
        standings = load(Filters(aggregate=aggregate))
        assert all(not cell.difference or not cell.difference.interval for row in standings.rows for cell in row.cells)


def test_dots_have_the_intervals_of_the_table(seeded):
    standings = load(Filters(view=View.TASK, task="udpos", show="difference"))

    figure = dots.by_language(standings)

    row = next(row for row in standings.rows if "Counterfactual" in row.title)
    trace = next(trace for trace in figure["data"] if trace["name"] == row.label)
    assert trace["x"] == [cell.difference.value for cell in row.cells[1:]]
    assert trace["y"] == [column.key for column in standings.columns[1:]]
    lows = [cell.difference.value - cell.difference.interval.low for cell in row.cells[1:]]
    assert trace["error_x"]["arrayminus"] == pytest.approx(lows)


def test_gains_stand_over_the_size_of_what_the_encoder_has_seen(seeded):
    standings = load(Filters(view=View.TASK, task="udpos"))

    figure = dots.against_size(standings, {"de": 66.6, "yo": None, "sw": 1.6})

    assert all(trace["text"] == ["de"] for trace in figure["data"])  # udpos has no Swahili
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert len(figure["data"]) == 2  # the baseline has no difference
