"""Published results from files: previewed, then stored as a whole, in the admin; other tools' files too."""

from __future__ import annotations

import contextlib
import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.exports import bulk, every_eval_ever
from leaderboard.models import Publication, Run, Score, Source
from leaderboard.published.formats import FORMATS
from leaderboard.published.tables import COLUMNS, own_scores, own_sources, scores_of
from leaderboard.services import checking
from leaderboard.services.published import compare, load
from leaderboard.standings.listing import every_score
from runner.errors import RecipeError

pytestmark = pytest.mark.django_db

IMPORT = "admin:leaderboard_publication_import"
LM_EVAL = {
    "results": {
        "xnli_de": {"alias": "xnli_de", "acc,none": 0.57, "acc_stderr,none": 0.01},
        "xquad_el": {"exact_match,none": 0.5, "f1,none": 0.625, "exact_match_stderr,none": "N/A"},
        "xnli_eu": {"acc,none": 0.4},
        "arc_easy": {"acc,none": 0.8},
    },
    "configs": {"xnli_de": {"validation_split": "validation"}, "xquad_el": {"test_split": "validation"}},
    "versions": {"xnli_de": 1.0},
    "n-shot": {"xnli_de": 0},
    "config": {"model_args": "pretrained=some/model", "limit": 100},
    "model_name": "some/model",
    "git_hash": "abc1234",
}
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


# What the readers look for.
NAMES = ("results", "xnli_de", "acc,none", "configs", "task_name", "scores", "test", "hf_subset", "accuracy")
NAMES += ("model_info", "evaluation_results", "evaluation_name", "metric_config", "score_details", "score", "details")


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
    assert "Left out, because the catalogue has no such task: Tatoeba xho-eng." in preview.content.decode()
    confirmed(admin_client, preview)
    assert list(Score.objects.order_by("language").values_list("run__system", "language", "value")) == [
        ("some/encoder", "de", 97.5),
        ("some/encoder", "sw", 60.0),
    ]
    assert Score.objects.first().protocol.label == "test split, MTEB, as printed"


def test_a_file_of_a_tool_without_a_source_is_refused(admin_client, paper):
    page = offered(admin_client, json.dumps(MTEB), "mteb").content.decode()
    assert "The row has no source and no system." in page


# The readers.


def read(kind: str, content) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    reading = FORMATS[kind].read(content if isinstance(content, str) else json.dumps(content), "file")
    return list(reading.rows), reading.left_out


def test_lm_evaluation_harness():
    rows, left_out = read("lm_eval", LM_EVAL)
    found = [(row["task"], row["language"], row["metric"], row["value"], row["split"]) for row in rows]
    assert found == [
        ("xnli", "de", "accuracy", "57.0", "validation"),
        ("xquad", "el", "exact_match", "50.0", "test"),
        ("xquad", "el", "f1", "62.5", "test"),
    ]
    assert rows[0]["system"] == "some/model"
    assert rows[0]["protocol"] == "lm-evaluation-harness; task version 1.0; 0-shot; first 100 items"
    assert rows[0]["note"] == "xnli_de, acc,none; harness abc1234"
    assert left_out == ("xnli_eu", "arc_easy")


@pytest.mark.parametrize("value", [57.0, -0.1, "0.5", None, True])
def test_a_share_that_is_none_is_refused(value):
    with pytest.raises(RecipeError, match="xnli_de, acc,none: the tool gives shares from 0 to 1"):
        read("lm_eval", {"results": {"xnli_de": {"acc,none": value}}})


def test_bucc_of_mteb_is_marked_as_another_task():
    """It looks for pairs among the gold pairs alone, which is far easier than in XTREME's pools."""
    scores = {"test": [{"hf_subset": "de-en", "f1": 0.99}]}
    rows, _ = read("mteb", {"task_name": "BUCC.v2", "scores": scores})
    assert [(row["task"], row["language"], row["protocol"]) for row in rows] == [
        ("bucc2018", "de", "MTEB; gold pairs only")
    ]


@pytest.mark.parametrize("kind", ["lm_eval", "mteb", "every_eval_ever"])
@pytest.mark.parametrize("content", ["", "nonsense", "[]", "{}", "3", '{"results": 3}'])
def test_what_is_no_result_of_the_tool_is_refused(kind, content):
    with pytest.raises(RecipeError):
        read(kind, content)


KEYS = st.sampled_from(NAMES) | st.text(max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", ["lm_eval", "mteb", "every_eval_ever"])
@settings(max_examples=50)
@given(content=JSON)
def test_any_json_is_read_or_refused_with_a_sentence(kind, content):
    with contextlib.suppress(RecipeError):
        rows, left_out = read(kind, content)
        assert all(row.keys() == set(COLUMNS) for row in rows)
        assert all(isinstance(name, str) for name in left_out)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("mteb", {"task_name": "Tatoeba", "scores": {"test": 3}}),
        ("mteb", {"task_name": "Tatoeba", "scores": {"test": ["deu-eng"]}}),
        ("every_eval_ever", {"model_info": {"name": "M"}, "evaluation_results": [3]}),
        ("every_eval_ever", "[" * 100_000),
        ("lm_eval", "[" * 100_000),
    ],
)
def test_results_of_another_shape_are_refused_with_a_sentence(kind, content):
    with pytest.raises(RecipeError, match="is not nested as the tool's results are|cannot be read as JSON"):
        read(kind, content)


def test_our_own_records_of_every_eval_ever_come_back_as_they_went(paper):
    load(own_scores(), own_sources())
    went = [score for score in every_score(unverified=True, by_run=True) if score.source == "rembert2020-table16"]
    text = b"".join(bulk.json_lines(every_eval_ever.records(went))).decode()

    rows, left_out = read("every_eval_ever", text)

    assert left_out == ()
    back = scores_of(({**row, "source": "rembert2020-table16"} for row in rows), "file")
    assert compare(back).changes == ()
    assert compare(back).unchanged == 50


def test_scores_of_other_scales_are_brought_to_percent():
    record = {
        "model_info": {"name": "M", "id": "m"},
        "eval_library": {"name": "helm", "version": "0.5"},
        "evaluation_results": [
            {
                "evaluation_name": "xnli",
                "source_data": {"hf_split": "val", "additional_details": {"language": "de"}},
                "metric_config": {"evaluation_description": "accuracy", "min_score": 0, "max_score": 1},
                "score_details": {"score": 0.25},
            },
            {"evaluation_name": "mmlu", "metric_config": {}, "score_details": {"score": 0.5}},
        ],
    }
    rows, left_out = read("every_eval_ever", [record])
    assert [(row["system"], row["language"], row["value"], row["split"]) for row in rows] == [
        ("M", "de", "25.0", "validation")
    ]
    assert rows[0]["note"] == "evaluated with helm 0.5"
    assert left_out == ("mmlu",)
