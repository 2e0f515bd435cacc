"""Published results: in the database as their files say, shown with their source, and trusted only when checked."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, transaction
from django.db.models.signals import post_migrate
from django.urls import reverse

from leaderboard.models import Publication, Run, Score, Source
from leaderboard.published.tables import COLUMNS, own_scores, own_sources, published_score, read_scores
from leaderboard.services import checking
from leaderboard.services.published import compare, load, load_after_migrate, status_of
from leaderboard.standings import aggregate
from runner.errors import RecipeError
from tests import factories
from tests.tables import view

pytestmark = pytest.mark.django_db

PHANG = "phang2020-table2"


def row(**changes):
    """A row of a table, as a reader of CSV gives it."""
    values = dict.fromkeys(COLUMNS, "")
    return {
        **values,
        "source": "paper",
        "system": "A",
        "task": "xnli",
        "metric": "accuracy",
        "value": "80.0",
        **changes,
    }


def table(*rows) -> str:
    return "\n".join([",".join(COLUMNS), *(",".join(one[name] for name in COLUMNS) for one in rows)])


def paper(status: str = "quoted", key: str = "paper") -> Source:
    return Source.objects.create(key=key, title="A paper", status=status)


# The project's own files.


def test_it_works(loaded):
    score = Score.objects.get(
        run__source="rembert2020-table16", run__system__startswith="X-STILTs", task="mlqa", metric="exact_match"
    )
    assert (score.value, score.language, score.publication.status) == (53.7, None, "quoted")
    assert score.protocol.published
    assert score.protocol.label == "test split, mean over languages, as printed"


def test_every_score_of_every_source_is_there(loaded):
    counts = {source.pk: Score.objects.filter(run__source=source).count() for source in Source.objects.all()}
    assert counts == {
        "jiant-dev-pr128": 40,
        "mt5-readme": 56,
        "phang2020-abstract": 0,
        PHANG: 132,
        "rembert2020-table16": 50,
        "veco-notes": 2,
        "xlm-align-model-card": 20,
        "xlmr2020": 46,
    }
    assert Publication.objects.count() == Score.objects.count() == len(own_scores())
    assert set(Source.objects.values_list("title", "note")) == {(one.title, one.note) for one in own_sources()}


def test_means_that_sources_state_of_their_parts_are_the_parts_means():
    """A slip of the typist would move them: jiant's pull request states the mean of each retrieval task."""
    values = {
        task: [s.value for s in own_scores() if s.source == "jiant-dev-pr128" and s.task == task]
        for task in ("bucc2018", "tatoeba")
    }
    assert round(aggregate.mean(values["bucc2018"]), 1) == 71.5
    assert round(aggregate.mean(values["tatoeba"]), 1) == 31.0


def test_what_phang_et_al_state_of_table_2_holds_of_the_transcription():
    """Abstract and claims of the paper: +8.2 SQuAD v2, +7.5 MNLI, +7.0 HellaSwag, +8.7 all nine, over nine targets."""

    def overall(system):
        cells = {}
        for score in own_scores():
            if score.source == PHANG and score.system == system:
                cells.setdefault(score.task, []).append(score.value)
        return aggregate.mean([aggregate.mean(values) for values in cells.values()])

    gains = {
        system: round(overall(f"XLM-R large{system}") - overall("XLM-R large"), 1)
        for system in (" + SQuAD v2.0", " + MNLI", " + HellaSwag", ", all nine tasks")
    }
    assert gains == {" + SQuAD v2.0": 8.2, " + MNLI": 7.5, " + HellaSwag": 7.0, ", all nine tasks": 8.7}


def test_loading_again_changes_nothing(loaded):
    before = list(Score.objects.order_by("pk").values())
    found = load(own_scores(), own_sources())
    assert (found.changes, found.unchanged) == ((), len(own_scores()))
    assert list(Score.objects.order_by("pk").values()) == before


def test_they_are_loaded_after_migrate_and_corrections_stay(settings):
    settings.PUBLISHED_RESULTS = True
    load_after_migrate()
    corrected = Score.objects.filter(run__source="mt5-readme").first()
    Score.objects.filter(pk=corrected.pk).update(value=12.5)
    Source.objects.filter(pk="mt5-readme").update(note="Seen by me.", status="secondary")
    load_after_migrate()
    assert Score.objects.get(pk=corrected.pk).value == 12.5
    assert Source.objects.filter(pk="mt5-readme", note="Seen by me.", status="secondary").exists()
    assert any(
        receiver is load_after_migrate for _, reference, *_ in post_migrate.receivers if (receiver := reference())
    )


def test_a_board_without_them_can_be_had(settings):
    settings.PUBLISHED_RESULTS = False
    load_after_migrate()
    assert not Source.objects.exists()


def test_a_migration_backwards_loads_nothing(settings):
    settings.PUBLISHED_RESULTS = True
    load_after_migrate(plan=[(None, True)])
    assert not Source.objects.exists()


# A table: all of it or nothing.


def test_a_changed_number_is_changed_and_needs_a_new_check(maintainer):
    source = paper()
    load(read_scores(table(row(), row(task="paws_x", value="90")), "t.csv"))
    checking.mark_source(source, "checked", user=maintainer, against="Table 1")

    found = load(read_scores(table(row(value="81.5"), row(task="paws_x", value="90", note="rounded")), "t.csv"))

    assert [change.sentence for change in found.changes] == [
        "changed: paper, A, xnli accuracy: 80 -> 81.5",
        "changed: paper, A, paws_x accuracy: 90 -> 90",
    ]
    moved, noted = Publication.objects.order_by("score__value")
    assert (moved.score.value, moved.checked_by, moved.checked_against) == (81.5, None, "")
    assert (noted.note, noted.status, noted.checked_by) == ("rounded", "checked", maintainer)
    assert compare(read_scores(table(row(value="81.5")), "t.csv")).changes == ()


def test_the_weaker_status_holds():
    assert status_of(published_score(row()), "secondary") == "secondary"
    assert status_of(published_score(row(status="quoted")), "unverified") == "unverified"
    assert status_of(published_score(row(status="unverified")), "quoted") == "unverified"
    assert status_of(published_score(row()), "checked") == "unverified"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "xnlli"}, "There is no task 'xnlli'. Did you mean xnli"),
        ({"task": "ntrex"}, "is never scored"),
        ({"language": "xx"}, "There is no language 'xx'."),
        ({"language": "ko"}, "XNLI has no language 'ko'; it has ar, bg"),
        ({"metric": "f1"}, "XNLI has no metric 'f1'; it has accuracy."),
        ({"value": "80,0"}, "a number from 0 to 100, with a point; found '80,0'"),
        ({"value": "nan"}, "a number from 0 to 100; found nan"),
        ({"value": "100.1"}, "a number from 0 to 100; found 100.1"),
        ({"system": ""}, "The row has no system."),
        ({"split": "dev"}, "The split is train, validation, test or empty"),
        ({"status": "checked"}, "The status is quoted, secondary, unverified or empty"),
        ({"protocol": "x" * 141}, "The protocol has 141 characters; at most 140"),
    ],
)
def test_a_row_is_refused_with_a_sentence_and_its_line(changes, sentence):
    values = row(**changes)
    if "," in values["value"]:
        values["value"] = f'"{values["value"]}"'
    with pytest.raises(RecipeError, match="t.csv, line 3: ") as refused:
        read_scores(table(row(system="B"), values), "t.csv")
    assert sentence in str(refused.value)


def test_a_table_that_says_one_thing_twice_is_refused():
    with pytest.raises(RecipeError, match="line 3: the same score is in line 2 already"):
        read_scores(table(row(), row(value="81")), "t.csv")


def test_an_unknown_or_missing_column_is_refused():
    with pytest.raises(RecipeError, match="has no column value; a table has source, system"):
        read_scores("source,system,task,metric\n", "t.csv")
    with pytest.raises(RecipeError, match="has the column 'scores'"):
        read_scores(f"{','.join(COLUMNS)},scores\n", "t.csv")


def test_an_unknown_source_is_refused_and_nothing_stored():
    paper()
    with pytest.raises(RecipeError, match="There is no source 'other': add it first. Known are paper."):
        load(read_scores(table(row(), row(source="other")), "t.csv"))
    assert not Run.objects.exists()


# What is not verified.


def test_unverified_scores_are_hidden_unless_asked_for(loaded, client):
    hidden = Run.objects.filter(source=PHANG).count()
    assert hidden == 11
    assert f"{hidden} published rows that nobody has verified are hidden." in view().notes
    assert not any(line.source_status == "unverified" for line in view().rows)
    asked = [line for line in view("unverified=show").rows if line.source_status == "unverified"]
    assert len(asked) == hidden
    assert all(not cell.may_rank for line in asked for cell in line.cells)

    run = Run.objects.get(source=PHANG, system="XLM-R large")
    for url in (reverse("run", args=[run.pk]), reverse("source", args=[PHANG])):
        plain, shown = (client.get(url + query).content.decode() for query in ("", "?unverified=show"))
        assert "80.1" not in plain
        assert "hidden" in plain
        assert "80.1" in shown
        assert 'class="badge unverified"' in shown


def test_one_unverified_score_of_a_quoted_source_is_hidden_alone():
    paper()
    load(read_scores(table(row(), row(task="paws_x", status="unverified")), "t.csv"))
    shown = {column.task: cell.value for column, cell in zip(view().columns, view().rows[0].cells, strict=True)}
    assert shown["xnli"] == 80
    assert shown.get("paws_x") is None


def test_a_score_without_a_publication_has_its_sources_status():
    run = factories.published("Rumour", status="unverified")
    Publication.objects.all().delete()
    assert not view().rows
    assert [line.source_status for line in view("unverified=show").rows] == ["unverified"]
    run.delete()


def test_a_checked_source_is_shown_with_who_when_and_against_what(loaded, maintainer, client):
    checking.mark_source(Source.objects.get(pk=PHANG), "checked", user=maintainer, against="the PDF, v2, Table 2")

    rows = [line for line in view().rows if line.source_status == "checked"]
    assert len(rows) == 11
    assert any(cell.may_rank for cell in rows[0].cells)
    page = client.get(reverse("source", args=[PHANG])).content.decode()
    assert "maintainer, <time" in page
    assert "against the PDF, v2, Table 2" in page

    checking.mark_source(Source.objects.get(pk=PHANG), "unverified", user=maintainer)
    assert not any(line.source.startswith("Phang") for line in view().rows)
    assert not Publication.objects.exclude(checked_by=None).exists()


def test_a_check_says_against_what(loaded, maintainer):
    with pytest.raises(RecipeError, match="A check says against what"):
        checking.mark_source(Source.objects.get(pk=PHANG), "checked", user=maintainer, against=" ")
    with pytest.raises(IntegrityError), transaction.atomic():
        Publication.objects.filter(score__run__source=PHANG).update(status="checked")


def test_single_scores_are_checked_in_the_admin(loaded, admin_client, admin_user):
    scores = Publication.objects.filter(score__run__source=PHANG, score__task="xnli")
    chosen = scores.order_by("pk").first()
    url = reverse("admin:leaderboard_publication_changelist")
    action = {"action": "mark_checked", "_selected_action": [chosen.pk]}

    refused = admin_client.post(url, {**action, "against": ""}, follow=True)
    assert "A check says against what" in refused.content.decode()
    admin_client.post(url, {**action, "against": "Table 2, row 1"})

    chosen.refresh_from_db()
    assert (chosen.status, chosen.checked_by, chosen.checked_against) == ("checked", admin_user, "Table 2, row 1")
    assert scores.filter(status="unverified").count() == 10
    shown = [line.title for line in view().rows if line.source_status == "checked"]
    assert shown == ["XLM-R large"]


def test_checking_needs_its_permission(loaded, client):
    user = User.objects.create_user("reader", password="secret", is_staff=True)
    user.user_permissions.add(
        *Permission.objects.filter(codename__in=["change_source", "view_source", "view_publication"])
    )
    client.force_login(user)
    values = {"title": "New title", "url": "", "note": "", "status": "checked", "checked_against": "nothing"}
    client.post(reverse("admin:leaderboard_source_change", args=[PHANG]), values)
    source = Source.objects.get(pk=PHANG)
    assert (source.title, source.status) == ("New title", "unverified")
    listed = client.get(reverse("admin:leaderboard_publication_changelist"))
    assert "mark_checked" not in listed.content.decode()
