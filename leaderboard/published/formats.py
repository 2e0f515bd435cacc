"""Results of other tools as rows of a table of published results: lm-evaluation-harness, MTEB, Every Eval Ever.

Each reader takes the text of a file. What the catalogue has no task, language or metric for is left out and named;
what the catalogue has, but cannot be right, is refused with the whole file. Standard library only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from leaderboard.published.tables import COLUMNS, LONGEST_PROTOCOL, REQUIRED, rows_of
from runner.errors import RecipeError
from runner.tasks import registry
from runner.tasks.xtreme import TATOEBA_CODES

Row = dict[str, str]


@dataclass(frozen=True)
class Reading:
    """The rows of a file, and the names of what was left out; `source` and `system` may be for the user to say."""

    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A kind of file that can be imported; `names_system` says whether it names the system that was measured."""

    key: str
    title: str
    read: Callable[[str, str], Reading]
    names_system: bool = True


def _whatever_its_shape(read: Callable[[str, str], Reading]) -> Callable[[str, str], Reading]:
    """`read`, which may take for granted how a file is nested: one that is not is refused with a sentence."""

    @wraps(read)
    def refusing(text: str, name: str) -> Reading:
        try:
            return read(text, name)
        except (AttributeError, IndexError, KeyError, TypeError, RecursionError) as error:
            raise RecipeError(f"{name} is not nested as the tool's results are.") from error

    return refusing


def table(text: str, name: str) -> Reading:
    """A table of published results in CSV, with COLUMNS."""
    return Reading(tuple(rows_of(text, name, COLUMNS, tuple(c for c in REQUIRED if c not in ("source", "system")))))


# lm-evaluation-harness: its task names, with the language in them, and its metrics.
LM_EVAL_TASKS = {
    re.compile(r"xnli_([a-z]{2})"): "xnli",
    re.compile(r"paws_([a-z]{2})"): "paws_x",
    re.compile(r"xquad_([a-z]{2})"): "xquad",
    # Context and question in one language: XTREME's pairs.
    re.compile(r"mlqa_([a-z]{2})_\1"): "mlqa",
}
LM_EVAL_METRICS = {"acc": "accuracy", "f1": "f1", "exact_match": "exact_match"}


@_whatever_its_shape
def lm_eval(text: str, name: str) -> Reading:
    """`results_*.json` of lm-evaluation-harness 0.4 and later: shares from 0 to 1, by task and `metric,filter`."""
    content = _object(text, name)
    results = content.get("results")
    if not isinstance(results, dict):
        raise RecipeError(f"{name} has no 'results' by task: it is no result of lm-evaluation-harness.")
    rows: list[Row] = []
    left_out: list[str] = []
    for task, values in results.items():
        found = next(((slug, hit[1]) for form, slug in LM_EVAL_TASKS.items() if (hit := form.fullmatch(task))), None)
        if found is None or not _has(*found) or not isinstance(values, dict):
            left_out.append(task)
            continue
        rows += _lm_eval_rows(task, *found, values, content)
    return Reading(tuple(rows), tuple(left_out))


def _lm_eval_rows(task: str, slug: str, language: str, values: Mapping[str, Any], content: dict) -> Iterator[Row]:
    configuration = _part(_part(content, "configs"), task)
    shots = _part(content, "n-shot").get(task, configuration.get("num_fewshot"))
    version = _part(content, "versions").get(task)
    words = [
        "lm-evaluation-harness",
        f"task version {version}" if version is not None else "",
        f"{shots}-shot" if shots is not None else "",
        _limit(_part(content, "config").get("limit")),
    ]
    for key, value in values.items():
        metric, _, pipeline = key.partition(",")
        if pipeline != "none" or metric not in LM_EVAL_METRICS:
            continue
        yield _row(
            system=str(content.get("model_name") or _part(content, "config").get("model_args") or ""),
            task=slug,
            language=language,
            metric=LM_EVAL_METRICS[metric],
            value=_percent(value, f"{task}, {key}"),
            split=_lm_eval_split(configuration),
            protocol=words,
            note=f"{task}, {key}; harness {content.get('lm_eval_version') or content.get('git_hash') or 'unknown'}",
        )


def _lm_eval_split(configuration: Mapping[str, Any]) -> str:
    """The harness evaluates on the test split where its task names one, else on the validation split."""
    if configuration.get("test_split"):
        return "test"
    return "validation" if configuration.get("validation_split") else ""


def _limit(limit: Any) -> str:
    return f"first {limit:g} items" if isinstance(limit, int | float) else ""


# MTEB: its task names, and what makes its protocol another one than ours.
MTEB_TASKS = {"Tatoeba": ("tatoeba", "accuracy", ""), "BUCC": ("bucc2018", "f1", "gold pairs only")}
MTEB_TASKS |= {"BUCC.v2": MTEB_TASKS["BUCC"]}
ENGLISH = "eng"


@_whatever_its_shape
def mteb(text: str, name: str) -> Reading:
    """One task's result of MTEB 1.11 and later: scores by split, one for each subset. It names no system."""
    content = _object(text, name)
    task, scores = content.get("task_name"), content.get("scores")
    if not isinstance(task, str) or not isinstance(scores, dict):
        raise RecipeError(f"{name} has no 'task_name' and 'scores': it is no result of MTEB.")
    if task not in MTEB_TASKS:
        return Reading((), (task,))
    slug, metric, remark = MTEB_TASKS[task]
    rows: list[Row] = []
    left_out: list[str] = []
    for split, subsets in scores.items():
        for subset in subsets:
            language = _pair_language(str(subset.get("hf_subset", "")))
            if not language or not _has(slug, language) or metric not in subset:
                left_out.append(f"{task} {subset.get('hf_subset')}")
                continue
            rows.append(
                _row(
                    task=slug,
                    language=language,
                    metric=metric,
                    value=_percent(subset[metric], f"{task}, {subset.get('hf_subset')}"),
                    split={"dev": "validation"}.get(split, split),
                    protocol=["MTEB", remark],
                    note=f"{task}, {subset.get('hf_subset')}; MTEB {content.get('mteb_version', 'unknown')}, "
                    f"data {content.get('dataset_revision', 'unknown')}",
                )
            )
    return Reading(tuple(rows), tuple(left_out))


def _pair_language(subset: str) -> str:
    """The language that is paired with English in `deu-eng` or `de-en`; empty for any other pair."""
    languages = {part for part in subset.split("-") if part not in (ENGLISH, "en")}
    if len(languages) != 1 or len(subset.split("-")) != 2:
        return ""
    (language,) = languages
    return {code: short for short, code in TATOEBA_CODES.items()}.get(language, language)


@_whatever_its_shape
def every_eval_ever(text: str, name: str) -> Reading:
    """Records of Every Eval Ever (eval.schema.json, 0.2): one, a list of them, or one a line."""
    rows: list[Row] = []
    left_out: list[str] = []
    for record in _records(text, name):
        results = record.get("evaluation_results")
        if not isinstance(results, list) or "model_info" not in record:
            raise RecipeError(f"{name} has no 'model_info' and 'evaluation_results': it is not of Every Eval Ever.")
        for result in results:
            row = _eee_row(record, result, name)
            if row is None:
                left_out.append(str(result.get("evaluation_name")))
            else:
                rows.append(row)
    return Reading(tuple(rows), tuple(dict.fromkeys(left_out)))


def _eee_row(record: dict[str, Any], result: dict[str, Any], name: str) -> Row | None:
    """One result; None where its task, language or metric is none of the catalogue's."""
    data, metrics, score = (_part(result, key) for key in ("source_data", "metric_config", "score_details"))
    details, of_data = _part(score, "details"), _part(data, "additional_details")
    task = next(
        (
            slug
            for slug in (of_data.get("task"), result.get("evaluation_name"), data.get("dataset_name"))
            if slug in registry.TASKS
        ),
        None,
    )
    metric = str(_part(metrics, "additional_details").get("metric") or metrics.get("evaluation_description") or "")
    language = str(details.get("language") or of_data.get("language") or "")
    if task is None or metric not in registry.TASKS[task].metrics or (language and not _has(task, language)):
        return None
    low, high = metrics.get("min_score", 0), metrics.get("max_score", 100)
    value = score.get("score")
    if not all(isinstance(number, int | float) for number in (low, high, value)) or not low < high:
        raise RecipeError(f"{name}: the score of {task} is a number between min_score and max_score, found {value!r}.")
    split = str(of_data.get("split") or {"val": "validation"}.get(data.get("hf_split"), data.get("hf_split")) or "")
    library = _part(record, "eval_library")
    # A label of this project's own is said already by its parts.
    protocol = str(details.get("protocol") or "").removesuffix(", as printed").removesuffix(", mean over languages")
    return _row(
        system=str(_part(record, "model_info").get("name") or _part(record, "model_info").get("id") or ""),
        task=task,
        language=language,
        metric=metric,
        value=repr(100 * (value - low) / (high - low)),
        split=split,
        protocol=[re.sub(r"^(\w+ split|split not stated)(, )?", "", protocol)],
        note=str(details.get("note") or _evaluated_with(library)),
    )


def _evaluated_with(library: Mapping[str, Any]) -> str:
    """The tool, where the record knows it: `unknown` is the schema's word for what it must name and cannot."""
    if library.get("name") in (None, "", "unknown"):
        return ""
    return f"evaluated with {library['name']} {library.get('version', '')}".strip()


def _records(text: str, name: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except ValueError:
        found = [
            _object(line, f"{name}, line {number}") for number, line in enumerate(text.splitlines(), 1) if line.strip()
        ]
    records = found if isinstance(found, list) else [found]
    if not records or not all(isinstance(record, dict) for record in records):
        raise RecipeError(f"{name} holds no record of Every Eval Ever.")
    return records


FORMATS = {
    one.key: one
    for one in (
        Format("csv", "Table of published results (CSV)", table),
        Format("lm_eval", "lm-evaluation-harness, results (JSON)", lm_eval),
        Format("mteb", "MTEB, result of a task (JSON)", mteb, names_system=False),
        Format("every_eval_ever", "Every Eval Ever (JSON, or one record a line)", every_eval_ever),
    )
}


def _row(*, system: str = "", value: str, protocol: list[str], **columns: str) -> Row:
    words = "; ".join(part for part in protocol if part)[:LONGEST_PROTOCOL]
    return {**dict.fromkeys(COLUMNS, ""), "system": system, "value": value, "protocol": words, **columns}


def _has(task: str, language: str) -> bool:
    return language in registry.TASKS[task].languages


def _percent(share: Any, where: str) -> str:
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise RecipeError(f"{where}: the tool gives shares from 0 to 1, found {share!r}.")
    # Not 100 * share, which would turn 0.57 into 56.99999999999999.
    return repr(round(100 * share, 10))


def _part(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under `key`, empty where there is none."""
    found = content.get(key)
    return found if isinstance(found, dict) else {}


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise RecipeError(f"{name} cannot be read as JSON: {error}.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"{name} holds no JSON object.")
    return content
