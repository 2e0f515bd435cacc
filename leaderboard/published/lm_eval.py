"""Results of lm-evaluation-harness as rows: `results_*.json` of 0.4, and the file that 0.3 and earlier wrote.

What 0.4 writes is `lm_eval/result_schema.py` there; of 0.3, files lie in its repository under `results/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from leaderboard.published.reading import (
    Reading,
    Row,
    has,
    is_number,
    part,
    percent,
    read_object,
    row,
    split_of,
    standard_error,
    whatever_its_shape,
)
from runner.errors import RecipeError

# The harness's names of tasks, with the language in them.
TASKS = {
    re.compile(r"xnli_([a-z]{2})"): "xnli",
    # 0.3 wrote pawsx.
    re.compile(r"pawsx?_([a-z]{2})"): "paws_x",
    re.compile(r"xquad_([a-z]{2})"): "xquad",
    # Context and question in one language: XTREME's pairs.
    re.compile(r"mlqa_([a-z]{2})_\1"): "mlqa",
    re.compile(r"tydiqa_goldp_([a-z]{2})"): "tydiqa",
}
METRICS = {"acc": "accuracy", "f1": "f1", "exact_match": "exact_match"}
# Where `model_args` has the model's name; the first that is there, as the harness itself chooses.
MODEL_ARGUMENTS = ("peft", "delta", "pretrained", "model", "path", "engine")


@whatever_its_shape
def lm_eval(text: str, name: str) -> Reading:
    """A file of results: shares from 0 to 1, by task and `metric,filter` (0.3: by metric alone)."""
    content = read_object(text, name)
    results = content.get("results")
    if not isinstance(results, dict):
        raise RecipeError(f"{name} has no 'results' by task: it is no result of lm-evaluation-harness.")
    rows: list[Row] = []
    left_out: list[str] = []
    for task, values in results.items():
        found = task_of(task)
        if found is None or not isinstance(values, dict):
            left_out.append(f"{task} (a mean of other tasks)" if _is_group(task, content) else task)
            continue
        rows += _rows(task, *found, values, content)
    return Reading(tuple(rows), tuple(left_out))


def task_of(name: str) -> tuple[str, str] | None:
    """The catalogue's task and language that the harness calls `name`; None where there is none."""
    for form, slug in TASKS.items():
        if (hit := form.fullmatch(name)) and has(slug, hit[1]):
            return slug, hit[1]
    return None


def _is_group(task: str, content: Mapping[str, Any]) -> bool:
    return bool(part(content, "group_subtasks").get(task)) or task in part(content, "groups")


def _rows(task: str, slug: str, language: str, values: Mapping[str, Any], content: dict) -> Iterator[Row]:
    configuration, run = part(part(content, "configs"), task), part(content, "config")
    shots = part(content, "n-shot").get(task, configuration.get("num_fewshot", run.get("num_fewshot")))
    version = part(content, "versions").get(task)
    for key, value in values.items():
        metric, _, pipeline = key.partition(",")
        if metric not in METRICS or pipeline not in ("", "none"):
            continue
        yield row(
            system=_system(content),
            task=slug,
            language=language,
            metric=METRICS[metric],
            value=percent(value, f"{task}, {key}"),
            n=part(part(content, "n-samples"), task).get("effective", values.get("sample_len")),
            split=split_of(slug, configuration.get("test_split") or configuration.get("validation_split") or ""),
            protocol=[
                "lm-evaluation-harness",
                f"task version {version}" if version is not None else "",
                f"{shots}-shot" if shots is not None else "",
                _limit(run.get("limit")),
            ],
            notes=[
                f"{task}, {key}",
                standard_error(values.get(f"{metric}_stderr,{pipeline}" if pipeline else f"{metric}_stderr")),
                f"harness {content.get('lm_eval_version') or content.get('git_hash') or 'unknown'}",
            ],
        )


def _limit(limit: Any) -> str:
    """The harness takes a limit below 1 as a share of the items."""
    if not is_number(limit):
        return ""
    return f"first {limit:g} items" if limit >= 1 else f"first {100 * limit:g}% of the items"


def _system(content: Mapping[str, Any]) -> str:
    """The model's name; empty where the file has only a path on somebody's machine, which names nothing."""
    arguments = part(content, "config").get("model_args")
    if isinstance(arguments, str):
        arguments = dict(pair.partition("=")[::2] for pair in arguments.split(","))
    arguments = arguments if isinstance(arguments, dict) else {}
    named = (str(arguments[name]) for name in MODEL_ARGUMENTS if arguments.get(name))
    found = str(content.get("model_name") or next(named, ""))
    return "" if found.startswith(("/", "./", "../", "~")) else found
