"""Records of Every Eval Ever as rows: eval.schema.json 0.2 and 0.3 of github.com/evaleval/every_eval_ever.

The schema leaves open how a task, its language and its metric are called. Read are this project's own names, in the
details that `leaderboard.exports.every_eval_ever` writes; the names that lm-evaluation-harness's results keep when they
are converted; and the language as the evaluation's name beside the task as its data set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from leaderboard.published import lm_eval
from leaderboard.published.reading import (
    Reading,
    Row,
    has,
    is_number,
    part,
    read_object,
    row,
    split_of,
    standard_error,
    whatever_its_shape,
)
from runner.errors import RecipeError
from runner.tasks import registry
from runner.tasks.languages import LANGUAGES

OUR_LIBRARY = "intermediate-task-transfer-leaderboard"
NAMES = {language.name: code for code, language in LANGUAGES.items()}
METRICS = {**lm_eval.METRICS, "em": "exact_match"}
# What a score is out of, where a record says the unit and not the range.
UNITS = {"percent": (0, 100), "proportion": (0, 1)}
# The schema's own word for a split that has another one at the hub.
SPLITS = {"val": "validation"}


@whatever_its_shape
def every_eval_ever(text: str, name: str) -> Reading:
    """One record, a list of them, or one a line; any scale is brought to percent."""
    rows: list[Row] = []
    left_out: list[str] = []
    for record in _records(text, name):
        results = record.get("evaluation_results")
        if not isinstance(results, list) or "model_info" not in record:
            raise RecipeError(f"{name} has no 'model_info' and 'evaluation_results': it is not of Every Eval Ever.")
        for result in results:
            found = _row(record, result, name)
            if found is None:
                left_out.append(str(result.get("evaluation_name")))
            else:
                rows.append(found)
    return Reading(tuple(rows), tuple(dict.fromkeys(left_out)))


def _row(record: dict[str, Any], result: dict[str, Any], name: str) -> Row | None:
    """One result; None where its task, language or metric is none of the catalogue's."""
    data, score = part(result, "source_data"), part(result, "score_details")
    details, uncertainty = part(score, "details"), part(score, "uncertainty")
    cell = _cell(result)
    if cell is None:
        return None
    task, language = cell
    metric = _metric(part(result, "metric_config"), registry.TASKS[task].metrics)
    if metric is None:
        return None
    low, high = _range(part(result, "metric_config"), f"{name}: the score of {task}")
    value = score.get("score")
    if not is_number(value):
        raise RecipeError(f"{name}: the score of {task} is a number between {low:g} and {high:g}, found {value!r}.")
    scale = 100 / (high - low)
    error = part(uncertainty, "standard_error").get("value")
    hub = SPLITS.get(str(data.get("hf_split")), str(data.get("hf_split") or ""))
    model = part(record, "model_info")
    return row(
        system=str(model.get("name") or model.get("id") or ""),
        task=task,
        language=language,
        metric=metric,
        value=repr(round(scale * (value - low), 10)),
        n=uncertainty.get("num_samples"),
        split=str(part(data, "additional_details").get("split") or split_of(task, hub)),
        protocol=[_protocol(part(record, "eval_library"), details)],
        notes=[str(details.get("note") or _evaluated_with(part(record, "eval_library"))), standard_error(error, scale)],
    )


def _cell(result: Mapping[str, Any]) -> tuple[str, str] | None:
    """The task and the language, empty for a mean over languages; None where the catalogue has no such cell."""
    data = part(result, "source_data")
    of_data, details = part(data, "additional_details"), part(part(result, "score_details"), "details")
    evaluation, dataset = str(result.get("evaluation_name") or ""), str(data.get("dataset_name") or "")
    for named in (evaluation, dataset):
        if found := lm_eval.task_of(named):
            return found
    language = str(details.get("language") or of_data.get("language") or "")
    for task in (of_data.get("task"), evaluation):
        if task in registry.TASKS:
            return (task, language) if not language or has(task, language) else None
    # The data set alone does not say that a score is the mean over its languages.
    language = language or NAMES.get(evaluation, "")
    return (dataset, language) if dataset in registry.TASKS and has(dataset, language) else None


def _metric(config: Mapping[str, Any], known: tuple[str, ...]) -> str | None:
    names = [part(config, "additional_details").get("metric")]
    names += [config.get(key) for key in ("metric_id", "metric_name", "metric_kind", "evaluation_description")]
    said = (str(name).lower().replace(" ", "_") for name in names if name)
    return next((metric for name in said if (metric := METRICS.get(name, name)) in known), None)


def _range(config: Mapping[str, Any], where: str) -> tuple[float, float]:
    """What a score lies between; never guessed, for 0.9 may be 90 percent or not one."""
    low, high = config.get("min_score"), config.get("max_score")
    if low is None and high is None:
        low, high = UNITS.get(str(config.get("metric_unit")), (None, None))
    if not is_number(low) or not is_number(high) or not low < high:
        raise RecipeError(f"{where} is to have a min_score below its max_score, found {low!r} and {high!r}.")
    return low, high


def _protocol(library: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    """Its own words where it has some, else the tool: other tools' numbers share no column."""
    said = str(details.get("protocol") or "")
    if not said:
        return "" if library.get("name") == OUR_LIBRARY else _tool(library)
    # A label of this project's own is said already by its parts.
    said = said.removesuffix(", as printed").removesuffix(", mean over languages")
    return re.sub(r"^(\w+ split|split not stated)(, )?", "", said)


def _evaluated_with(library: Mapping[str, Any]) -> str:
    return f"evaluated with {library['name']} {library.get('version', '')}".strip() if _tool(library) else ""


def _tool(library: Mapping[str, Any]) -> str:
    """The tool, where the record knows it: `unknown` is the schema's word for what it must name and cannot."""
    name = str(library.get("name") or "")
    return "" if name == "unknown" else name


def _records(text: str, name: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError:
        found = [
            read_object(line, f"{name}, line {number}")
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip()
        ]
    records = found if isinstance(found, list) else [found]
    if not records or not all(isinstance(record, dict) for record in records):
        raise RecipeError(f"{name} holds no record of Every Eval Ever.")
    return records
