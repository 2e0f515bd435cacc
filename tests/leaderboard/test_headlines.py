"""Headline scores: the same as the scores they are gathered from, whatever happened to these and however."""

from __future__ import annotations

import struct

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from leaderboard.models import Change, Headline, Recipe, Run, Score
from leaderboard.services import headlines, synthetic, triggers
from leaderboard.standings.filters import Filters
from leaderboard.standings.query import load
from runner.tasks import registry
from tests import factories

pytestmark = pytest.mark.django_db


def gathered():
    """(run, protocol, language) -> value, from the headlines."""
    headlines.current()
    return {
        (one.run_id, one.protocol_id, code): value
        for one in Headline.objects.all()
        for code, value in zip(
            one.languages.split(","), struct.unpack(f"<{len(one.values) // 8}d", one.values), strict=True
        )
    }


def expected():
    """The same from the scores themselves."""
    found = {}
    for score in Score.objects.all():
        if score.metric in (metrics := registry.task(score.task_id).headline_metrics):
            key = score.run_id, score.protocol_id, score.language_id or ""
            found.setdefault(key, [len(metrics)]).append(score.value)
    return {key: sum(values) / count for key, (count, *values) in found.items() if len(values) == count}


@pytest.fixture
def seeded():
    seeded = factories.study(tasks=("udpos", "tatoeba"), seeds=(1, 2))
    factories.all_nine(seeded.run())
    factories.published("A system")
    return seeded


def test_it_works(seeded):
    assert gathered() == pytest.approx(expected())
    assert Headline.objects.count() == 6 * 2 + 9 + 1


def test_what_was_gathered_once_is_not_gathered_again(seeded, django_assert_num_queries):
    name = headlines.current()

    with django_assert_num_queries(1):
        assert headlines.current() == name


def by_hand(seeded):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE leaderboard_score SET value = 12.5 WHERE language_id = 'sw'")


CHANGES = {
    "bulk": lambda seeded: Score.objects.filter(language="de").update(value=3.0),
    "one": lambda seeded: Score.objects.filter(language="de").first().delete(),
    "half of a composite": lambda seeded: Score.objects.filter(task="xquad", metric="f1", language="ru").delete(),
    "a whole pair": lambda seeded: Score.objects.filter(run=seeded.run("ccg_pmb"), task="udpos").delete(),
    "a run with all it has": lambda seeded: seeded.run("nli_cad").delete(),
    "a move": lambda seeded: Score.objects.filter(run=seeded.run(), task="tatoeba").update(run=Run.objects.last()),
    "by hand": by_hand,
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_scores_is_noticed(seeded, change):
    before, name = gathered(), headlines.current()

    if change == "a move":
        Score.objects.filter(run=Run.objects.last()).delete()
    CHANGES[change](seeded)

    assert headlines.current() != name
    assert gathered() == pytest.approx(expected())
    assert gathered() != before


def test_a_change_that_is_taken_back_changes_nothing(seeded):
    before = gathered()

    with transaction.atomic():
        Score.objects.update(value=1.0)
        headlines.settle()
        transaction.set_rollback(True)

    assert gathered() == before


def test_the_log_does_not_grow(seeded):
    headlines.current()

    for number in range(5):
        Recipe.objects.update(title=f"Title {number}")
        Score.objects.filter(language="de").update(value=float(number))
        headlines.current()

    assert Change.objects.count() <= 10


def test_a_log_of_small_changes_is_swept(seeded, monkeypatch):
    monkeypatch.setattr(headlines, "MOST_LINES", 3)
    for _ in range(6):
        Change.objects.create()

    headlines.current()

    assert Change.objects.count() == 1


def test_triggers_that_a_migration_dropped_come_back(seeded):
    headlines.current()
    with connection.cursor() as cursor:
        for statement in (
            "DROP TRIGGER changed_leaderboard_score_update"
            + (" ON leaderboard_score" if connection.vendor == "postgresql" else ""),
        ):
            cursor.execute(statement)
    name = headlines.current()
    Score.objects.filter(language="de").update(value=3.0)
    assert headlines.current() == name

    triggers.install()

    Score.objects.filter(language="de").update(value=3.0)
    assert headlines.current() != name


def test_another_headline_metric_is_gathered_anew(seeded):
    headlines.current()
    Headline.objects.filter(protocol__task="udpos").update(metric="accuracy", values=b"", languages="")

    headlines.keep_after_migrate()

    assert gathered() == pytest.approx(expected())


def test_the_mean_orders_rows_as_their_cells_do(seeded):
    factories.all_nine(seeded.run("ccg_pmb"))
    factories.all_nine(seeded.run("nli_cad"))
    columns = [column.key for column in load(Filters()).columns]

    for key in columns:
        for show in ("score", "difference"):
            standings = load(Filters(sort=f"-{key}", show=show))
            cells = [row.cells[columns.index(key)] for row in standings.rows]
            values = [cell.value if show == "score" else cell.paired and cell.paired.value for cell in cells]
            present = [value for value in values if value is not None]
            assert present == sorted(present, reverse=True)
            assert values == [*present, *[None] * (len(values) - len(present))]


# Invented scores.


def test_synthetic_scores_fill_an_empty_database_and_say_what_they_are():
    call_command("seed_synthetic", "--recipes", "3")

    standings = load(Filters())
    assert Score.objects.count() == 3 * 3 * synthetic.SCORES_A_RUN
    assert [row.title for row in standings.rows] == [
        "[synthetic 0000] baseline",
        *(f"[synthetic 000{number}] {standings.rows[number].intermediate_title}" for number in (1, 2)),
    ]
    assert all(row.encoder_title.startswith("Synthetic") for row in standings.rows)
    assert all(cell.value is not None for row in standings.rows for cell in row.cells)
    assert all(row.is_baseline or all(cell.paired for cell in row.cells) for row in standings.rows)


def test_synthetic_scores_are_refused_where_there_are_real_ones(seeded):
    with pytest.raises(CommandError, match="7 runs that are not synthetic; invented scores need one of their own"):
        call_command("seed_synthetic", "--recipes", "3")


def test_a_million_scores_are_as_many_recipes_as_it_takes():
    assert abs(synthetic.recipes_for(1_000_000) * 3 * synthetic.SCORES_A_RUN - 1_000_000) < 1000
