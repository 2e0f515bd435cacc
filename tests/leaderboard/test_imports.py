"""Published results from files: previewed, then stored as a whole, in the admin; other tools' files too."""

from __future__ import annotations

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from leaderboard.exports import bulk, every_eval_ever
from leaderboard.models import Publication, Run, Score, Source
from leaderboard.published.formats import FORMATS
from leaderboard.published.tables import COLUMNS, own_scores, own_sources, scores_of
from leaderboard.services import checking
from leaderboard.services.published import compare, load
from leaderboard.standings.listing import every_score

pytestmark = pytest.mark.django_db

IMPORT = "admin:leaderboard_publication_import"
MTEB = {
    "dataset_revision": "9080400076fbadbb4c4dcb136ff4eddc40b42553",
    "task_name": "Tatoeba",
    "mteb_version": "1.12.0",
    "scores": {
        "test": [
            {
                "hf_subset": "deu-eng",
                "languages": ["deu-Latn", "eng-Latn"],
                "accuracy": 0.975,
                "f1": 0.97,
                "main_score": 0.97,
            },
            {"hf_subset": "swh-eng", "languages": ["swh-Latn", "eng-Latn"], "accuracy": 0.6, "main_score": 0.6},
            {"hf_subset": "xho-eng", "languages": ["xho-Latn", "eng-Latn"], "accuracy": 0.1, "main_score": 0.1},
        ]
    },
}


@pytest.fixture
def paper():
    return Source.objects.create(key="paper", title="A paper", status="quoted")


def table(*rows: dict[str, str]) -> str:
    values = [
        {**dict.fromkeys(COLUMNS, ""), "source": "paper", "system": "A", "metric": "accuracy", **row} for row in rows
    ]
    return "\n".join([",".join(COLUMNS), *(",".join(row[name] for name in COLUMNS) for row in values)]) + "\n"


def offered(client, text: str | bytes, kind: str = "csv", **values: str):
    """The first page's answer to a file."""
    content = text.encode() if isinstance(text, str) else text
    number = str(list(FORMATS).index(kind))
    file = SimpleUploadedFile("table.csv", content)
    return client.post(reverse(IMPORT), {"format": number, "import_file": file, **values})


def confirmed(client, response):
    """What becomes of the preview when it is confirmed."""
    form = response.context["confirm_form"]
    values = {name: form[name].value() or "" for name in form.fields}
    return client.post(reverse("admin:leaderboard_publication_process_import"), values, follow=True)


# In the admin.


def test_it_works(admin_client, paper):
    first = table({"task": "xnli", "value": "80.0"}, {"task": "paws_x", "value": "90"})
    preview = offered(admin_client, first)
    assert preview.status_code == 200
    assert not Score.objects.exists()

    done = confirmed(admin_client, preview)

    assert "2 new, 0 updated" in done.content.decode()
    assert sorted(Score.objects.values_list("task", "value")) == [("paws_x", 90.0), ("xnli", 80.0)]
    assert set(Publication.objects.values_list("status", flat=True)) == {"quoted"}
    assert LogEntry.objects.get().get_change_message() == "Imported scores: 2 new, 0 changed."


def test_the_preview_shows_the_difference_before_anything_is_stored(admin_client, paper):
    confirmed(
        admin_client, offered(admin_client, table({"task": "xnli", "value": "80.0"}, {"task": "paws_x", "value": "90"}))
    )
    changed = table(
        {"task": "xnli", "value": "81.5"},
        {"task": "paws_x", "value": "90"},
        {"task": "panx", "metric": "f1", "value": "64"},
    )

    preview = offered(admin_client, changed)

    kinds = [row.import_type for row in preview.context["result"]]
    assert kinds == ["update", "skip", "new"]
    page = preview.content.decode()
    # Marked by elements alone: the policy of the pages lets no inline style through.
    assert "<ins>" in page
    assert "<del>" in page
    assert "style=" not in page
    assert set(Score.objects.values_list("value", flat=True)) == {80.0, 90.0}


def test_importing_again_makes_no_duplicates(admin_client, paper):
    text = table({"task": "xnli", "value": "80.0"})
    for _ in range(2):
        done = confirmed(admin_client, offered(admin_client, text))
    assert "0 new, 0 updated, 0 deleted and 1 skipped" in done.content.decode()
    assert (Score.objects.count(), Run.objects.count()) == (1, 1)


def test_a_wrong_row_is_named_and_nothing_is_stored(admin_client, paper):
    text = table(
        {"task": "xnli", "value": "80.0"},
        {"task": "xnlli", "value": "81"},
        {"task": "panx", "metric": "f1", "value": "101"},
    )

    preview = offered(admin_client, text)

    page = preview.content.decode()
    assert "There is no task &#x27;xnlli&#x27;. Did you mean xnli" in page
    assert "The value is a number from 0 to 100; found 101." in page
    assert "Traceback" not in page
    assert preview.context.get("confirm_form") is None
    assert not Score.objects.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("source,system,task,metric\n", "has no column value"),
        (f"{','.join(COLUMNS)},extra\n", "has the column &#x27;extra&#x27;"),
        (b"\xff\xfe\x00", "is not text in UTF-8"),
        (f"{','.join(COLUMNS)}\n", "no score of a task of this catalogue"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_a_sentence(admin_client, paper, text, sentence):
    page = offered(admin_client, text).content.decode()
    assert sentence in page
    assert "Traceback" not in page


def test_a_file_that_changed_since_its_preview_cannot_store_half(admin_client, paper):
    """The source goes away between preview and confirmation: the whole import is refused."""
    preview = offered(admin_client, table({"task": "xnli", "value": "80.0"}, {"task": "paws_x", "value": "90"}))
    paper.delete()
    done = confirmed(admin_client, preview)
    assert "Nothing was stored. There is no source &#x27;paper&#x27;" in done.content.decode()
    assert not Score.objects.exists()
    assert not Run.objects.exists()


def test_a_check_is_void_for_a_number_that_the_import_changes(admin_client, admin_user, paper):
    confirmed(
        admin_client, offered(admin_client, table({"task": "xnli", "value": "80.0"}, {"task": "paws_x", "value": "90"}))
    )
    checking.mark_source(paper, "checked", user=admin_user, against="Table 1")
    confirmed(
        admin_client, offered(admin_client, table({"task": "xnli", "value": "81.0"}, {"task": "paws_x", "value": "90"}))
    )
    assert dict(Publication.objects.values_list("score__task", "status")) == {"xnli": "unverified", "paws_x": "checked"}


def test_importing_needs_its_permission(client, paper):
    client.force_login(User.objects.create_user("reader", is_staff=True))
    assert client.get(reverse(IMPORT)).status_code == 403


def test_a_file_of_a_tool_gets_its_source_and_system_from_the_form(admin_client, paper):
    preview = offered(admin_client, json.dumps(MTEB), "mteb", source="paper", system="some/encoder")
    assert "Left out, because the catalogue has no such score: Tatoeba xho-eng." in preview.content.decode()
    confirmed(admin_client, preview)
    assert list(Score.objects.order_by("language").values_list("run__system", "language", "value")) == [
        ("some/encoder", "de", 97.5),
        ("some/encoder", "sw", 60.0),
    ]
    assert Score.objects.first().protocol.label == "test split, MTEB, as printed"


def test_a_file_of_a_tool_without_a_source_is_refused(admin_client, paper):
    page = offered(admin_client, json.dumps(MTEB), "mteb").content.decode()
    assert "The row has no source and no system." in page


def test_the_number_of_items_comes_along(admin_client, paper):
    for n in ("", "5010"):
        confirmed(admin_client, offered(admin_client, table({"task": "xnli", "language": "de", "value": "80", "n": n})))
    # The same number as before, of which more is known now.
    assert list(Score.objects.values_list("value", "n")) == [(80.0, 5010)]


@pytest.mark.parametrize("n", ["0", "-1", "1.5", "many", "1" * 40])
def test_a_number_of_items_that_is_none_is_refused(admin_client, paper, n):
    page = offered(admin_client, table({"task": "xnli", "value": "80", "n": n})).content.decode()
    assert "n is the number of test items, 1 to 2147483647, or empty; found" in page


def test_our_own_records_of_every_eval_ever_come_back_as_they_went(paper):
    load(own_scores(), own_sources())
    went = [score for score in every_score(unverified=True, by_run=True) if score.source == "rembert2020-table16"]
    text = b"".join(bulk.json_lines(every_eval_ever.records(went))).decode()

    reading = FORMATS["every_eval_ever"].read(text, "file")

    assert reading.left_out == ()
    back = scores_of(({**row, "source": "rembert2020-table16"} for row in reading.rows), "file")
    assert compare(back).changes == ()
    assert compare(back).unchanged == 50
