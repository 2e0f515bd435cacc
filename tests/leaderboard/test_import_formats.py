"""Files of other tools (tests.leaderboard.foreign_results) as rows of published results."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.published.formats import FORMATS
from leaderboard.published.tables import COLUMNS, scores_of
from runner.errors import RecipeError
from tests.leaderboard.foreign_results import CONVERTED, LM_EVAL, LM_EVAL_OLD, MTEB, MTEB_OLD


def read(kind: str, content) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    reading = FORMATS[kind].read(content if isinstance(content, str) else json.dumps(content), "file")
    return list(reading.rows), reading.left_out


def cells(rows, *more: str) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in ("task", "language", "metric", "value", *more)) for row in rows]


def only(result: dict, **changes) -> dict:
    """A record with one result, some of whose parts are others."""
    return {**CONVERTED, "evaluation_results": [{**result, **changes}]}


XNLI = CONVERTED["evaluation_results"][0]


# lm-evaluation-harness.


def test_lm_evaluation_harness():
    rows, left_out = read("lm_eval", LM_EVAL)
    assert cells(rows, "split", "n") == [
        # The hub's validation split of XNLI is one; of XQuAD and TyDiQA it is the test set.
        ("xnli", "de", "accuracy", "57.0", "validation", "100"),
        ("xquad", "el", "exact_match", "50.0", "test", "100"),
        ("xquad", "el", "f1", "62.5", "test", "100"),
        ("mlqa", "de", "exact_match", "25.0", "test", ""),
        ("tydiqa", "sw", "f1", "75.0", "test", ""),
    ]
    assert left_out == ("xnli (a mean of other tasks)", "xquad_ro", "mlqa_de_ar", "gsm8k")
    assert {row["system"] for row in rows} == {"some/model"}
    assert rows[0]["protocol"] == "lm-evaluation-harness; task version 1.0; 0-shot; first 100 items"
    assert rows[0]["note"] == "xnli_de, acc,none; standard error 1.25; harness 0.4.9.2"
    assert rows[1]["note"] == "xquad_el, exact_match,none; harness 0.4.9.2"
    assert len(scores_of(({**row, "source": "paper"} for row in rows), "file")) == 5


def test_lm_evaluation_harness_before_0_4():
    rows, left_out = read("lm_eval", LM_EVAL_OLD)
    assert cells(rows, "split", "n") == [
        ("xnli", "hi", "accuracy", "37.5", "", ""),
        ("paws_x", "de", "accuracy", "54.65", "", ""),
    ]
    assert left_out == ()
    assert rows[1]["system"] == "some/model"
    assert rows[1]["protocol"] == "lm-evaluation-harness; task version 0; 0-shot"
    assert rows[1]["note"] == "pawsx_de, acc; standard error 1.10; harness unknown"


def test_a_limit_below_one_is_a_share():
    rows, _ = read("lm_eval", {**LM_EVAL, "config": {**LM_EVAL["config"], "limit": 0.1}})
    assert rows[0]["protocol"].endswith("first 10% of the items")


def test_a_path_on_somebodys_machine_names_no_system():
    old = {**LM_EVAL_OLD, "config": {"model_args": "pretrained=/home/somebody/models/7B"}}
    assert {row["system"] for row in read("lm_eval", old)[0]} == {""}


@pytest.mark.parametrize("value", [57.0, -0.1, "0.5", None, True])
def test_a_share_that_is_none_is_refused(value):
    with pytest.raises(RecipeError, match="xnli_de, acc,none: the tool gives shares from 0 to 1"):
        read("lm_eval", {"results": {"xnli_de": {"acc,none": value}}})


# MTEB.


def test_mteb():
    """Accuracy, as XTREME has it, and not MTEB's headline."""
    rows, left_out = read("mteb", MTEB)
    assert cells(rows, "split") == [
        ("tatoeba", "de", "accuracy", "97.5", "test"),
        ("tatoeba", "sw", "accuracy", "60.0", "test"),
    ]
    assert left_out == ("Tatoeba xho-eng",)
    assert rows[0]["note"] == "Tatoeba, deu-eng; MTEB 1.39.7; data 69e8f12da6e31d59addadda9a9c8a2e601a0e282"
    assert rows[1]["note"].startswith("Tatoeba, swh-eng; MTEB 1.36.32-1.39.7;")


def test_mteb_before_1_11():
    rows, left_out = read("mteb", MTEB_OLD)
    assert cells(rows, "split") == [
        ("bucc2018", "de", "f1", "98.5", "test"),
        ("bucc2018", "zh", "f1", "96.25", "test"),
    ]
    assert left_out == ()
    assert rows[0]["note"] == "BUCC, de-en; MTEB 0.0.2"


def test_bucc_of_mteb_is_marked_as_another_task():
    """It looks gold sentences up, which is far easier than to find them in XTREME's pools; its versions differ, too."""
    new = {"task_name": "BUCC.v2", "scores": {"test": [{"hf_subset": "de-en", "f1": 0.99}]}}
    protocols = {row["protocol"] for content in (new, MTEB_OLD) for row in read("mteb", content)[0]}
    assert protocols == {
        "MTEB; gold pairs alone, nearest neighbours without threshold",
        "MTEB; gold sentences in the whole English pool, nearest neighbours without threshold",
    }


@pytest.mark.parametrize("pair", ["eng-deu", "deu-fra", "deu", "eng-eng", ""])
def test_only_what_is_looked_up_among_english_sentences_is_the_same_task(pair):
    scores = {"test": [{"hf_subset": pair, "accuracy": 0.5}]}
    assert read("mteb", {"task_name": "Tatoeba", "scores": scores}) == ([], (f"Tatoeba {pair}",))


def test_other_tasks_of_mteb_are_others_even_by_our_names():
    """MTEB's XNLI tells pairs apart by their similarity."""
    scores = {"test": [{"hf_subset": "de", "max_accuracy": 0.66, "max_ap": 0.7, "main_score": 0.7}]}
    assert read("mteb", {"task_name": "XNLI", "scores": scores}) == ([], ("XNLI",))


# Every Eval Ever.


def test_every_eval_ever():
    rows, left_out = read("every_eval_ever", CONVERTED)
    assert cells(rows, "split", "n", "system") == [
        ("xnli", "de", "accuracy", "57.0", "validation", "2490", "some/model")
    ]
    assert rows[0]["protocol"] == "lm_eval"
    assert rows[0]["note"] == "evaluated with lm_eval 0.4.9.2; standard error 1.25"
    assert left_out == ("mmlu",)


def test_a_list_and_lines_of_records_are_the_same():
    one = read("every_eval_ever", CONVERTED)
    assert read("every_eval_ever", [CONVERTED]) == one
    assert read("every_eval_ever", json.dumps(CONVERTED) + "\n\n") == one


def test_a_language_may_be_the_evaluations_name():
    """As Global MMLU Lite's records have it; a name that is no language is no mean over languages either."""
    data = {"dataset_name": "xnli", "source_type": "other"}
    assert cells(read("every_eval_ever", only(XNLI, evaluation_name="German", source_data=data))[0]) == [
        ("xnli", "de", "accuracy", "57.0")
    ]
    assert read("every_eval_ever", only(XNLI, evaluation_name="Low-resource", source_data=data)) == (
        [],
        ("Low-resource",),
    )


@pytest.mark.parametrize(
    ("scale", "value"),
    [
        ({"min_score": 0, "max_score": 100}, "0.57"),
        ({"min_score": -1, "max_score": 1}, "78.5"),
        ({"metric_unit": "percent"}, "0.57"),
        ({"metric_unit": "proportion", "min_score": None, "max_score": None}, "57.0"),
    ],
)
def test_scores_of_other_scales_are_brought_to_percent(scale, value):
    config = {"metric_name": "Accuracy", "lower_is_better": False, **scale}
    assert cells(read("every_eval_ever", only(XNLI, metric_config=config))[0]) == [("xnli", "de", "accuracy", value)]


@pytest.mark.parametrize("scale", [{}, {"min_score": 0}, {"min_score": 0, "max_score": "Infinity"}])
def test_a_scale_is_never_guessed(scale):
    config = {"metric_name": "acc", "lower_is_better": False, **scale}
    with pytest.raises(RecipeError, match="the score of xnli is to have a min_score below its max_score, found"):
        read("every_eval_ever", only(XNLI, metric_config=config))


# All of them.


@pytest.mark.parametrize("kind", ["lm_eval", "mteb", "every_eval_ever"])
@pytest.mark.parametrize("content", ["", "nonsense", "[]", "{}", "3", '{"results": 3}'])
def test_what_is_no_result_of_the_tool_is_refused(kind, content):
    with pytest.raises(RecipeError):
        read(kind, content)


# What the readers look for.
NAMES = ("results", "xnli_de", "acc,none", "configs", "task_name", "scores", "test", "hf_subset", "accuracy")
NAMES += ("model_info", "evaluation_results", "evaluation_name", "metric_config", "score_details", "score", "details")
NAMES += ("mteb_dataset_name", "config", "model_args", "limit", "uncertainty")
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
