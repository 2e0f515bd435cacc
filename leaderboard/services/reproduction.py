"""Reproducing a run without this leaderboard: its stage files, the exact commands, and what they were run with."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from django.conf import settings

from leaderboard.models import Run, Stage
from leaderboard.services import encoders
from runner import spec
from runner.errors import RecipeError

OUTPUT = "reproduction"
LOCK_FILE = "requirements.txt"


@dataclass(frozen=True)
class Step:
    """One stage: its file, and the command that runs it from the root of the repository."""

    title: str
    path: str
    content: str
    command: str


@dataclass(frozen=True)
class Reproduction:
    """The steps of a run, parents first.

    `lock` is the SHA-256 of the lock file here, `other_locks` are those that stages ran with; `encoder_folder` is
    where the encoder is read, empty where it comes from the hub.
    """

    steps: tuple[Step, ...]
    lock: str
    other_locks: tuple[str, ...]
    revisions: tuple[str, ...]
    encoder_folder: str
    encoder_revision: str

    def readme(self) -> str:
        """What to do, as a shell script with comments."""
        lines = [
            "#!/bin/sh",
            f"# From the root of the repository, with the versions of {LOCK_FILE} (SHA-256 {self.lock}).",
        ]
        lines += [f"# The program's revision was {revision}." for revision in self.revisions]
        if self.encoder_folder:
            lines.append(f"# The encoder's files go to {self.encoder_folder}: their hash is {self.encoder_revision}.")
        lines += ["# DATA_DIR: the local mirror of the data; without it, the hub is read.", "set -eu", ""]
        return "\n".join([*lines, *(step.command for step in self.steps), ""])


def of_run(run: Run) -> Reproduction:
    """RecipeError where the run has no stages, or stages of another version of the engine."""
    rows = in_order(list(run.stages.all()))
    if not rows:
        raise RecipeError("This run has no stages: it did not run here.")
    first = spec.Stage.from_dict(rows[0].spec)
    folder = f"{OUTPUT}/encoders/{first.encoder.slug}" if encoders.is_folder(first.encoder.location) else ""
    return Reproduction(
        steps=tuple(_step(row, folder) for row in rows),
        lock=(lock := lock_hash()),
        other_locks=tuple(sorted(_environments(rows, "lock") - {lock})),
        revisions=tuple(sorted(_environments(rows, "git_revision"))),
        encoder_folder=folder,
        encoder_revision=first.encoder.revision,
    )


def _environments(rows: Sequence[Stage], name: str) -> set[str]:
    """What the stages recorded under `name`."""
    return {row.environment[name] for row in rows if row.environment.get(name)}


def in_order(stages: Sequence[Stage]) -> list[Stage]:
    """Parents before what starts from them."""
    placed: dict[int, Stage] = {}
    left = list(stages)
    keys = {stage.pk for stage in stages}
    while left:
        now = [stage for stage in left if stage.parent_id not in keys or stage.parent_id in placed]
        placed |= {stage.pk: stage for stage in now}
        left = [stage for stage in left if stage.pk not in placed]
    return list(placed.values())


def lock_hash() -> str:
    """SHA-256 of the lock file as it is installed here."""
    return hashlib.sha256((settings.BASE_DIR / LOCK_FILE).read_bytes()).hexdigest()


def archive(found: Reproduction) -> bytes:
    """A zip file with the stage files, the lock file and a script that runs all."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for step in found.steps:
            file.writestr(step.path, step.content)
        file.writestr(f"{OUTPUT}/run.sh", found.readme())
        file.writestr(f"{OUTPUT}/{LOCK_FILE}", (settings.BASE_DIR / LOCK_FILE).read_bytes())
    return buffer.getvalue()


def _step(row: Stage, encoder_folder: str) -> Step:
    stage = spec.Stage.from_dict(row.spec)
    if encoder_folder:
        # Where it lies is no part of a stage's identity, and this machine's folders are nobody's business.
        stage = replace(stage, encoder=replace(stage.encoder, location=encoder_folder))
    path = f"{OUTPUT}/{row.fingerprint}.json"
    job = spec.Job(
        stage=stage,
        output=f"{OUTPUT}/{row.fingerprint}",
        parent_output=f"{OUTPUT}/{stage.parent}" if stage.parent else None,
    )
    content = json.dumps(json.loads(job.to_json()), indent=2, ensure_ascii=False) + "\n"
    return Step(row.title, path, content, f"python -m runner {Path(path)}")
