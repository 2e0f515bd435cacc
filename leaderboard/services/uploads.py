"""Uploads: predictions in XTREME's layout become a run with scores, or nothing is kept of them.

The order is: names and sizes, then the files themselves beside the gold data, in a process of its own
(`runner.evaluation.uploaded`: the gold data are Parquet, which the web process does not read), then the database. What
was sent before is known by its content, and is one run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.conf import settings
from django.db import IntegrityError, transaction

from leaderboard.models import Artifact, Run, Score, Upload
from leaderboard.services import archives, withdrawals
from leaderboard.services.results import ResultError, protocol_of_upload
from runner.errors import RecipeError
from runner.events import EXIT_SUBMITTER, parse
from runner.process import SUPERVISOR, without_secrets
from runner.scoring.layout import file_of, folder_of
from runner.spec import fingerprint
from runner.tasks import registry
from runner.tasks.kinds import Kind, Role, TaskSpec

SPLIT = "test"
SYSTEM_LENGTH = Run._meta.get_field("system").max_length
NAME_LENGTH = Upload._meta.get_field("name").max_length
# Kinds of task that can be scored from predictions alone.
KINDS = (Kind.SENTENCE_PAIR, Kind.TAGGING, Kind.SPAN, Kind.RETRIEVAL)
SCORER = "runner.evaluation.uploaded"
MIB = 1 << 20


@dataclass(frozen=True)
class Offer:
    """What the sender says about an upload; `corrects` is the number of an earlier one, which is then withdrawn."""

    system: str
    note: str = ""
    link: str = ""
    corrects: int | None = None


@dataclass(frozen=True)
class Receipt:
    """The run that an upload became, and whether it is new."""

    run: Run
    created: bool


@dataclass(frozen=True)
class _Scored:
    """What the scorer said: score, artifact and data events."""

    scores: list[Mapping[str, Any]]
    artifacts: list[Mapping[str, Any]]
    data: list[Mapping[str, Any]]


def bounds() -> archives.Bounds:
    """How much an upload may hold: every file of the layout, and the settings' sizes."""
    files = sum(len(task.languages) for task in folders().values())
    total = settings.UPLOAD_LIMIT * MIB
    return archives.Bounds(files=files, file_bytes=total, total_bytes=total)


def folders() -> dict[str, TaskSpec]:
    """The folders that an upload may have, each with its task: XTREME's nine, and the other targets with a test set."""
    tasks = registry.tasks(Role.TARGET)
    return {folder_of(task.slug): task for task in tasks if SPLIT in task.splits and task.kind in KINDS}


def receive(archive: IO[bytes], name: str, offer: Offer, user: Any = None) -> Receipt:
    """Check, score and keep the zip `archive`, all of it or nothing; RecipeError says what the sender can mend.

    Takes as long as scoring does: seconds, and a minute for a whole submission (docs/uploads.md).
    """
    _check_offer(offer)
    with _workplace() as place:
        size = _copy(archive, place / "upload.zip")
        if not size:
            raise RecipeError("The file is empty: send a zip of predictions.")
        with (place / "upload.zip").open("rb") as file:
            names = archives.unpack(file, place / "predictions", bounds(), check_layout)
        return _received(place, names, name, offer, user)


def receive_folder(folder: Path, offer: Offer, user: Any = None) -> Receipt:
    """The same for a folder on this machine, which is kept as a zip. Links are not followed."""
    _check_offer(offer)
    if not folder.is_dir():
        raise RecipeError(f"There is no folder '{folder}'.")
    found = [path for path in folder.rglob("*") if not path.is_dir() and not path.name.startswith(".")]
    if links := [path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink()]:
        raise RecipeError(f"{links[0]} is a link: an upload has plain files.")
    names = sorted(PurePosixPath(path.relative_to(folder).as_posix()) for path in found)
    check_layout(names)
    with _workplace() as place:
        archives.pack(folder, names, place / "upload.zip")
        with (place / "upload.zip").open("rb") as file:
            archives.unpack(file, place / "predictions", bounds(), check_layout)
        return _received(place, names, f"{folder.resolve().name}.zip", offer, user)


def check_layout(names: Sequence[PurePosixPath]) -> None:
    """RecipeError unless the files are those of some tasks, in all languages of each."""
    known = folders()
    expected = {file_of(task.slug, language) for task in known.values() for language in task.languages}
    for name in names:
        if name.parts[0] not in known or len(name.parts) < 2:
            raise RecipeError(
                f"{name} is not in a task's folder: the folders are {', '.join(known)}, as in XTREME's submissions."
            )
        if name not in expected:
            task = known[name.parts[0]]
            example = file_of(task.slug, task.languages[0])
            raise RecipeError(
                f"{name} is no file of {task.title}: they are named as {example} is, for {', '.join(task.languages)}."
            )
    for task in tasks_of(names):
        missing = [code for code in task.languages if file_of(task.slug, code) not in set(names)]
        if missing:
            first = file_of(task.slug, missing[0])
            raise RecipeError(
                f"{task.title} lacks {len(missing)} of {len(task.languages)} languages, the first is {first}: a task "
                "is scored in all of its languages, or left out."
            )


def tasks_of(names: Sequence[PurePosixPath]) -> list[TaskSpec]:
    """The tasks that have a file among `names`, in the catalogue's order."""
    there = {name.parts[0] for name in names}
    return [task for folder, task in folders().items() if folder in there]


def content_hash(root: Path, names: Sequence[PurePosixPath]) -> str:
    """What identifies an upload: its files' names and contents, however they were packed."""
    return fingerprint({str(name): _sha256(root / name) for name in names})


def _check_offer(offer: Offer) -> None:
    if not offer.system.strip():
        raise RecipeError("An upload needs the name of the system that made the predictions.")
    if len(offer.system) > SYSTEM_LENGTH:
        raise RecipeError(f"The name of a system has at most {SYSTEM_LENGTH} characters, found {len(offer.system)}.")
    if offer.corrects is not None:
        corrected = Run.objects.filter(pk=offer.corrects, origin=Run.Origin.UPLOADED).first()
        if corrected is None or corrected.withdrawn:
            raise RecipeError(f"There is no upload {offer.corrects} on the board that this one could correct.")


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder for one upload, gone when it is over; beside the artifacts, so that files move there in one step."""
    with tempfile.TemporaryDirectory(prefix=".upload-", dir=_store()) as name:
        yield Path(name)


def _store() -> Path:
    folder = settings.ARTIFACT_DIR / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _copy(archive: IO[bytes], target: Path) -> int:
    """Copy the upload, and stop as soon as it is too long."""
    size = 0
    with target.open("wb") as file:
        while block := archive.read(MIB):
            size += len(block)
            if size > settings.UPLOAD_LIMIT * MIB:
                raise RecipeError(
                    f"The file has more than {settings.UPLOAD_LIMIT} MiB: that is the most that is taken."
                )
            file.write(block)
    return size


def _received(place: Path, names: Sequence[PurePosixPath], name: str, offer: Offer, user: Any) -> Receipt:
    content = content_hash(place / "predictions", names)
    if (there := _there(content)) is not None:
        return Receipt(there, created=False)
    tasks = tasks_of(names)
    scored = _scored(place, tasks)
    try:
        with transaction.atomic():
            return Receipt(_kept(place, content, tasks, scored, name, offer, user), created=True)
    except IntegrityError:
        # Somebody sent the same at the same time, and was first.
        if (there := _there(content)) is None:
            raise
        return Receipt(there, created=False)


def _there(content: str) -> Run | None:
    """The run of these predictions; RecipeError where it was withdrawn."""
    run = Run.objects.filter(upload__fingerprint=content).first()
    if run and run.withdrawn:
        raise RecipeError(
            f"These predictions were withdrawn (run {run.pk}: {run.withdrawal}) and are not taken a second time."
        )
    return run


def _scored(place: Path, tasks: Sequence[TaskSpec]) -> _Scored:
    """Run the scorer; RecipeError with its sentence, or where it takes too long."""
    output = place / "output"
    output.mkdir()
    job = {
        "predictions": str(place / "predictions"),
        "tasks": [task.slug for task in tasks],
        "output": str(output),
        "data_dir": settings.DATA_DIR,
    }
    (place / "job.json").write_text(json.dumps(job), encoding="utf-8")
    command = [*settings.UPLOAD_COMMAND, str(place / "job.json")]
    # A web process that is stopped takes its scorer with it, and nobody waits for a hub.
    environment = {**without_secrets(), SUPERVISOR: str(os.getpid()), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    try:
        done = subprocess.run(
            command,
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=settings.UPLOAD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        limit = settings.UPLOAD_SECONDS
        raise RecipeError(f"Scoring took longer than {limit} seconds: send fewer tasks at a time.") from None
    events = [event for line in done.stdout.decode(errors="replace").splitlines() if (event := parse(line))]
    if done.returncode == EXIT_SUBMITTER:
        raise RecipeError(next(event["message"] for event in events if event["event"] == "error"))
    if done.returncode:
        raise ResultError(f"The scorer of uploads ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    named = {kind: [event for event in events if event["event"] == kind] for kind in ("score", "artifact", "data")}
    return _Scored(named["score"], named["artifact"], named["data"])


def _kept(
    place: Path,
    content: str,
    tasks: Sequence[TaskSpec],
    scored: _Scored,
    name: str,
    offer: Offer,
    user: Any,
) -> Run:
    run = Run.objects.create(origin=Run.Origin.UPLOADED, system=offer.system.strip(), submitted_by=user)
    Upload.objects.create(
        run=run,
        fingerprint=content,
        name=PurePosixPath(name).name[-NAME_LENGTH:] or "upload.zip",
        tasks=[task.slug for task in tasks],
        note=offer.note,
        link=offer.link,
        corrects_id=offer.corrects,
        data=[{key: value for key, value in event.items() if key != "event"} for event in scored.data],
    )
    protocols = {task.slug: protocol_of_upload(task.slug, SPLIT) for task in tasks}
    Score.objects.bulk_create(
        Score(
            run=run,
            task_id=event["task"],
            language_id=event["language"],
            metric=event["metric"],
            value=event["value"],
            n=event["n"],
            protocol=protocols[event["task"]],
        )
        for event in scored.scores
    )
    if offer.corrects is not None:
        withdrawals.withdraw(Run.objects.get(pk=offer.corrects), f"Corrected by run {run.pk}.", user)
    Artifact.objects.bulk_create(_artifacts(place, content, scored, run))
    # Last, because it cannot be undone; the folder is nobody else's, for the content is unique.
    folder = settings.ARTIFACT_DIR / _folder(content)
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    (place / "upload.zip").replace(place / "output" / "upload.zip")
    (place / "output").replace(folder)
    return run


def _folder(content: str) -> PurePosixPath:
    return PurePosixPath("uploads", content[:2], content)


def _artifacts(place: Path, content: str, scored: _Scored, run: Run) -> Iterator[Artifact]:
    """The file as it was sent, and the outcomes per item."""
    original = place / "upload.zip"
    yield Artifact(
        run=run,
        kind="upload",
        path=str(_folder(content) / "upload.zip"),
        sha256=_sha256(original),
        size=original.stat().st_size,
    )
    for event in scored.artifacts:
        yield Artifact(
            run=run,
            kind=event["kind"],
            path=str(_folder(content) / PurePosixPath(event["path"]).name),
            sha256=event["sha256"],
            size=event["size"],
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
