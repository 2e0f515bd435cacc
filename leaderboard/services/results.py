"""Results: what a stage measured and made becomes scores and artifacts, for every run that has the stage.

The functions that write expect to run inside the transaction that also changes the stage's status.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from leaderboard.models import Artifact, DiagnosticValue, Protocol, Run, Score, Stage
from runner.scoring.alignment import MEASURES
from runner.spec import SCORER_VERSION, Noise, fingerprint
from runner.tasks import registry
from runner.tasks.kinds import THRESHOLD_SPLIT

Event = Mapping[str, Any]
# (language, metric) -> value in 0..100, and how many items it is over.
Measured = Mapping[tuple[str, str], tuple[float, int | None]]
# What single precision may leave of a value that lies on the edge of its range.
ROUNDING = 1e-5


class ResultError(Exception):
    """The engine reported what cannot be true: a bug of this project, never the submitter's."""


def folder(stage: Stage) -> Path:
    """Where the stage's files lie. The first two letters keep directories small."""
    return settings.ARTIFACT_DIR / stage.fingerprint[:2] / stage.fingerprint


def protocol_for(stage: Stage) -> Protocol:
    """The protocol that an evaluation stage scores under; equal protocols are one row."""
    plan = stage.spec["plan"]
    # The hashes of the data that was read stand with the stage, not here: they cover the languages of this
    # evaluation, and a run that was evaluated on fewer languages must stay comparable on those. A pinned
    # revision is the same for all languages, so it may tell two protocols apart.
    values = {
        "task": plan["task"],
        "split": plan["split"],
        "limit": plan["limit"],
        "max_length": plan["max_length"],
        "layer": plan["layer"],
        "pooling": plan["pooling"],
        "precision": plan["precision"],
        "scorer_version": SCORER_VERSION,
        "data": registry.task(plan["task"]).splits[plan["split"]].revision or "",
    }
    if noise := _noise(plan):
        # Named only where there is some: protocols from before noise keep their fingerprint.
        values["noise"] = noise.label
    return _protocol(values, _label(plan))


def protocol_of_upload(task: str, split: str) -> Protocol:
    """The protocol of predictions from elsewhere: all items of the split; how they were made is not known here."""
    values = {
        "task": task,
        "split": split,
        "limit": None,
        "max_length": None,
        "layer": None,
        "pooling": "",
        "precision": "",
        "scorer_version": SCORER_VERSION,
        "data": registry.task(task).splits[split].revision or "",
    }
    return _protocol(values, f"{split} split, uploaded predictions")


def _protocol(values: Mapping[str, Any], label: str) -> Protocol:
    fields = {**values, "task_id": values["task"], "label": label}
    del fields["task"]
    protocol, _ = Protocol.objects.get_or_create(fingerprint=fingerprint(values), defaults=fields)
    return protocol


def _noise(plan: Mapping[str, Any]) -> Noise | None:
    return Noise(**plan["noise"]) if plan.get("noise") else None


def _label(plan: Mapping[str, Any]) -> str:
    """What distinguishes the protocol, in a few words; published defaults go without saying."""
    parts = [f"{plan['split']} split"]
    pools = registry.task(plan["task"]).pools
    if plan["limit"]:
        parts.append(f"first {plan['limit']} {'gold pairs, pools cut in proportion' if pools else 'items'}")
    if pools and plan["split"] == THRESHOLD_SPLIT:
        parts.append("threshold fitted on the pools that are scored")
    if plan["layer"] is not None:
        parts += [f"layer {plan['layer']}", f"{plan['pooling']} pooling"]
    if plan["max_length"] != registry.task(plan["task"]).training.max_length:
        parts.append(f"{plan['max_length']} tokens")
    if plan["precision"] != "fp32":
        parts.append(plan["precision"])
    if noise := _noise(plan):
        parts.append(f"noise: {noise.label}")
    return ", ".join(parts)


@transaction.atomic
def record_scores(stage: Stage, events: Iterable[Event]) -> list[Score]:
    """Write the score events of an evaluation for every run that has the stage; repeating it changes nothing.

    ResultError where a planned language has no headline score, or an event is outside the plan or 0..100.
    """
    events = list(events)
    _check(stage, events)
    if not events:
        return []
    measured = {(event["language"], event["metric"]): (event["value"], event["n"]) for event in events}
    return _write(stage.runs.order_by("pk"), stage, protocol_for(stage), measured)


def _check(stage: Stage, events: list[Event]) -> None:
    if stage.action != Stage.Action.EVALUATE:
        if events:
            raise ResultError(f"{stage.title} reported {len(events)} scores, but only an evaluation has any.")
        return
    plan = stage.spec["plan"]
    task = registry.task(plan["task"])
    for event in events:
        cell = f"{event['task']}, {event['language']}, {event['metric']}"
        if event["task"] != task.slug or event["language"] not in plan["languages"]:
            raise ResultError(f"{stage.title} reported a score for {cell}, which was not asked for.")
        if event["metric"] not in task.metrics:
            raise ResultError(f"{stage.title} reported {cell}; the metrics are {', '.join(task.metrics)}.")
        if not math.isfinite(event["value"]) or not 0 <= event["value"] <= 100:
            raise ResultError(f"{stage.title} reported {event['value']} for {cell}; scores lie in 0..100.")
    reported = {(event["language"], event["metric"]) for event in events}
    for language in plan["languages"]:
        if missing := [metric for metric in task.headline_metrics if (language, metric) not in reported]:
            raise ResultError(f"{stage.title} reported no {' and no '.join(missing)} for {language}.")


def _write(runs: Iterable[Run], stage: Stage, protocol: Protocol, measured: Measured) -> list[Score]:
    """The scores of `stage` for each of `runs`; those that are there already become its own."""
    runs = list(runs)
    try:
        return _put(runs, stage, protocol, measured)
    except IntegrityError:
        # Another stage of a run, on other languages, has measured a cell of this one meanwhile: it is there now.
        return _put(runs, stage, protocol, measured)


@transaction.atomic
def _put(runs: list[Run], stage: Stage, protocol: Protocol, measured: Measured) -> list[Score]:
    """One query to look, and a statement for what is new and for what is changed, not for each score."""
    found = {
        (score.run_id, score.language_id, score.metric): score
        for score in Score.objects.filter(run__in=runs, protocol=protocol)
    }
    new, changed, scores = [], [], []
    for run in runs:
        # In an order of their own: two stages that measure the same cells must not wait for each other.
        for (language, metric), (value, n) in sorted(measured.items()):
            score = found.get((run.pk, language, metric))
            if score is None:
                score = Score(run=run, task_id=protocol.task_id, language_id=language, metric=metric, protocol=protocol)
                new.append(score)
            elif (score.value, score.n, score.stage_id) != (value, n, stage.pk):
                changed.append(score)
            score.value, score.n, score.stage = value, n, stage
            scores.append(score)
    Score.objects.bulk_create(new)
    Score.objects.bulk_update(changed, ["value", "n", "stage"])
    return scores


@transaction.atomic
def attach_done_stages(run: Run, stages: Iterable[Stage]) -> int:
    """Give a run that joins `stages` the scores that they have already; returns how many.

    Call it for all stages that a run joins, after the links are made: the rows are locked first, so that a worker
    that finishes one of them at this moment either sees the link or is seen here. A stage that is not done gives
    nothing now; its scores come when it is.
    """
    joined = Stage.objects.filter(pk__in=[stage.pk for stage in stages]).select_for_update().order_by("pk")
    done = [stage for stage in joined if (stage.status, stage.action) == (Stage.Status.DONE, Stage.Action.EVALUATE)]
    return sum(_attach(run, stage) for stage in done)


def _attach(run: Run, stage: Stage) -> int:
    others = list(stage.scores.exclude(run=run).select_related("protocol"))
    copied = {(score.language_id, score.metric): (score.value, score.n) for score in others}
    if copied:
        _write([run], stage, others[0].protocol, copied)
    elif not stage.scores.exists():
        # Its scores went with the runs that had them: the evaluation is done again, the training is not.
        Stage.objects.filter(pk=stage.pk).update(status=Stage.Status.WAITING, finished=None, sent=None, done=0)
    return len(copied)


@transaction.atomic
def record_diagnostics(stage: Stage, events: Iterable[Event]) -> None:
    """Write the diagnostic events of a stage that measures alignment; repeating it changes nothing.

    ResultError where a planned language lacks a layer, or a value is missing or cannot be.
    """
    events = list(events)
    if stage.action != Stage.Action.ALIGN:
        if events:
            raise ResultError(f"{stage.title} reported {len(events)} diagnostics, but was not asked for any.")
        return
    layers = range(stage.spec["encoder"]["layers"] + 1)
    wanted = {(language, layer) for language in stage.spec["plan"]["languages"] for layer in layers}
    found = {(event["language"], event["layer"]) for event in events}
    if found != wanted:
        language, layer = min(found ^ wanted)
        fault = "no" if (language, layer) in wanted else "an unexpected"
        raise ResultError(f"{stage.title} reported {fault} measurement of {language} in layer {layer}.")
    rows = [
        DiagnosticValue(
            stage=stage,
            language_id=event["language"],
            layer=event["layer"],
            measure=name,
            value=_in_range(stage, event, name),
            n=event["n"],
        )
        for event in events
        for name in MEASURES
    ]
    DiagnosticValue.objects.filter(stage=stage).delete()
    DiagnosticValue.objects.bulk_create(rows, batch_size=2000)


def _in_range(stage: Stage, event: Event, name: str) -> float:
    value, measure = event["values"].get(name), MEASURES[name]
    if value is None or not measure.low - ROUNDING <= value <= measure.high + ROUNDING:
        raise ResultError(
            f"{stage.title} reported {value} for {name} of {event['language']} in layer {event['layer']}; it lies in "
            f"{measure.low:g}..{measure.high:g}."
        )
    return min(max(value, measure.low), measure.high)


@transaction.atomic
def record_artifacts(stage: Stage, events: Iterable[Event]) -> list[Artifact]:
    """Write a row for each file that the stage made; ResultError where one is absent or has another size."""
    artifacts = []
    for event in events:
        path = _inside(stage, event["path"])
        if not path.is_file():
            raise ResultError(f"{stage.title} reported the file {event['path']}, which is not there.")
        if (size := path.stat().st_size) != event["size"]:
            raise ResultError(f"{stage.title} reported {event['size']} bytes for {event['path']}, which has {size}.")
        artifact, _ = Artifact.objects.update_or_create(
            path=path.relative_to(settings.ARTIFACT_DIR).as_posix(),
            defaults={"stage": stage, "kind": event["kind"], "sha256": event["sha256"], "size": size},
        )
        artifacts.append(artifact)
    return artifacts


def _inside(stage: Stage, name: str) -> Path:
    """The file of that name in the stage's folder; ResultError for a name that leads out of it."""
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts:
        raise ResultError(f"{stage.title} reported the file {name}, which is outside its folder.")
    return folder(stage) / relative
