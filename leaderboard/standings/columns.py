"""Which columns a view has: a task under one protocol, the overall, or a task's languages. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from leaderboard.standings.aggregate import mean, shared_parts
from leaderboard.standings.filters import SUITES, Filters, View
from leaderboard.standings.presence import Presence
from leaderboard.standings.records import ProtocolValue
from leaderboard.standings.table import OVERALL, Column, ColumnGroup, Measured
from runner.tasks import registry
from runner.tasks.kinds import Group, Role, Suite, TaskSpec
from runner.tasks.languages import LANGUAGES

GROUP_TITLES = {
    Group.CLASSIFICATION: "Classification",
    Group.TAGGING: "Structured prediction",
    Group.QUESTION_ANSWERING: "Question answering",
    Group.RETRIEVAL: "Retrieval",
    Group.INTERMEDIATE: "Intermediate",
}
METRIC_TITLES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "exact_match": "exact match",
    "f1_em": "mean of F1 and exact match",
    "precision": "precision",
    "recall": "recall",
}

Scores = Mapping[tuple[str, int], Measured]


def suite_tasks(suite: str) -> tuple[str, ...]:
    """The tasks that a suite's overall mean is over."""
    return tuple(task.slug for task in registry.tasks(Role.TARGET, Suite(suite)))


def task_columns(filters: Filters, protocols: Mapping[int, ProtocolValue], presence: Presence) -> list[Column]:
    """A column for each target task and protocol that was measured: the suite's, then stand-ins, then as published.

    The overall comes first where all its tasks were measured, as it is what most look for; else after them.
    """
    catalogue = list(registry.TASKS)
    ordered = sorted(
        (protocol for protocol in protocols.values() if presence.times[protocol.pk]),
        key=lambda protocol: (catalogue.index(protocol.task), protocol.label, protocol.pk),
    )
    columns = [
        column
        for protocol in ordered
        if (task := registry.TASKS[protocol.task]).role is Role.TARGET
        and (column := _task_column(filters, task, protocol, presence)).parts
    ]
    columns = _told_apart(columns)
    # What others print stands apart: their protocols are known only as far as they print them.
    printed = [column for column in columns if protocols[column.protocol].published]
    own = [column for column in columns if column not in printed]
    ours = [column for column in own if not column.stand_in]
    stand_ins = [column for column in own if column.stand_in]
    if ours and filters.view is not View.LANGUAGE:
        overall, counted = overall_column(filters), overall_parts(filters.suite, ours, protocols, presence)
        ours = [overall, *ours] if len(counted) == len(overall.parts) else [*ours, overall]
    return [*ours, *stand_ins, *(replace(column, group="As published") for column in printed)]


def _told_apart(columns: list[Column]) -> list[Column]:
    """Marks the columns whose heads would read the same."""
    heads = Counter((column.task, column.protocol_label) for column in columns)
    return [replace(column, ambiguous=heads[column.task, column.protocol_label] > 1) for column in columns]


def _task_column(filters: Filters, task: TaskSpec, protocol: ProtocolValue, presence: Presence) -> Column:
    stand_in = task.suite is Suite.STAND_IN
    return Column(
        key=f"{task.slug}.{protocol.fingerprint[:8]}",
        title=task.title,
        group="Stand-ins" if stand_in else GROUP_TITLES[task.group],
        parts=_parts(filters, task, protocol.pk, presence),
        total=len(task.languages),
        task=task.slug,
        protocol=protocol.pk,
        protocol_label=protocol.label,
        protocol_fingerprint=protocol.fingerprint,
        split=protocol.split,
        metric=METRIC_TITLES.get(task.headline, task.headline),
        stand_in=stand_in,
    )


def _parts(filters: Filters, task: TaskSpec, protocol: int, presence: Presence) -> tuple[str, ...]:
    wanted = filters.wanted(task)
    if filters.languages != "shared":
        return wanted
    return shared_parts(presence.parts(protocol), wanted)


def overall_column(filters: Filters) -> Column:
    tasks = suite_tasks(filters.suite)
    return Column(
        key=OVERALL,
        title="Overall",
        group=SUITES[filters.suite],
        parts=tasks,
        total=len(tasks),
        detail=f"mean of the {len(tasks)} tasks on their whole test sets",
    )


def overall_parts(
    suite: str, columns: Sequence[Column], protocols: Mapping[int, ProtocolValue], presence: Presence
) -> dict[str, Column]:
    """Task -> the column that counts in the overall: the whole test set, under the protocol of most rows.

    Never a published one: a mean that is computed here has no parts that a source printed as means.
    """
    tasks = suite_tasks(suite)
    rows = {column.key: presence.times[column.protocol] for column in columns}
    chosen: dict[str, Column] = {}
    for column in columns:
        if column.task not in tasks:
            continue
        protocol = protocols[column.protocol]
        if protocol.published or protocol.split != "test" or protocol.limit is not None:
            continue
        best = chosen.get(column.task)
        if best is None or rows[column.key] > rows[best.key]:
            chosen[column.task] = column
    return chosen


def language_columns(filters: Filters, protocol: ProtocolValue, presence: Presence, scores: Scores) -> list[Column]:
    """The task page's columns: the mean, then a column for each language in the order that is asked for."""
    task = registry.TASKS[protocol.task]
    whole = _task_column(filters, task, protocol, presence)
    parts = sorted(whole.parts, key=lambda code: _language_key(filters.order, code, protocol.pk, scores))
    average = replace(whole, key="mean", title="Mean", group="", parts=tuple(parts))
    return [average, *(_language_column(whole, code) for code in parts)]


def _language_key(order: str, code: str, protocol: int, scores: Scores) -> tuple:
    language = LANGUAGES[code]
    if order == "score":
        values = [
            values[code]
            for (_, pk), measured in scores.items()
            if pk == protocol
            for values in measured.by_seed.values()
            if code in values
        ]
        return (not values, -mean(values) if values else 0, code)
    if order == "resource":
        return (-language.size, code)
    if order == "family":
        return (language.family, language.branch, code)
    return (code,)


def _language_column(whole: Column, code: str) -> Column:
    language = LANGUAGES[code]
    return replace(
        whole,
        key=code,
        title=language.name,
        group=language.family,
        parts=(code,),
        total=1,
        detail=f"{language.script}, {language.read}",
    )


def column_groups(columns: Sequence[Column]) -> tuple[ColumnGroup, ...]:
    """Neighbouring columns of one group, for the upper head."""
    return tuple(
        ColumnGroup(title, len(list(members))) for title, members in groupby(columns, lambda column: column.group)
    )
