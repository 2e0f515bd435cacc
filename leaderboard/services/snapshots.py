"""Snapshots: the lines of a state of the board are hashed, compressed and kept, once and for all."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import IntegrityError, OperationalError, connection, transaction

from leaderboard.models import Snapshot
from leaderboard.services import headlines
from runner.errors import RecipeError

NAME_LENGTH = Snapshot._meta.get_field("name").max_length
Board = Callable[[], Iterable[str]]
# How often the board is read while others write, before they are made to wait.
ATTEMPTS = 3


@dataclass(frozen=True)
class _Packed:
    """The lines of one state, compressed, with their hash and what was counted on the way."""

    hash: str
    content: bytes
    scores: int
    runs: int


def take(name: str, board: Board, *, note: str = "", author: str = "") -> Snapshot:
    """Keep the state whose lines `board` gives (`leaderboard.standings.frozen.board`), all of one moment.

    RecipeError for a name that is empty, too long or taken, and for a state that is there already.
    """
    name = name.strip()
    if not name:
        raise RecipeError("A snapshot needs a name, such as “Camera-ready”.")
    if len(name) > NAME_LENGTH:
        raise RecipeError(f"The name of a snapshot has at most {NAME_LENGTH} characters, found {len(name)}.")
    if Snapshot.objects.filter(name=name).exists():
        raise RecipeError(f"There is a snapshot “{name}” already: choose another name.")
    packed = _of_one_moment(board)
    if not packed.scores:
        raise RecipeError("The board has no scores: there is nothing to keep a snapshot of.")
    if (there := Snapshot.objects.filter(hash=packed.hash).first()) is not None:
        raise RecipeError(f"This state of the board has a snapshot already: “{there.name}”, {there.address}.")
    try:
        with transaction.atomic():
            return Snapshot.objects.create(
                name=name,
                note=note,
                hash=packed.hash,
                content=packed.content,
                score_count=packed.scores,
                run_count=packed.runs,
                author=author,
            )
    except IntegrityError:
        # Somebody was faster since it was looked.
        raise RecipeError(f"There is a snapshot “{name}”, or of this state, already.") from None


def _of_one_moment(board: Board) -> _Packed:
    """The lines, read while nothing that tables show has changed.

    PostgreSQL shows a transaction one moment, however long it takes. A transaction of SQLite makes all writers wait,
    so at first it is only looked whether any wrote meanwhile.
    """
    headlines.current()
    if connection.vendor == "postgresql":
        for left in reversed(range(ATTEMPTS)):
            try:
                return _in_one_view(board)
            except OperationalError:
                # Another gathered headline scores at the same time, and one of the two has to begin again.
                if not left:
                    raise
    for _ in range(ATTEMPTS):
        before = headlines.current()
        packed = _packed(board())
        if headlines.current() == before:
            return packed
    with transaction.atomic():
        return _packed(board())


def _in_one_view(board: Board) -> _Packed:
    with transaction.atomic():
        # Too late where a transaction has begun before; then the caller has taken care, or does not mind.
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return _packed(board())


def _packed(lines: Iterable[str]) -> _Packed:
    digest, packer = hashlib.sha256(), zlib.compressobj()
    parts: list[bytes] = []
    scores, runs = 0, set()
    for line in lines:
        # A score is a list that begins with its run, everything else an object.
        if line.startswith("["):
            scores += 1
            runs.add(line[1 : line.index(",")])
        text = f"{line}\n".encode()
        digest.update(text)
        parts.append(packer.compress(text))
    parts.append(packer.flush())
    return _Packed(digest.hexdigest(), b"".join(parts), scores, len(runs))
