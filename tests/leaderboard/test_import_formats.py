"""Files of other tools as rows of published results. The files here have the tools' own keys and nesting, seen in
results that are public (docs/numbers.md names them), and values of their own."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.published.formats import FORMATS
from leaderboard.published.tables import COLUMNS, scores_of
from runner.errors import RecipeError

# As 0.4.9 writes it, with a group whose mean stands among the tasks.
LM_EVAL = {
    "results": {
        "xnli": {"acc,none": 0.5, "acc_stderr,none": 0.002, "alias": "xnli"},
        "xnli_de": {"alias": " - xnli_de", "acc,none": 0.57, "acc_stderr,none": 0.0125},
        "xquad_el": {
            "alias": "xquad_el",
            "exact_match,none": 0.5,
            "exact_match_stderr,none": "N/A",
            "f1,none": 0.625,
            "f1_stderr,none": 0.01,
        },
        "xquad_ro": {"alias": "xquad_ro", "f1,none": 0.5, "f1_stderr,none": 0.01},
        "mlqa_de_de": {"alias": "mlqa_de_de", "exact_match,none": 0.25, "exact_match_stderr,none": 0.01},
        "mlqa_de_ar": {"alias": "mlqa_de_ar", "exact_match,none": 0.125, "exact_match_stderr,none": 0.01},
        "tydiqa_goldp_sw": {"alias": "tydiqa_goldp_sw", "f1,none": 0.75, "f1_stderr,none": 0.02},
        "gsm8k": {"alias": "gsm8k", "exact_match,strict-match": 0.1, "exact_match_stderr,strict-match": 0.01},
    },
    "groups": {"xnli": {"acc,none": 0.5, "acc_stderr,none": 0.002, "alias": "xnli"}},
    "group_subtasks": {"xnli": ["xnli_de"], "xquad_el": [], "gsm8k": []},
    "configs": {
        "xnli_de": {
            "task": "xnli_de",
            "dataset_path": "facebook/xnli",
            "training_split": "train",
            "validation_split": "validation",
            "num_fewshot": 0,
            "metadata": {"version": 1.0},
        },
        "xquad_el": {"task": "xquad_el", "dataset_path": "google/xquad", "validation_split": "validation"},
        "mlqa_de_de": {"task": "mlqa_de_de", "test_split": "test", "validation_split": "validation"},
        "tydiqa_goldp_sw": {"training_split": "train", "validation_split": "validation", "fewshot_split": "train"},
    },
    "versions": {"xnli": 1.0, "xnli_de": 1.0, "xquad_el": 1.0},
    "n-shot": {"xnli_de": 0, "xquad_el": 0},
    "higher_is_better": {"xnli_de": {"acc": True}},
    "n-samples": {
        "xnli_de": {"original": 2490, "effective": 100},
        "xquad_el": {"original": 1190, "effective": 100},
    },
    "config": {
        "model": "hf",
        "model_args": {"pretrained": "some/model", "trust_remote_code": True},
        "model_dtype": "torch.bfloat16",
        "limit": 100.0,
        "bootstrap_iters": 100000,
    },
    "git_hash": "abc1234",
    "date": 1768964383.8,
    "transformers_version": "4.57.6",
    "lm_eval_version": "0.4.9.2",
    "task_hashes": {"xnli_de": "41e4"},
    "model_source": "hf",
    "model_name": "some/model",
    "model_name_sanitized": "some__model",
    "total_evaluation_time_seconds": "12.5",
}
# As 0.3 and earlier wrote it.
LM_EVAL_OLD = {
    "results": {
        "xnli_hi": {"acc": 0.375, "acc_stderr": 0.0068},
        "pawsx_de": {"acc": 0.5465, "acc_stderr": 0.011},
    },
    "versions": {"xnli_hi": 0, "pawsx_de": 0},
    "config": {
        "model": "hf-causal-experimental",
        "model_args": "pretrained=some/model,dtype=float16",
        "num_fewshot": 0,
        "batch_size": "auto",
        "limit": None,
        "bootstrap_iters": 100000,
        "description_dict": {},
    },
}
# As 1.11 and later write it; the file was filled up by a later version.
MTEB = {
    "dataset_revision": "69e8f12da6e31d59addadda9a9c8a2e601a0e282",
    "task_name": "Tatoeba",
    "mteb_version": "1.36.32-1.39.7",
    "evaluation_time": 14.5,
    "kg_co2_emissions": None,
    "scores": {
        "test": [
            {
                "precision": 0.9612,
                "recall": 0.975,
                "f1": 0.97,
                "accuracy": 0.975,
                "main_score": 0.97,
                "hf_subset": "deu-eng",
                "languages": ["deu-Latn", "eng-Latn"],
                "mteb_version": "1.39.7",
            },
            {
                "precision": 0.55,
                "recall": 0.6,
                "f1": 0.57,
                "accuracy": 0.6,
                "main_score": 0.57,
                "hf_subset": "swh-eng",
                "languages": ["swh-Latn", "eng-Latn"],
            },
            {
                "precision": 0.08,
                "recall": 0.1,
                "f1": 0.09,
                "accuracy": 0.1,
                "main_score": 0.09,
                "hf_subset": "xho-eng",
                "languages": ["xho-Latn", "eng-Latn"],
            },
        ]
    },
}
# As versions before 1.11 wrote it.
MTEB_OLD = {
    "dataset_version": None,
    "mteb_version": "0.0.2",
    "test": {
        "de-en": {"accuracy": 0.99, "f1": 0.985, "precision": 0.98, "recall": 0.99},
        "evaluation_time": 1053.52,
        "zh-en": {"accuracy": 0.97, "f1": 0.9625, "precision": 0.96, "recall": 0.97},
    },
    "mteb_dataset_name": "BUCC",
}
# A result of lm-evaluation-harness as every_eval_ever 0.3 converts it.
CONVERTED = {
    "schema_version": "0.3.0",
    "evaluation_id": "xnli_de/some/model/1768964383",
    "retrieved_timestamp": "1768964383",
    "source_metadata": {
        "source_name": "lm-evaluation-harness",
        "source_type": "evaluation_run",
        "source_organization_name": "Somebody",
        "evaluator_relationship": "first_party",
    },
    "eval_library": {"name": "lm_eval", "version": "0.4.9.2"},
    "model_info": {
        "name": "some/model",
        "id": "some/model",
        "developer": "some",
        "inference_engine": {"name": "transformers"},
        "additional_details": {"deployment_type": "unknown", "model_availability": "unknown"},
    },
    "evaluation_results": [
        {
            "evaluation_result_id": "acc",
            "evaluation_name": "xnli_de",
            "source_data": {
                "dataset_name": "xnli_de",
                "source_type": "hf_dataset",
                "hf_repo": "facebook/xnli",
                "hf_split": "validation",
            },
            "evaluation_timestamp": "1768964383",
            "metric_config": {
                "evaluation_description": "acc",
                "metric_id": "accuracy",
                "metric_name": "acc",
                "metric_kind": "accuracy",
                "metric_unit": "proportion",
                "lower_is_better": False,
                "score_type": "continuous",
                "min_score": 0.0,
                "max_score": 1.0,
            },
            "score_details": {
                "score": 0.57,
                "uncertainty": {"standard_error": {"value": 0.0125, "method": "analytic"}, "num_samples": 2490},
            },
        },
        {
            "evaluation_name": "mmlu",
            "source_data": {"dataset_name": "mmlu", "source_type": "other"},
            "metric_config": {"lower_is_better": False},
            "score_details": {"score": 0.5},
        },
    ],
}


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
