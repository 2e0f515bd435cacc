"""The files: the same numbers as the pages, a header that does not change."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from dataclasses import replace
from datetime import date

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from leaderboard.exports import columns
from leaderboard.exports.latex import content, standings_latex
from leaderboard.exports.markdown import standings_markdown
from leaderboard.exports.objects import Origin
from leaderboard.models import Recipe, Score
from leaderboard.standings import query
from leaderboard.standings.filters import Filters
from leaderboard.standings.listing import ScoreLine
from leaderboard.standings.numbers import shown, shown_difference
from leaderboard.standings.table import Interval, Standings
from tests import factories

ORIGIN = Origin("Leaderboard", "https://example.org/", date(2026, 1, 2))

pytestmark = pytest.mark.django_db

SCORES_HEADER = [
    "run",
    "origin",
    "source",
    "source_status",
    "encoder",
    "method",
    "intermediate_tasks",
    "seed",
    "recipe",
    "task",
    "suite",
    "language",
    "metric",
    "value",
    "n",
    "split",
    "protocol",
    "protocol_fingerprint",
    "created",
    "variant",
    "translation",
    "system",
    "note",
]
VIEW_HEADER = [
    "row",
    "origin",
    "source",
    "source_status",
    "encoder",
    "method",
    "intermediate_tasks",
    "recipe",
    "column",
    "task",
    "split",
    "protocol",
    "protocol_fingerprint",
    "languages",
    "score",
    "sd",
    "n",
    "have",
    "expected",
    "difference",
    "pairs",
    "difference_have",
    "variant",
    "translation",
    "aggregate",
    "low",
    "high",
    "p",
    "rank",
    "rank_low",
    "rank_high",
    "tie_group",
    "ranked_by",
]
VIEWS = [("leaderboard", []), ("transfer", []), ("task", ["panx"])]


@pytest.fixture
def seeded():
    """Two encoders, a missing language, a published row: every kind of cell."""
    seeded = factories.study()
    factories.study("Other", slug="tiny-two", seeds=(1,), tasks=("udpos",))
    Score.objects.filter(run=seeded.run("ccg_pmb"), task="panx", language="jv").delete()
    Score.objects.filter(run=seeded.run("ccg_pmb", 2), task="panx", language="jv").delete()
    factories.published("XLM-R large")
    return seeded


def address(name, arguments=(), ending="csv"):
    return reverse(f"{name}-file", args=[*arguments, ending])


def read(client, url):
    response = client.get(url)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment; filename=")
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode(), newline="")))


def page_cells(page):
    """What stands in the cells of a page's table, row by row: the texts of score, spread, coverage and difference."""
    body = re.search(r'id="standings".*?<tbody>(.*?)</tbody>', page, re.DOTALL).group(1)
    rows = []
    for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL):
        title = re.search(r'class="row-title">(.*?)</span>', row, re.DOTALL).group(1)
        cells = [
            {
                name: html.unescape(found.group(1))
                for name, pattern in {
                    "score": r'class="value"[^>]*>([^<]*)<',
                    "sd": r'class="sd">±([^<]*)<',
                    "coverage": r'class="coverage"[^>]*>([^<]*)<',
                    "difference": r'class="change[^>]*>([^<]*)<',
                }.items()
                if (found := re.search(pattern, cell))
            }
            for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)
        ]
        rows.append((html.unescape(title), cells))
    return rows


def expected_cell(line):
    """What the page must show for a line of the file."""
    cell = {}
    if line["score"]:
        cell["score"] = shown(float(line["score"]))
    elif line["have"] != "0":
        cell["coverage"] = f"{line['have']}/{line['expected']}"
    if line["sd"]:
        cell["sd"] = shown(float(line["sd"]))
    if line["difference"]:
        mark = "" if line["difference_have"] == line["expected"] else "*"
        cell["difference"] = shown_difference(float(line["difference"])) + mark
    return cell


def latex_cells(text):
    """What stands in the cells of a LaTeX table, row by row, as `page_cells` has it; bold and titles apart."""
    rows = []
    for line in text[text.index("\\midrule") : text.index("\\bottomrule")].splitlines()[1:]:
        assert line.endswith(" \\\\")
        rows.append([plain(cell) for cell in line.removesuffix(" \\\\").split(" & ")[1:]])
    return rows


def plain(cell):
    cell = re.sub(r"\\text(bf|it)\{([^{}]*)\}", r"\2", cell).replace("$-$", "\N{MINUS SIGN}")
    return re.sub(r" \{\\scriptsize \$\\pm\$([^}]*)\}", r" ±\1", cell)


def expected_in_latex(cell, show):
    """What a LaTeX cell must say for a cell of the page."""
    if show == "difference":
        return cell.get("difference", "--")
    text = cell.get("score") or cell.get("coverage") or "--"
    return f"{text} ±{cell['sd']}" if "sd" in cell else text


QUERIES = [
    "",
    "?show=difference",
    "?languages=shared&aggregate=worst",
    "?languages=low-size&sort=-title",
    "?variant=plain&aggregate=wins",
    "?method=intermediate&languages=de,sw&show=score",
    "?aggregate=without-english&show=difference",
]


@pytest.mark.parametrize(("name", "arguments"), VIEWS)
@pytest.mark.parametrize("asked", QUERIES)
def test_page_csv_json_and_latex_are_equal_cell_by_cell(client, seeded, name, arguments, asked):
    page = client.get(reverse(name, args=arguments) + asked).content.decode()
    header, *lines = read(client, address(name, arguments) + asked)
    lines = [dict(zip(header, line, strict=True)) for line in lines]
    found = client.get(address(name, arguments, "json") + asked)
    content = json.loads(b"".join(found.streaming_content))
    latex = b"".join(client.get(address(name, arguments, "tex") + asked).streaming_content).decode()

    shown_rows = page_cells(page)

    assert len(shown_rows) > 1
    width = len(shown_rows[0][1])
    assert len(lines) == width * len(shown_rows)
    assert len(content["rows"]) == len(shown_rows)
    for number, (title, cells) in enumerate(shown_rows):
        in_file = lines[number * width : (number + 1) * width]
        assert [expected_cell(line) for line in in_file] == cells
        in_json = content["rows"][number]
        for column, line, cell in zip(content["columns"], in_file, in_json["cells"], strict=True):
            same = {**cell, "column": column["column"], "row": in_json["row"], "recipe": in_json["recipe"]}
            assert {key: "" if value is None else str(value) for key, value in same.items()} == {
                key: line[key] for key in same
            }
        if name != "transfer":
            assert {line["row"] for line in in_file} == {title}
    assert latex_cells(latex) == [
        [expected_in_latex(cell, content["show"]) for cell in cells] for _, cells in shown_rows
    ]


@pytest.mark.parametrize("ending", ["csv", "json", "tex"])
def test_a_file_has_every_page_of_the_rows(client, seeded, ending, monkeypatch):
    everything = b"".join(client.get(address("leaderboard", (), ending)).streaming_content)
    monkeypatch.setattr(query, "ROWS_A_PAGE", 2)

    pages = [page_cells(client.get(f"/?page={number}", follow=True).content.decode()) for number in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [2, 2, 2, 1]
    titles = [title for page in pages for title, _ in page]
    assert len(set(titles)) == 7
    beside = client.get("/?page=2").content.decode()
    assert f'href="/leaderboard.{ending}"' in beside
    assert b"".join(client.get(address("leaderboard", (), ending)).streaming_content) == everything


def test_latex_says_where_it_comes_from_and_marks_the_best(client, seeded):
    latex = b"".join(client.get(address("leaderboard", (), "tex") + "?encoder=tiny").streaming_content).decode()
    page = page_cells(client.get("/?encoder=tiny").content.decode())

    comments = [line for line in latex.splitlines() if line.startswith("%")]
    assert comments[0].startswith("% Leaderboard. Scores: 3 rows on Tiny encoder;")
    assert any("http://testserver/?encoder=tiny" in line for line in comments)
    assert any(timezone.now().date().isoformat() in line for line in comments)
    best = max(float(cells[0]["score"]) for _, cells in page)
    assert f"\\textbf{{{best:.1f}}}" in latex
    assert latex.count("\\toprule") == latex.count("\\bottomrule") == 1
    assert "\\cmidrule(lr){2-" in latex


def with_intervals(found: Standings) -> Standings:
    """The standings as if every difference had an interval of two points about it."""
    rows = [
        replace(
            row,
            cells=tuple(
                cell.with_interval(
                    Interval(cell.difference.value - 1, cell.difference.value + 1, 0.01, True, "t interval")
                )
                if cell.paired
                else cell
                for cell in row.cells
            ),
        )
        for row in found.rows
    ]
    return replace(found, rows=tuple(rows))


def test_latex_and_markdown_have_the_intervals_of_differences(seeded):
    found = with_intervals(query.load(Filters(show="difference")))
    paired = [cell.paired for row in found.rows for cell in row.cells if cell.paired]
    assert paired
    tex = "".join(standings_latex(found, ORIGIN, partial=False))
    markdown = "".join(standings_markdown(found, ORIGIN, partial=False))
    for one in paired:
        low, high = shown_difference(one.interval.low), shown_difference(one.interval.high)
        assert f"{{\\scriptsize [{low}, {high}]}}".replace("\N{MINUS SIGN}", "$-$") in tex
        assert f"{shown_difference(one.value)} ({low} to {high})" in markdown


def test_latex_says_of_which_state_it_is(client, seeded):
    found = query.load(Filters())
    live = "".join(standings_latex(found, ORIGIN, partial=False))
    assert f"% No snapshot: the board as it was; {content(found)}\n" in live
    assert content(query.load(Filters())) == content(found)
    Score.objects.filter(run=seeded.run()).update(value=1)
    assert content(query.load(Filters())) != content(found)
    kept = "".join(standings_latex(found, replace(ORIGIN, snapshot="a" * 64), partial=False))
    assert f"% Snapshot {'a' * 64}\n" in kept
    assert "No snapshot" not in kept


def test_latex_neither_runs_nor_breaks_on_what_a_title_holds(client, seeded):
    Recipe.objects.filter(pk=seeded.recipes[""].pk).update(title=r"50% \input{x} & $y_1^2$ #~")

    latex = b"".join(client.get(address("leaderboard", (), "tex")).streaming_content).decode()

    assert r"50\% \textbackslash{}input\{x\} \& \$y\_1\textasciicircum{}2\$ \#\textasciitilde{}" in latex


def test_incomplete_difference_is_in_the_transfer_file_only(client, seeded):
    def differences(name):
        header, *lines = read(client, address(name))
        found = [dict(zip(header, line, strict=True)) for line in lines]
        return {
            line["difference_have"]
            for line in found
            if line["task"] == "panx" and "CCG" in line["row"] and line["encoder"] == "tiny"
        }

    assert differences("transfer") == {"39"}
    assert differences("leaderboard") == {""}


@pytest.mark.parametrize(("name", "arguments"), VIEWS)
def test_header_of_a_view_is_stable(client, seeded, name, arguments):
    assert read(client, address(name, arguments, "csv"))[0] == VIEW_HEADER


def test_header_of_all_scores_is_stable_and_documented(client, seeded):
    header = read(client, reverse("scores-csv"))[0]

    assert header == SCORES_HEADER
    assert list(ScoreLine._fields) == SCORES_HEADER
    page = client.get(reverse("about")).content.decode()
    for column in [*columns.SCORES, *columns.VIEW]:
        assert f"<code>{column.name}</code>" in page
        assert column.unit
        assert column.meaning.endswith(".")


def test_empty_view_has_a_header(client):
    assert read(client, address("leaderboard")) == [VIEW_HEADER]
    assert read(client, reverse("scores-csv")) == [SCORES_HEADER]


def test_every_score_is_in_the_file_in_full_precision(client, seeded):
    header, *lines = read(client, reverse("scores-csv"))
    lines = [dict(zip(header, line, strict=True)) for line in lines]

    found = Score.objects.order_by("pk").values_list("run_id", "task_id", "language_id", "metric", "value")
    expected = [(str(run), task, language or "", metric, value) for run, task, language, metric, value in found]

    assert [
        (line["run"], line["task"], line["language"], line["metric"], float(line["value"])) for line in lines
    ] == expected


def test_lines_say_where_a_score_comes_from(client, seeded):
    header, *lines = read(client, reverse("scores-csv"))
    lines = [dict(zip(header, line, strict=True)) for line in lines]
    ours = next(line for line in lines if line["intermediate_tasks"] == "ccg_pmb" and line["seed"] == "1")
    theirs = next(line for line in lines if line["origin"] == "published")

    assert (ours["encoder"], ours["method"], ours["source"]) == ("tiny", "intermediate", "")
    assert ours["recipe"] == seeded.recipes["ccg_pmb"].fingerprint
    assert ours["created"].endswith("+00:00")
    assert (theirs["source"], theirs["source_status"], theirs["seed"], theirs["language"]) == (
        "paper-quoted",
        "quoted",
        "",
        "",
    )


def test_lines_say_which_variant_they_are_of(client):
    seeded = factories.study(intermediates=("qqp", "nli_cad"), tasks=("xnli_cad",), seeds=(1,), **factories.EVERYTHING)
    factories.published("XLM-R large")
    expected = {
        "": ("plain", ""),
        "mlm": ("mlm", ""),
        "qqp": ("plain", ""),
        "qqp mlm": ("mlm", ""),
        "qqp en+ru": ("translated", "en+ru"),
        "qqp+nli_cad de": ("translated", "de"),
        "de+en": ("translated", "de+en"),
    }

    for url in (address("leaderboard"), reverse("scores-csv")):
        header, *lines = read(client, url)
        lines = [dict(zip(header, line, strict=True)) for line in lines]
        found = {line["recipe"]: (line["variant"], line["translation"]) for line in lines}
        assert {key: found[seeded.recipes[key].fingerprint] for key in expected} == expected
        # What comes from outside has no recipe here, and no variant.
        assert found[""] == ("", "")


def test_all_scores_take_a_fixed_number_of_queries(client, seeded, django_assert_num_queries):
    # The recipes' tasks, and scores with everything about them; PostgreSQL's COPY is none that Django counts.
    with django_assert_num_queries(1 if connection.vendor == "postgresql" else 2):
        read(client, reverse("scores-csv"))
