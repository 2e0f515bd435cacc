"""Scores in the schema of Every Eval Ever (github.com/evaleval/every_eval_ever, eval.schema.json, version 0.3.0).

One record is one run: a model in the schema's words, with a result for each score. Values that the schema has no
place for stand in its `additional_details`, as text, which is all that it takes there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from leaderboard.published.every_eval_ever import OUR_LIBRARY as LIBRARY
from leaderboard.standings.listing import ScoreLine
from runner.spec import ENGINE_VERSION
from runner.tasks import registry

SCHEMA_VERSION = "0.3.0"
# The schema's word for each of ours: "one of train, val or test".
SPLITS = {"train": "train", "validation": "val", "test": "test"}
# Who measured, to whom the model belongs: what is trained here is measured here, and others' predictions too.
RELATIONSHIPS = {"local": "first_party", "uploaded": "third_party", "published": "other"}


def records(scores: Iterable[ScoreLine]) -> Iterator[dict[str, Any]]:
    """A record for each run of `scores`, which must be in the order of their runs."""
    for _, members in groupby(scores, key=lambda score: score.run):
        yield _record(list(members))


def _record(scores: list[ScoreLine]) -> dict[str, Any]:
    first = scores[0]
    printed = first.origin == "published"
    model = _model(first)
    # The newest score dates the record, so that an export that is repeated is the same.
    moment = str(int(max(datetime.fromisoformat(score.created) for score in scores).timestamp()))
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation_id": f"{first.suite}/{model['id']}/run-{first.run}/{moment}",
        "retrieved_timestamp": moment,
        "source_metadata": {
            "source_name": first.source or LIBRARY,
            "source_type": "documentation" if printed else "evaluation_run",
            "source_organization_name": first.source or LIBRARY,
            "evaluator_relationship": RELATIONSHIPS[first.origin],
            "additional_details": _texts({"source": first.source, "origin": first.origin}),
        },
        "eval_library": (
            {"name": "unknown", "version": "unknown"} if printed else {"name": LIBRARY, "version": ENGINE_VERSION}
        ),
        "model_info": model,
        "evaluation_results": [_result(score) for score in scores],
    }


def _model(score: ScoreLine) -> dict[str, Any]:
    name = score.system or " ".join(
        str(part) for part in (score.encoder, score.method, score.intermediate_tasks, score.variant) if part
    )
    details = {
        # The schema asks for both; whether weights can be had is known of no row.
        "deployment_type": "self_deployed" if score.origin == "local" else "unknown",
        "model_availability": "unknown",
        "method": score.method,
        "intermediate_tasks": score.intermediate_tasks,
        "variant": score.variant,
        "translation": score.translation,
        "seed": score.seed,
        "recipe": score.recipe,
    }
    return {"name": name, "id": score.encoder or score.system, "additional_details": _texts(details)}


def _result(score: ScoreLine) -> dict[str, Any]:
    return {
        "evaluation_name": score.task,
        "source_data": _data(score),
        "evaluation_timestamp": score.created,
        "metric_config": {
            "evaluation_description": score.metric,
            "metric_name": score.metric,
            "metric_kind": score.metric,
            "metric_unit": "percent",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0,
            "max_score": 100,
            "additional_details": {"metric": score.metric},
        },
        "score_details": {
            "score": score.value,
            "details": _texts(
                {
                    "language": score.language,
                    "items": score.n,
                    "protocol": score.protocol,
                    "protocol_fingerprint": score.protocol_fingerprint,
                    "status": score.source_status,
                    "note": score.note,
                }
            ),
            **({"uncertainty": {"num_samples": score.n}} if score.n else {}),
        },
    }


def _data(score: ScoreLine) -> dict[str, Any]:
    """Where the items come from, as far as the catalogue says; a split that a source does not state is left out."""
    task = registry.TASKS.get(score.task)
    split = task.splits.get(score.split) if task else None
    details = _texts({"task": score.task, "language": score.language, "split": score.split})
    if split is None:
        return {"dataset_name": score.task, "source_type": "other", "additional_details": details}
    found = {
        "dataset_name": score.task,
        "source_type": "hf_dataset",
        "hf_repo": split.dataset,
        "hf_split": SPLITS[score.split],
        "additional_details": details,
    }
    return {**found, "samples_number": score.n} if score.n else found


def _texts(details: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in details.items() if value not in ("", None)}
