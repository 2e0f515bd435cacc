"""Uploads beside rows from here: in their columns, in the overall mean, and compared with them item by item."""

from __future__ import annotations

import csv

import pytest
from django.urls import reverse

from leaderboard.models import Protocol, Recipe, Run
from leaderboard.services import headlines
from leaderboard.services import uncertainty as service
from leaderboard.services.results import protocol_of_upload
from leaderboard.standings import comparison, outcomes
from leaderboard.standings.columns import suite_tasks
from leaderboard.standings.filters import Filters, View
from leaderboard.standings.query import load
from leaderboard.standings.statistics import significance
from runner.tasks import registry
from tests import factories, measured, uploads
from tests.measured import ITEMS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("prepared_files")]
STANDING = "stands in the columns of rows from here: scored on the same items by the same scorer."


@pytest.fixture
def unprepared(prepared_files, settings, tmp_path):
    settings.ARTIFACT_DIR = tmp_path


def nine(system: str = "Theirs") -> Run:
    """An upload with all nine tasks."""
    run = uploads.stored(system, "paws_x")
    for task in suite_tasks("xtreme"):
        if task != "paws_x":
            other = uploads.stored(f"{system} {task}", task, value=60.0)
            other.scores.update(run=run)
            other.delete()
    return run


def row_of(found, title: str):
    (row,) = [row for row in found.rows if row.title == title]
    return row


def cell_of(found, title: str, key: str):
    position = next(number for number, column in enumerate(found.columns) if key in (column.key, column.task))
    return row_of(found, title).cells[position]


# On the board.


def test_it_works():
    seeded = factories.study(intermediates=(), tasks=("paws_x",), methods=(Recipe.Method.BASELINE,))
    uploads.stored("Theirs")
    found = load(Filters())
    (column,) = [column for column in found.columns if column.task]
    assert (column.title, column.protocol_label) == ("PAWS-X", seeded.run().scores.first().protocol.label)
    assert cell_of(found, "Theirs", "paws_x").value == 50.0
    assert row_of(found, "Theirs").origin_label == "Uploaded"
    assert any(STANDING in note and "is not known" in note for note in found.notes)


def test_its_own_protocol_stays_with_its_scores(client):
    """Files of all scores, and snapshots of them, say under what a number was measured."""
    factories.study(intermediates=(), tasks=("paws_x",), methods=(Recipe.Method.BASELINE,))
    run = uploads.stored("Theirs")
    assert set(run.scores.values_list("protocol__label", flat=True)) == {"test split, uploaded predictions"}
    assert b"uploaded predictions" in b"".join(client.get(reverse("scores-csv")).streaming_content)
    table = csv.DictReader(b"".join(client.get("/leaderboard.csv").streaming_content).decode().splitlines())
    told = {(line["origin"], "uploaded predictions" in line["protocol"]) for line in table if line["task"]}
    assert told == {("uploaded", True), ("local", False)}


def test_a_whole_submission_has_an_overall_beside_rows_from_here():
    seeded = factories.study(intermediates=(), tasks=("paws_x",), methods=(Recipe.Method.BASELINE,))
    factories.all_nine(seeded.run())
    nine()
    uploads.stored("One task alone")
    found = load(Filters(sort="-overall"))
    assert cell_of(found, "Theirs", "overall").value == pytest.approx((50 + 8 * 60) / 9)
    assert cell_of(found, "Theirs", "overall").n == 1
    assert cell_of(found, "One task alone", "overall").value is None
    assert cell_of(found, "One task alone", "overall").coverage == "1/9"
    # Of a whole row and one of a part, the part stays last.
    assert found.rows[-1].title == "One task alone"


def test_alone_it_keeps_its_column():
    uploads.stored("Theirs")
    found = load(Filters())
    assert {column.protocol_label for column in found.columns if column.task} == {"test split, uploaded predictions"}
    assert not any(STANDING in note for note in found.notes)


def test_its_own_column_can_be_asked_for():
    factories.study(intermediates=(), tasks=("paws_x",), methods=(Recipe.Method.BASELINE,))
    uploads.stored("Theirs")
    asked = protocol_of_upload("paws_x", "test").fingerprint[:8]
    found = load(Filters(view=View.TASK, task="paws_x", protocol=asked))
    assert [row.title for row in found.rows] == ["Theirs"]
    both = load(Filters(view=View.TASK, task="paws_x"))
    assert {row.origin for row in both.rows} == {"uploaded", "local"}


@pytest.mark.parametrize(
    "other",
    [{"split": "validation"}, {"limit": 100}, {"noise": "casing, 10%"}, {"data": "f" * 40}, {"scorer_version": "0"}],
)
def test_what_was_measured_on_other_items_shares_no_column(other):
    seeded = factories.study(intermediates=(), tasks=("paws_x",), methods=(Recipe.Method.BASELINE,))
    uploads.stored("Theirs")
    Protocol.objects.filter(pk=seeded.run().scores.first().protocol_id).update(**other)
    found = load(Filters())
    assert "test split, uploaded predictions" in {column.protocol_label for column in found.columns if column.task}


# Item by item.


def compared(*rows: str, by_language: bool = False, **filters):
    return comparison.load(Filters(view=View.COMPARE, **filters), rows, by_language=by_language)


def both(task: str, seeds=(1, 2, 3), gain: float = 0.2) -> tuple[factories.Seeded, Run]:
    seeded = measured.study(intermediates=(), tasks=(task,), seeds=seeds, methods=(Recipe.Method.BASELINE,))
    run = measured.upload("Theirs", task, gain)
    service.refresh()
    return seeded, run


def test_a_comparison_has_an_interval_over_the_seeds_from_here_and_the_items():
    seeded, run = both("xnli_cad")
    found = compared(seeded.recipes[""].fingerprint, f"run-{run.pk}")
    (line,) = found.lines
    difference = line.cells[1].difference
    means = [cell.value for cell in line.cells]
    assert difference.value == pytest.approx(means[1] - means[0])
    assert difference.pairs == 3
    assert difference.interval.low < difference.value < difference.interval.high
    assert difference.interval.decided
    assert difference.interval.low > 0
    assert "intervals say nothing about other seeds of it" in found.sentence


def test_the_other_way_round_it_is_the_same_difference():
    seeded, run = both("xnli_cad")
    one = compared(seeded.recipes[""].fingerprint, f"run-{run.pk}").lines[0].cells[1].difference
    other = compared(f"run-{run.pk}", seeded.recipes[""].fingerprint).lines[0].cells[1].difference
    assert (other.value, other.interval.low) == (pytest.approx(-one.value), pytest.approx(-one.interval.high, abs=0.05))


@pytest.mark.parametrize(
    ("task", "test"), [("xnli_cad", "exact McNemar test"), ("xquad_sample", "approximate randomisation")]
)
def test_one_seed_is_tested_item_by_item(task, test):
    seeded, run = both(task, seeds=(1,))
    lines = compared(seeded.recipes[""].fingerprint, f"run-{run.pk}", by_language=True, languages="de").lines
    (line,) = [line for line in lines if line.language == "de"]
    assert line.cells[1].difference.interval.method.endswith(test)
    if test == "exact McNemar test":
        first, second = (
            outcomes.outcomes(artifact.sha256, "")["de"].right
            for artifact in (
                seeded.run().stages.get(action="evaluate").artifacts.get(kind="items"),
                run.artifacts.get(kind="items"),
            )
        )
        assert line.cells[1].difference.interval.p == significance.mcnemar(second, first)


def test_two_uploads_are_compared_alike():
    runs = [measured.upload(system, "xnli_cad", gain) for system, gain in (("Theirs", 0.25), ("Others", 0.0))]
    service.refresh()
    (line,) = compared(*(f"run-{run.pk}" for run in runs)).lines
    assert line.cells[1].difference.interval.high < 0


def test_it_has_a_rank_among_rows_from_here():
    seeded, run = both("xnli_cad")
    key = next(column.key for column in load(Filters()).columns if column.task == "xnli_cad")
    found = load(Filters(sort=f"-{key}"))
    assert [(row.title, row.rank.place, row.rank.low, row.rank.high) for row in found.rows] == [
        ("Theirs", 1, 1, 1),
        (seeded.recipes[""].title, 2, 2, 2),
    ]
    run.artifacts.filter(kind="items").delete()
    found = load(Filters(sort=f"-{key}"))
    assert [row.rank for row in found.rows] == [None, None]


def test_items_that_are_not_prepared_give_no_interval(unprepared):
    seeded = measured.study(intermediates=(), tasks=("xnli_cad",), methods=(Recipe.Method.BASELINE,))
    run = measured.upload("Theirs", "xnli_cad", 0.2)
    difference = compared(seeded.recipes[""].fingerprint, f"run-{run.pk}").lines[0].cells[1].difference
    assert (difference.pairs, difference.interval) == (len(factories.SEEDS), None)


def test_items_of_an_upload_are_prepared_with_those_of_any_evaluation(unprepared):
    run = measured.upload("Theirs", "xnli_cad", 0.2)
    assert service.refresh([]) == 0
    (artifact,) = run.artifacts.filter(kind="items")
    found = outcomes.outcomes(artifact.sha256, "any")
    for score in run.scores.all():
        assert found[score.language_id].value == pytest.approx(score.value)
    assert set(outcomes.replicates(artifact.sha256).items) == set(registry.task("xnli_cad").languages)
    assert all(len(one.keys) == ITEMS for one in found.values())


def test_items_that_do_not_give_the_scores_are_left(unprepared, caplog):
    run = measured.upload("Theirs", "xnli_cad", 0.2)
    run.scores.update(value=50.0)
    service.refresh()
    (artifact,) = run.artifacts.filter(kind="items")
    assert outcomes.replicates(artifact.sha256) is None
    assert f"The items in {artifact.path} do not give the score in" in caplog.text


def test_how_it_was_made_is_said_not_to_be_known(client):
    seeded = factories.study(intermediates=(), tasks=("tatoeba",), methods=(Recipe.Method.BASELINE,))
    run = uploads.stored("Theirs", "tatoeba")
    found = compared(seeded.recipes[""].fingerprint, f"run-{run.pk}")
    unknown = {one.name: one.values for one in found.settings if "not known" in one.values}
    assert unknown.keys() == {"length (Tatoeba)", "precision (Tatoeba)", "layer (Tatoeba)", "pooling (Tatoeba)"}
    assert unknown["pooling (Tatoeba)"] == ("mean", "not known")
    page = client.get(f"/compare/?rows={seeded.recipes[''].fingerprint[:12]}&rows=run-{run.pk}").content.decode()
    assert "not known" in page


def test_it_takes_three_queries_more(django_assert_num_queries):
    seeded, run = both("xnli_cad")
    headlines.current()
    with django_assert_num_queries(13):
        compared(seeded.recipes[""].fingerprint, f"run-{run.pk}")
