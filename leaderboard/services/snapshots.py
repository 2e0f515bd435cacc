"""Snapshots: the lines of a state of the board are hashed, compressed and kept, once and for all."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable

from django.db import IntegrityError, connection, transaction

from leaderboard.models import Snapshot
from runner.errors import RecipeError

NAME_LENGTH = Snapshot._meta.get_field("name").max_length


def take(name: str, lines: Iterable[str], *, note: str = "", author: str = "") -> Snapshot:
    """Keep the state that `lines` say (`leaderboard.standings.frozen.board`), read in one view of the database.

    RecipeError for a name that is empty, too long or taken, and for a state that is there already.
    """
    name = name.strip()
    if not name:
        raise RecipeError("A snapshot needs a name, such as “Camera-ready”.")
    if len(name) > NAME_LENGTH:
        raise RecipeError(f"The name of a snapshot has at most {NAME_LENGTH} characters, found {len(name)}.")
    try:
        with transaction.atomic():
            _one_view()
            return _kept(name, lines, note, author)
    except IntegrityError:
        # Somebody was faster since it was looked.
        raise RecipeError(f"There is a snapshot “{name}”, or of this state, already.") from None


def _one_view() -> None:
    """All that follows sees the database as it is now. SQLite's transactions do; PostgreSQL has to be asked.

    In a transaction that has begun before, it is too late to ask, and the caller has taken care or does not mind.
    """
    if connection.vendor == "postgresql" and len(connection.savepoint_ids) == 0:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _kept(name: str, lines: Iterable[str], note: str, author: str) -> Snapshot:
    if Snapshot.objects.filter(name=name).exists():
        raise RecipeError(f"There is a snapshot “{name}” already: choose another name.")
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
    if not scores:
        raise RecipeError("The board has no scores: there is nothing to keep a snapshot of.")
    if (there := Snapshot.objects.filter(hash=digest.hexdigest()).first()) is not None:
        raise RecipeError(f"This state of the board has a snapshot already: “{there.name}”, {there.address}.")
    return Snapshot.objects.create(
        name=name,
        note=note,
        hash=digest.hexdigest(),
        content=b"".join(parts),
        score_count=scores,
        run_count=len(runs),
        author=author,
    )
