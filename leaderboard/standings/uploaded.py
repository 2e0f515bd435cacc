"""Uploads beside what ran here: the column that they stand in, and the items that they are compared by.

An upload is scored on the items of the test set by the scorer of local runs. What is not known is how its predictions
were made, which for a system from outside belongs to the system. So it stands in the column of the rows from here,
which says so (docs/uploads.md); its scores keep the protocol of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from leaderboard.models import Artifact, Run
from leaderboard.standings import uncertainty
from leaderboard.standings.records import NO_SEED, Entry, ProtocolValue
from leaderboard.standings.table import Measured
from runner.scoring.layout import task_of_items


def joined(protocols: Mapping[int, ProtocolValue], used: Iterable[tuple[str, int]], asked: str = "") -> dict[int, int]:
    """Protocol of uploads -> the one from here whose column they stand in: on the same items, under the same scorer.

    Of several, the one that most rows have, as the overall chooses; `used` are the rows with their protocols. A
    protocol whose fingerprint begins with `asked` keeps its column.
    """
    uploads = [one for one in protocols.values() if one.uploaded and not (asked and one.fingerprint.startswith(asked))]
    if not uploads:
        return {}
    rows = Counter(pk for _, pk in set(used) if pk in protocols)
    found = {}
    for upload in uploads:
        same = [one for one in protocols.values() if rows[one.pk] and _same_items(one, upload)]
        if same:
            found[upload.pk] = min(same, key=lambda one: (-rows[one.pk], one.label, one.pk)).pk
    return found


def _same_items(one: ProtocolValue, upload: ProtocolValue) -> bool:
    """Whether `one` is a protocol from here that measures what the upload was measured on."""

    def measured(protocol: ProtocolValue) -> tuple[object, ...]:
        return protocol.task, protocol.split, protocol.limit, protocol.noise, protocol.data, protocol.scorer_version

    return not one.published and not one.uploaded and measured(one) == measured(upload)


def with_items(
    scores: Mapping[tuple[str, int], Measured], entries: Collection[Entry], protocols: Mapping[int, ProtocolValue]
) -> dict[tuple[str, int], Measured]:
    """`scores`, in which the uploads among `entries` know the files of their items. One query, or none."""
    there = {key for key, _ in scores}
    uploads = {
        entry.key: entry.runs[0].pk for entry in entries if entry.origin == Run.Origin.UPLOADED and entry.key in there
    }
    if not uploads:
        return dict(scores)
    found = Artifact.objects.filter(kind="items", run__in=uploads.values()).values_list("run_id", "path", "pk")
    items = {(run, task_of_items(path.rpartition("/")[2])): pk for run, path, pk in found}
    made = dict(scores)
    for (key, protocol), measured in scores.items():
        if key in uploads and (artifact := items.get((uploads[key], protocols[protocol].task))):
            made[key, protocol] = replace(measured, stages={NO_SEED: frozenset({uncertainty.of_upload(artifact)})})
    return made
