"""Who has what, kept by the process: as the tables say, whatever was changed, and only what is new is read."""

from __future__ import annotations

import math

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from leaderboard.models import Headline, RunLine, Score
from leaderboard.services import headlines
from leaderboard.standings import presence
from leaderboard.standings.filters import Filters
from leaderboard.standings.order import Order
from leaderboard.standings.query import load as load_standings
from tests import factories


def expected():
    found = {}
    rows = Headline.objects.values_list("run_id", "protocol_id", "languages", "mean", "statuses")
    for run, protocol, languages, mean, statuses in rows:
        found.setdefault(run, {})[protocol] = (tuple(languages.split(",")), mean, statuses)
    return found


def as_plain(found):
    plain = {}
    for run, (shape, means, statuses) in found.items():
        numbers = [None if math.isnan(mean) else mean for mean in means]
        lines = zip(shape.parts.values(), numbers, statuses or [""] * len(means), strict=True)
        plain[run] = dict(zip(shape.parts, lines, strict=True))
    return plain


def load():
    headlines.current()
    return as_plain(presence.load())


@pytest.fixture
def seeded(transactional_db):
    seeded = factories.study(tasks=("udpos", "tatoeba"), seeds=(1,))
    factories.published("A system")
    # Without one of its languages, a mean is none.
    Score.objects.filter(run=seeded.run("nli_cad"), task="tatoeba", language="sw").delete()
    return seeded


@pytest.mark.django_db(transaction=True)
def test_it_works(seeded):
    assert load() == expected() != {}
    before = presence.load()

    # Twice, so that the newest line is one that changes again.
    for value in (1.0, 2.0):
        Score.objects.filter(run=seeded.run("nli_cad"), task="udpos", language="de").update(value=value)
        assert load() == expected()
        assert presence.load()[seeded.run("ccg_pmb").pk] is before[seeded.run("ccg_pmb").pk]
    Score.objects.filter(run=seeded.run("nli_cad"), task="udpos", language="de").update(value=3.0)

    # One query of what is new, and of the oldest that was known.
    headlines.current()
    with CaptureQueriesContext(connection) as captured:
        after = presence.load()
    assert len(captured) == 1
    assert as_plain(after) == expected() != as_plain(before)
    untouched = seeded.run("ccg_pmb").pk
    assert after[untouched] is before[untouched]

    # What is deleted is no news: all is read again.
    seeded.run("ccg_pmb").delete()
    assert load() == expected()
    Score.objects.filter(run=seeded.run(), task="udpos").delete()
    assert load() == expected()

    # What is never committed is never kept.
    with transaction.atomic():
        Score.objects.update(value=2.0)
        assert load() == expected()
        transaction.set_rollback(True)
    assert load() == expected()

    # Another database under the same process: its numbers may be the same.
    Headline.objects.all().delete()
    RunLine.objects.all().delete()
    assert load() == {}
    headlines.note()
    assert load() == expected() != {}


@pytest.mark.django_db
def test_headlines_from_before_there_were_lines_get_theirs(db):
    factories.study(tasks=("udpos",), seeds=(1, 2))
    before = load()
    RunLine.objects.all().delete()

    headlines.keep_after_migrate()

    assert load() == before == expected() != {}


@pytest.mark.django_db
@pytest.mark.parametrize("show", ["score", "difference"])
def test_kept_means_put_rows_in_the_order_of_their_cells(monkeypatch, show):
    seeded = factories.study(seeds=(1, 2, 3))
    for recipe in ("", "ccg_pmb", "nli_cad"):
        for seed in (1, 2):
            factories.all_nine(seeded.run(recipe, seed))
    factories.published("A system")
    Score.objects.filter(run=seeded.run("nli_cad", 1), language="de").delete()
    asked = [Filters(sort=f"-{column.key}", show=show) for column in load_standings(Filters()).columns]
    assert len(asked) > 10

    def titles():
        return [[row.key for row in load_standings(filters).rows] for filters in asked]

    with monkeypatch.context() as patched:
        # Nothing is read for the order, or this fails.
        patched.setattr(Order, "_read", None)
        kept = titles()
    monkeypatch.setattr(Order, "_means_suffice", False)
    assert titles() == kept
