"""Who has what, kept by the process: as the tables say, whatever was changed, and only what is new is read."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from leaderboard.models import Headline, Score
from leaderboard.services import headlines
from leaderboard.standings import presence
from tests import factories


def expected():
    found = {}
    rows = Headline.objects.values_list("run_id", "protocol_id", "languages", "mean", "statuses")
    for run, protocol, languages, mean, statuses in rows:
        found.setdefault(run, {})[protocol] = (tuple(languages.split(",")), mean, statuses)
    return found


def as_plain(found):
    return {run: {protocol: tuple(one) for protocol, one in of.items()} for run, of in found.items() if of}


def load():
    headlines.current()
    return as_plain(presence.load())


@pytest.fixture
def seeded(transactional_db):
    return factories.study(tasks=("udpos", "tatoeba"), seeds=(1,))


@pytest.mark.django_db(transaction=True)
def test_it_works(seeded):
    assert load() == expected() != {}
    before = presence.load()

    # Twice, so that the newest headline is one that changes again.
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
    assert load() == {}
    headlines.note()
    assert load() == expected() != {}
