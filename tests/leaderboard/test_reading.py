"""Languages, alternatives, rows side by side, and what a study lacks: the pages beside the tables."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from leaderboard.exports import alternatives as alternatives_export
from leaderboard.exports import comparison as comparison_export
from leaderboard.exports.columns import ExportColumn
from leaderboard.figures import alternatives as alternatives_figure
from leaderboard.models import Protocol, Run, Score, Stage
from leaderboard.services import completion
from leaderboard.standings import alternatives, comparison
from leaderboard.standings.filters import FilterError, Filters, View
from leaderboard.standings.numbers import shown_difference
from leaderboard.standings.query import load
from runner.errors import RecipeError
from runner.tasks import registry
from tests import factories
from tests.tables import text

pytestmark = pytest.mark.django_db


def lines(client, url):
    response = client.get(url)
    assert response.status_code == 200, response.content
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode(), newline="")))


@pytest.fixture
def varied():
    return factories.study(intermediates=("qqp", "nli_cad"), tasks=("xnli_cad",), seeds=(1, 2), **factories.EVERYTHING)


# Languages.


def test_a_language_has_every_task_of_it_as_a_column(client):
    seeded = factories.study()

    standings = load(Filters(view=View.LANGUAGE, languages="sw"))

    assert [column.task for column in standings.columns] == ["panx", "tatoeba", "xnli_cad"]
    score = Score.objects.get(run=seeded.run("ccg_pmb"), task="panx", language="sw")
    second = Score.objects.get(run=seeded.run("ccg_pmb", 2), task="panx", language="sw")
    row = next(row for row in standings.rows if "CCG" in row.title)
    assert row.cells[0].value == pytest.approx((score.value + second.value) / 2)
    assert f">{row.cells[0].value:.1f}<" in text(client.get("/languages/sw/"))


def test_languages_have_their_facts_and_lead_to_their_pages(client):
    page = text(client.get("/languages/"))

    assert 'href="/languages/yo/"' in page
    assert page.count('class="badge">by class') == 7
    assert page.count('class="badge">by size') == 9
    assert client.get("/languages/xx/").status_code == 404


# Alternatives.


def test_alternatives_are_compared_on_the_same_targets_with_their_measured_cost(varied):
    found = alternatives.load(Filters(view=View.ALTERNATIVES))

    (block,) = found.blocks
    assert [column.task for column in block.targets] == ["xnli_cad"]
    assert block.lines[0].row.is_baseline
    gains = [line.difference for line in block.lines[1:]]
    assert gains == sorted(gains, reverse=True)
    for line in block.lines:
        stages = Stage.objects.filter(runs__pk=line.row.runs[0].pk, action="train")
        assert line.cost.hours == pytest.approx(sum(stage.seconds for stage in stages) / 3600)
        if line.extra:
            assert line.gain == pytest.approx(line.difference / (line.cost.hours - block.lines[0].cost.hours))
    assert {line.kind for line in block.lines} == {
        "baseline",
        "MLM alone",
        "translate-train",
        *(f"{what}, {way}" for what in ("one task", "several tasks") for way in ("English", "with MLM", "translated")),
    }


def test_device_time_has_a_unit_that_can_be_read(client, varied):
    Stage.objects.filter(runs__recipe=varied.recipes["qqp"], action="train").update(seconds=600.0)
    page = text(client.get("/alternatives/"))
    found = alternatives.load(Filters(view=View.ALTERNATIVES))
    line = next(line for line in found.blocks[0].lines if line.row.recipe == varied.recipes["qqp"].fingerprint)
    assert found.unit.name == "minute"
    assert "Device-minutes" in page
    assert f">{shown_difference(line.gain / 60)}</td>" in page
    assert float(lines(client, "/alternatives.csv")[-1]["device_hours"]) < 1

    Stage.objects.filter(runs__recipe=varied.recipes["qqp"], action="train").update(seconds=7200.0)

    assert "Device-hours" in text(client.get("/alternatives/"))


def test_no_gain_is_read_from_a_cost_that_is_hardly_more(varied):
    Stage.objects.filter(action="train").update(seconds=1000.0)
    base = varied.run("").stages.filter(action="train")
    extra = varied.run("qqp").stages.filter(action="train").exclude(pk__in=base)
    extra.update(seconds=0.01)

    (block,) = alternatives.load(Filters(view=View.ALTERNATIVES)).blocks
    line = next(line for line in block.lines if line.row.recipe == varied.recipes["qqp"].fingerprint)

    assert line.difference is not None
    assert line.gain is None


def test_the_chart_has_the_numbers_of_the_table(varied):
    found = alternatives.load(Filters(view=View.ALTERNATIVES))
    (block,) = found.blocks

    figure = alternatives_figure.gain_against_cost(block, found.unit)

    points = {
        (name, x, y)
        for trace in figure["data"]
        for name, x, y in zip(trace["text"], trace["x"], trace["y"], strict=True)
    }
    assert points == {
        (
            line.row.label.removesuffix(" · Tiny encoder"),
            line.cost.hours / found.unit.hours,
            0.0 if line.row.is_baseline else line.difference,
        )
        for line in block.lines
    }
    assert {trace["name"] for trace in figure["data"]} == {line.kind for line in block.lines}
    assert alternatives_figure.gain_against_cost(replace(block, lines=block.lines[:1]), found.unit) is None


def test_devices_count_and_unfinished_training_has_no_cost(varied):
    run = varied.run("qqp")
    run.stages.filter(action="train").update(environment={"processes": 4, "device": "NVIDIA H100"})
    varied.run("nli_cad").stages.filter(action="train").update(status="queued")
    varied.run("nli_cad", 2).stages.filter(action="train").update(status="queued")

    (block,) = alternatives.load(Filters(view=View.ALTERNATIVES)).blocks
    by_key = {line.row.recipe: line for line in block.lines}

    measured = by_key[varied.recipes["qqp"].fingerprint].cost
    assert "NVIDIA H100" in measured.devices
    assert by_key[varied.recipes["nli_cad"].fingerprint].cost is None


def test_a_row_without_all_targets_has_no_mean(client, varied):
    Score.objects.filter(run__recipe=varied.recipes["qqp"], language="de").delete()

    page = text(client.get("/alternatives/"))
    line = next(line for line in lines(client, "/alternatives.csv") if line["row"] == "tiny → QQP")

    assert "0/1</span>" in page
    assert (line["score"], line["difference"], line["gain_per_hour"]) == ("", "", "")


# Rows side by side.


def rows_of(*recipes):
    return "&".join(f"rows={recipe.fingerprint[:12]}" for recipe in recipes)


def test_rows_are_paired_with_the_first(client, varied):
    base, other = varied.recipes[""], varied.recipes["qqp"]

    found = comparison.load(Filters(view=View.COMPARE), [base.fingerprint[:8], other.fingerprint[:8]], by_language=True)

    standings = load(Filters())
    cell = next(row for row in standings.rows if row.recipe == other.fingerprint).cells[0]
    assert [row.title for row in found.rows] == [base.title, other.title]
    assert found.lines[0].cells[0].difference is None
    assert found.lines[0].cells[1].paired.value == pytest.approx(cell.paired.value)
    assert len(found.lines) == 1 + len(registry.TASKS["xnli_cad"].languages)
    assert {one.name for one in found.settings} >= {"method", "intermediate tasks", "intermediate phase"}
    assert "learning rate" not in " ".join(one.name for one in found.settings)


def test_files_of_a_comparison_have_the_numbers_of_its_page(client, varied):
    query = f"{rows_of(varied.recipes[''], varied.recipes['qqp'])}&by=language"
    page = text(client.get(f"/compare/?{query}"))
    in_csv = lines(client, f"/compare.csv?{query}")
    in_json = json.loads(b"".join(client.get(f"/compare.json?{query}").streaming_content))["rows"]
    latex = b"".join(client.get(f"/compare.tex?{query}").streaming_content).decode()

    assert len(in_csv) == len(in_json) == 2 * (1 + len(registry.TASKS["xnli_cad"].languages))
    for line, same in zip(in_csv, in_json, strict=True):
        assert {name: "" if value is None else str(value) for name, value in same.items()} == line
        assert f">{float(line['score']):.1f}<" in page
        assert f"& {float(line['score']):.1f} &" in latex


def test_different_protocols_are_refused_and_spelt_out(client, varied):
    other = Protocol.objects.create(
        fingerprint="e" * 64, task_id="xnli_cad", split="test", limit=100, max_length=64, label="first 100 items"
    )
    Score.objects.filter(run__recipe=varied.recipes["qqp"]).update(protocol=other)

    page = text(client.get(f"/compare/?{rows_of(varied.recipes[''], varied.recipes['qqp'])}"))
    partly = text(
        client.get(f"/compare/?{rows_of(varied.recipes[''], varied.recipes['nli_cad'], varied.recipes['qqp'])}")
    )

    assert "Not comparable." in page
    assert "items a language" in page
    assert 'class="standings comparison"' not in page
    assert "Partly comparable." in partly
    assert 'class="standings comparison"' in partly


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (["00000000"], "A comparison is of 2 to 6 rows; the address names 1."),
        (["00000000", "11111111"], "There is no row '00000000' to compare"),
    ],
)
def test_too_few_and_unknown_rows_are_refused(varied, asked, sentence):
    with pytest.raises(FilterError, match=sentence):
        comparison.load(Filters(view=View.COMPARE), asked, by_language=False)
    with pytest.raises(FilterError, match="There is no row 'x'"):
        comparison.names(["x"])


def test_a_row_that_nobody_has_verified_stands_in_no_comparison(client, varied):
    run = factories.published("A rumour", status="unverified")

    page = client.get(f"/compare/?{rows_of(varied.recipes[''])}&rows=run-{run.pk}")

    assert page.status_code == 400
    assert "nobody has verified it" in text(page)


def test_without_rows_the_page_says_how_to_choose_them(client):
    assert "Tick two to six rows" in text(client.get("/compare/"))


# What a study lacks.


def test_what_a_study_lacks_is_queued_at_once(admin_client):
    seeded = factories.study(seeds=(1, 2), scored=False)
    factories.finish(seeded.run("ccg_pmb", 2))
    seeded.run("ccg_pmb", 1).stages.filter(action="train").update(status="failed", failure="bug")
    fingerprints = set(seeded.run("nli_cad", 1).stages.values_list("fingerprint", flat=True))
    seeded.run("nli_cad", 1).delete()
    url = reverse("study", args=[seeded.study.pk])
    before = text(admin_client.get(url))

    after = text(admin_client.post(reverse("study-complete", args=[seeded.study.pk]), follow=True))

    assert "Queue what is missing" in before
    assert "1 missing" in before
    assert "Queued: 1 new runs; taken up again: 1 runs." in after
    assert "Queue what is missing" not in after
    made = Run.objects.get(recipe=seeded.recipes["nli_cad"], seed=1)
    assert set(made.stages.values_list("fingerprint", flat=True)) == fingerprints
    assert not seeded.run("ccg_pmb", 1).stages.filter(status="failed").exists()
    assert completion.complete(seeded.study) == completion.Completed(0, 0)


def test_every_recipe_is_rebuilt_as_it_was(varied):
    for row in varied.recipes.values():
        assert completion.recipe_of(row).fingerprint == row.fingerprint


def test_a_recipe_of_another_version_is_refused(varied):
    row = varied.recipes["qqp"]
    row.settings = {**row.settings, "target": {**row.settings["target"], "learning_rate": 0.5}}

    with pytest.raises(RecipeError, match="planned by another version"):
        completion.recipe_of(row)


def test_only_who_decides_queues_what_is_missing(client):
    study = factories.study(scored=False).study
    url = reverse("study-complete", args=[study.pk])

    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 403
    client.force_login(User.objects.create_user("reader", is_staff=True))
    assert client.post(url).status_code == 403
    assert "Queue what is missing" not in text(client.get(reverse("study", args=[study.pk])))


def test_columns_of_plain_files_say_what_they_mean():
    for column in (*alternatives_export.COLUMNS, *comparison_export.COLUMNS):
        assert isinstance(column, ExportColumn)
        assert column.meaning.endswith(".")
