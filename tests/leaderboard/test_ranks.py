"""Ranks on the leaderboard: intervals and tie groups of what kept its items, the same on the page and in every file."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from leaderboard.models import Artifact, Recipe, StoredDeviation
from leaderboard.services import uncertainty as service
from leaderboard.standings import query, ranks
from leaderboard.standings.filters import Filters
from leaderboard.standings.query import load
from leaderboard.standings.statistics import draws
from tests import factories, measured

pytestmark = pytest.mark.django_db
TASK = "xnli_cad"
HEADER = ("rank", "rank_low", "rank_high", "tie_group")


def gain(recipe: Recipe, task: str) -> float:
    """One intermediate task helps a lot, the other does nothing."""
    return 0.15 if recipe.intermediate_tasks.filter(pk="nli_cad").exists() else 0.0


@pytest.fixture
def seeded(prepared_files):
    seeded = measured.study(gain=gain, intermediates=("nli_cad", "ccg_pmb"), tasks=(TASK,), seeds=(1, 2, 3))
    factories.published("A system")
    service.refresh()
    return seeded


@pytest.fixture
def sort(seeded):
    """A single task has no overall mean: ranks are by the column that is sorted by."""
    return next(f"-{column.key}" for column in load(Filters()).columns if column.task == TASK)


def by_title(standings):
    return {row.title: row.rank for row in standings.rows}


def read(client, ending, asked):
    return b"".join(client.get(f"/leaderboard.{ending}{asked}").streaming_content).decode()


def test_it_works(sort):
    standings = load(Filters(sort=sort))

    found = {
        (row.rank.place, row.rank.low, row.rank.high, row.rank.group) if row.rank else None for row in standings.rows
    }
    assert len(standings.rows) == 4
    first = next(row.rank for row in standings.rows if "Counterfactual" in row.title)
    assert (first.place, first.low, first.high, first.group) == (1, 1, 1, 1)
    assert {one[1:] for one in found if one and one[0] > 1} == {(2, 3, 2)}
    assert None in found  # the system from outside
    assert standings.ranking.column == sort.removeprefix("-")
    assert any(
        "among the 3 rows that have it and kept their items; the one without has none" in note
        for note in standings.notes
    )


def test_page_csv_json_and_latex_have_the_same_ranks_and_intervals(client, sort):
    page = client.get(f"/?sort={sort}").content.decode()
    lines = list(csv.DictReader(io.StringIO(read(client, "csv", f"?sort={sort}"))))
    content = json.loads(read(client, "json", f"?sort={sort}"))
    latex = read(client, "tex", f"?sort={sort}")

    body = re.search(r'id="standings".*?<tbody>(.*?)</tbody>', page, re.DOTALL).group(1)
    pattern = r'class="place">(\d+)</span> <small class="between">(\d+) to (\d+)</small>.*?tie group (\d+)<'
    on_page = [re.search(pattern, row) for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]
    on_page = [found.groups() if found else ("",) * 4 for found in on_page]
    assert len([one for one in on_page if all(one)]) == 3
    assert [tuple("" if row[name] is None else str(row[name]) for name in HEADER) for row in content["rows"]] == on_page
    width = len(content["columns"])
    for number, expected in enumerate(on_page):
        assert {tuple(line[name] for name in HEADER) for line in lines[number * width : (number + 1) * width]} == {
            expected
        }
    assert {line["ranked_by"] for line in lines} == {content["ranked_by"]} == {sort.removeprefix("-")}
    in_latex = re.findall(r"^[^%&]+ & (--|(\d+) \{\\scriptsize \[(\d+), (\d+)\] (\d+)\}) & ", latex, re.MULTILINE)
    assert [found[1:] for found in in_latex] == on_page


@pytest.mark.parametrize("show", ["score", "difference"])
def test_latex_has_the_intervals_of_the_page(client, seeded, show):
    page = client.get(f"/?show={show}").content.decode().replace("\N{MINUS SIGN}", "$-$")
    latex = read(client, "tex", f"?show={show}")

    on_page = re.findall(r"95% interval ([^ ]+) to ([^\" :]+)[^>]*>([^<]+)<", page)
    value = r"\{\\scriptsize (?:([^ ]+) )?\[([^,]+), ([^\]]+)\]\}"
    lines = [line for line in latex.splitlines() if line.startswith(" & ")]
    in_latex = [found for line in lines for found in re.findall(value, line)]
    assert len(on_page) == 2
    assert [found[1:] for found in in_latex] == [found[:2] for found in on_page]
    assert [found[0] for found in in_latex] == [found[2] if show == "score" else "" for found in on_page]


def test_ranks_follow_the_filters(client, sort, settings):
    every = by_title(load(Filters(sort=sort)))
    fewer = load(Filters(sort=sort, method="intermediate"))
    german = load(Filters(sort=sort, languages="de"))

    assert [rank.high for rank in by_title(fewer).values()] == [1, 2]
    assert fewer.ranking.rows == 2
    # Of one language the items are few, and it comes from the files: nothing of it is kept.
    assert german.ranking.rows == 3
    assert max(rank.high for rank in every.values() if rank) == 3
    for aggregate in ("worst", "wins"):
        assert load(Filters(sort=sort, aggregate=aggregate)).ranking is None


def test_what_is_kept_gives_the_ranks_that_files_give(sort):
    kept = by_title(load(Filters(sort=sort)))
    assert StoredDeviation.objects.count() == 3
    assert {len(bytes(one.deviations)) for one in StoredDeviation.objects.all()} == {2 * draws.REPLICATES}

    StoredDeviation.objects.all().delete()

    assert by_title(load(Filters(sort=sort))) == kept


def test_what_no_row_has_any_more_is_swept(seeded):
    before = set(StoredDeviation.objects.values_list("pk", flat=True))
    Artifact.objects.filter(kind="items", stage__runs=seeded.run("nli_cad", 3)).delete()

    service.refresh()

    after = set(StoredDeviation.objects.values_list("pk", flat=True))
    assert len(after) == 2
    assert after < before


def test_a_page_of_many_rows_asks_for_its_ranks_after_the_table(client, sort, monkeypatch):
    whole = by_title(load(Filters(sort=sort)))
    monkeypatch.setattr(query, "ROWS_A_PAGE", 2)

    page = client.get(f"/?sort={sort}&page=1", follow=True).content.decode()
    assert f'hx-get="/ranks/?sort={sort}"' in page
    assert page.count('<span class="missing">…</span>') == 2
    found = client.get(f"/ranks/?sort={sort}").content.decode()

    standings = load(Filters(sort=sort), ranked=True)
    assert by_title(standings) == {title: whole[title] for title in by_title(standings)}
    for row in standings.rows:
        assert f'<span id="rank-{row.key}"' in page
        assert f'<span id="rank-{row.key}" hx-swap-oob="true"><span class="place">{row.rank.place}<' in found


def test_too_many_evaluations_are_not_read_for_one_view(sort, monkeypatch):
    StoredDeviation.objects.all().delete()
    monkeypatch.setattr(ranks, "MOST_EVALUATIONS", 8)

    standings = load(Filters(sort=sort))

    assert set(by_title(standings).values()) == {None}
    assert "No ranks: 9 evaluations would have to be read" in " ".join(standings.notes)


def test_rows_without_items_have_no_ranks(client):
    factories.study(tasks=(TASK,))

    standings = load(Filters())

    assert standings.ranking is None
    assert 'class="rank"' not in client.get("/").content.decode()
