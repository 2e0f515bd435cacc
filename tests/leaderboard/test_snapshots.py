"""Snapshots: a state of the board that stays what it was, whatever happens to the board."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from leaderboard.models import Score, Snapshot
from leaderboard.models.snapshots import ImmutableError
from leaderboard.services import snapshots, uncertainty, withdrawals
from leaderboard.standings import changes, frozen
from leaderboard.standings.filters import Filters, View
from leaderboard.standings.query import load
from leaderboard.standings.table import Cell, Standings
from runner.errors import RecipeError
from tests import factories, measured, uploads

pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded():
    return factories.study(tasks=("udpos", "tatoeba"), languages=("de", "fi", "et"))


def take(name="Camera-ready", **said):
    return snapshots.take(name, frozen.board, **said)


def lines(snapshot):
    return frozen.lines(snapshot.content)


def text(response):
    return b"".join(response.streaming_content).decode() if response.streaming else response.content.decode()


def test_it_works(client, seeded):
    taken = take(note="For the paper.", author="maker")
    page = text(client.get(taken.get_absolute_url()))
    for part in ("Camera-ready", "For the paper.", taken.hash, "maker", "http://testserver" + taken.get_absolute_url()):
        assert part in page
    for row in load(Filters()).rows:
        assert row.title in page
    assert taken.score_count == Score.objects.count()
    assert taken.run_count == 6


def test_the_hash_is_that_of_the_content(client, seeded):
    taken = take()
    content = text(client.get(reverse("snapshot-content", args=[taken.address])))
    assert hashlib.sha256(content.encode()).hexdigest() == taken.hash
    assert len(content) > 3 * len(taken.content)


def test_the_same_state_gives_the_same_hash(seeded):
    first, again = list(frozen.board()), list(frozen.board())
    assert first == again
    Score.objects.filter(pk=Score.objects.first().pk).update(value=1)
    assert list(frozen.board()) != first


def test_tables_are_kept_as_they_were_shown(seeded):
    taken = take()
    udpos = Filters(view=View.TASK, task="udpos")
    for key, filters in (
        ("leaderboard.xtreme", Filters()),
        ("transfer.xtreme", Filters(view=View.TRANSFER, show="difference")),
        (f"task.udpos.{load(udpos).protocol}", udpos),
    ):
        shown = load(filters, whole=True)
        kept = frozen.table(lines(taken), key).standings
        assert replace(kept, choices=shown.choices, protocol=shown.protocol) == shown


def test_intervals_are_kept_too(settings, tmp_path):
    settings.ARTIFACT_DIR = tmp_path
    measured.study(tasks=("paws_x",), intermediates=("nli_cad",))
    uncertainty.refresh()
    # Of the recipe: its difference is told with an interval.
    (interval,) = {
        cell.difference.interval
        for row in load(Filters(), whole=True).rows
        for cell in row.cells
        if cell.difference and cell.difference.interval
    }
    kept = frozen.table(lines(take()), "leaderboard.xtreme").standings
    assert interval in {cell.difference.interval for row in kept.rows for cell in row.cells if cell.difference}


@pytest.mark.parametrize("layout", ["csv", "jsonl"])
def test_scores_are_those_of_the_file(client, seeded, layout):
    taken = take()
    now = text(client.get(reverse(f"scores-{layout}")))
    factories.study("Another", slug="other", tasks=("udpos",))
    assert text(client.get(reverse("snapshot-scores", args=[taken.address, layout]))) == now


def test_scores_are_parquet_too(client, seeded):
    response = client.get(reverse("snapshot-scores", args=[take().address, "parquet"]))
    found = pq.read_table(io.BytesIO(b"".join(response.streaming_content)))
    assert sorted(found["value"].to_pylist()) == sorted(Score.objects.values_list("value", flat=True))
    assert str(found.schema.field("n").type) == "int64"


def test_scores_are_records_of_every_eval_ever_too(client, seeded):
    taken = take()
    now = text(client.get(reverse("every-eval-ever")))
    factories.study("Another", slug="other", tasks=("udpos",))
    assert text(client.get(reverse("snapshot-every-eval-ever", args=[taken.address]))) == now


def test_a_table_is_a_file_too(client, seeded):
    now = {ending: text(client.get(f"/leaderboard.{ending}")) for ending in ("csv", "json", "tex")}
    taken = take()
    withdrawals.withdraw(seeded.run(), "A mistake.")
    kept = {
        ending: text(client.get(reverse("snapshot-table-file", args=[taken.address, "leaderboard.xtreme", ending])))
        for ending in now
    }
    assert kept["csv"] == now["csv"]
    assert len(list(csv.reader(io.StringIO(kept["csv"])))) > 3
    assert json.loads(kept["json"])["rows"] == json.loads(now["json"])["rows"]
    # Whoever finds the table in a paper finds the state, too.
    assert taken.hash in kept["tex"]


def test_a_withdrawal_leaves_the_snapshot_as_it_was(client, seeded):
    taken = take()
    page = text(client.get(taken.get_absolute_url()))
    for run in seeded.study.runs.all():
        withdrawals.withdraw(run, "Wrong data.")
    assert load(Filters()).rows == ()
    assert text(client.get(taken.get_absolute_url())) == page


# What changed since.


def test_nothing_changed(client, seeded):
    taken = take()
    assert "Nothing changed." in text(client.get(reverse("snapshot-changes", args=[taken.address])))


def test_what_changed_until_now(client, seeded):
    taken = take()
    withdrawals.withdraw(seeded.run(), "Wrong data.")
    uploads.stored("Theirs", "paws_x")
    changed = Score.objects.filter(run=seeded.run(seed=2)).first()
    Score.objects.filter(pk=changed.pk).update(value=12.3)

    gone = seeded.run().scores.count()
    page = text(client.get(reverse("snapshot-changes", args=[taken.address])))
    assert f"7 scores came, {gone} left, 1 has another value." in " ".join(page.split())
    assert "Wrong data." in page
    assert "Theirs" in page
    assert "12.3" in page


def test_what_changed_from_one_to_another(client, seeded):
    first = take("First")
    uploads.stored("Theirs", "paws_x")
    second = take("Second")
    uploads.stored("Later", "paws_x")
    there = reverse("snapshot-changes", args=[first.address]) + f"?to={second.address}"
    assert "7 scores came, 0 left, 0 have another value." in " ".join(text(client.get(there)).split())
    back = reverse("snapshot-changes", args=[second.address]) + f"?to={first.address}"
    assert "0 scores came, 7 left" in " ".join(text(client.get(back)).split())


def test_changes_are_told_by_run_task_language_metric_and_protocol():
    def score(**fields):
        usual = {"run": 1, "task": "xnli", "language": "de", "metric": "accuracy", "protocol_fingerprint": "a"}
        return {**usual, "value": 50.0, **fields}

    before = [score(), score(language="fr"), score(run=2)]
    after = [score(value=51.0), score(run=2), score(protocol_fingerprint="b")]
    (run,) = changes.between(before, after)
    assert (run.run, run.added, run.removed, run.changed) == (1, 1, 1, 1)
    assert [(change.language, change.before, change.after) for change in run.changes] == [
        ("de", 50.0, 51.0),
        ("de", None, 50.0),
        ("fr", 50.0, None),
    ]


# What is refused.


def test_a_snapshot_needs_a_name_of_its_own(seeded):
    take("First")
    for name, said in (("", "needs a name"), ("x" * 121, "at most 120"), ("First", "There is a snapshot “First”")):
        with pytest.raises(RecipeError, match=said):
            take(name)


def test_one_state_has_one_snapshot(seeded):
    taken = take("First")
    with pytest.raises(RecipeError, match=f"has a snapshot already: “First”, {taken.address}"):
        take("Second")


def test_a_board_without_scores_has_none():
    with pytest.raises(RecipeError, match="has no scores"):
        take()


def test_what_changes_while_it_is_read_is_in_it_whole_or_not_at_all(seeded):
    """Somebody writes during the first reading: it is read again."""
    readings = 0

    def board():
        nonlocal readings
        readings += 1
        found = list(frozen.board())
        if readings == 1:
            uploads.stored("Meanwhile")
        return found

    taken = snapshots.take("Camera-ready", board)
    if connection.vendor == "postgresql":
        # There the transaction sees one moment, whatever others write; here the write is its own.
        assert readings == 1
    else:
        assert readings == 2
        assert any("Meanwhile" in line for line in lines(taken))


@pytest.mark.django_db(transaction=True)
def test_one_is_taken_as_requests_and_commands_do_outside_of_a_transaction(seeded):
    taken = take()
    assert taken.score_count == Score.objects.count()
    assert [row.title for row in frozen.table(lines(taken), "leaderboard.xtreme").standings.rows]


def test_nothing_changes_or_deletes_a_snapshot(seeded):
    taken = take()
    taken.name = "Another"
    for attempt in (taken.save, taken.delete, Snapshot.objects.all().delete, lambda: Snapshot.objects.update(name="x")):
        with pytest.raises(ImmutableError):
            attempt()
    assert Snapshot.objects.get().name == "Camera-ready"


@pytest.mark.parametrize("change", ["name = 'Another'", "content = NULL", "hash = 'abc'", "created = created"])
def test_the_database_refuses_a_change_past_the_program(seeded, change):
    taken = take()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE leaderboard_snapshot SET {change} WHERE id = %s", [taken.pk])
    assert Snapshot.objects.get().hash == taken.hash


@pytest.mark.parametrize("address", ["0" * 12, "abc", "x" * 80])
@pytest.mark.parametrize("name", ["snapshot", "snapshot-changes", "snapshot-content"])
def test_an_unknown_address_is_not_found(client, seeded, name, address):
    take()
    assert client.get(reverse(name, args=[address])).status_code == 404
    assert client.get(reverse("snapshot-scores", args=[address, "csv"])).status_code == 404


def test_an_unknown_table_is_not_found(client, seeded):
    taken = take()
    assert client.get(taken.get_absolute_url() + "?table=nothing").status_code == 404
    assert client.get(reverse("snapshot-table-file", args=[taken.address, "nothing", "csv"])).status_code == 404


# Tables that another version of the program kept.


def test_fields_that_came_later_are_empty_and_fields_that_went_are_left_out():
    raw = json.loads(json.dumps({"value": 50.0, "sd": None, "n": 2, "have": 3, "gone": "x"}))
    assert frozen.thaw(Cell, raw) == Cell(value=50.0, sd=None, n=2, have=3, expected=0)
    assert frozen.thaw(Standings, {}).rows == ()


# The pages and the admin.


def test_the_list_names_each_with_its_address(client, seeded):
    assert "There is none yet" in text(client.get(reverse("snapshots")))
    taken = take()
    page = text(client.get(reverse("snapshots")))
    assert taken.get_absolute_url() in page
    assert taken.address in page


def test_the_admin_takes_one(client, seeded):
    user = User.objects.create_user("maker", is_staff=True)
    client.force_login(user)
    add = reverse("admin:leaderboard_snapshot_add")
    assert client.get(add).status_code == 403
    user.user_permissions.set(Permission.objects.filter(codename="add_snapshot"))

    assert "can be cited" in client.get(add).content.decode()
    response = client.post(add, {"name": "Camera-ready", "note": "For the paper."})
    taken = Snapshot.objects.get()
    assert response["Location"] == taken.get_absolute_url()
    assert (taken.name, taken.note, taken.author) == ("Camera-ready", "For the paper.", "maker")

    response = client.post(add, {"name": "Again"})
    assert "has a snapshot already: “Camera-ready”" in text(response)


def test_the_admin_changes_and_deletes_none(admin_client, seeded):
    taken = take()
    change = reverse("admin:leaderboard_snapshot_change", args=[taken.pk])
    assert admin_client.get(change).status_code == 200
    assert admin_client.post(change, {"name": "Another"}).status_code == 403
    assert admin_client.post(reverse("admin:leaderboard_snapshot_delete", args=[taken.pk])).status_code == 403


def test_the_command_takes_one(seeded):
    said = io.StringIO()
    call_command("snapshot", "Camera-ready", note="For the paper.", author="cron", json=True, stdout=said)
    taken = Snapshot.objects.get()
    assert json.loads(said.getvalue()) == {"hash": taken.hash, "url": taken.get_absolute_url()}
    assert (taken.note, taken.author) == ("For the paper.", "cron")
    with pytest.raises(CommandError, match="There is a snapshot “Camera-ready” already"):
        call_command("snapshot", "Camera-ready")
