"""All scores at PostgreSQL's own speed: its COPY writes the lines, and nothing is made of them here but blocks.

The lines are those of `leaderboard.standings.listing.every_score`; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from leaderboard.models import Protocol, Publication, Recipe, Run, Score, Source, SourceStatus, Task

# Scores by primary key that one statement copies. They are sorted in the server's memory, and the first block must
# not wait for many.
FIRST_WINDOW, WINDOW = 2_000, 20_000
BLOCK_BYTES = 256 * 1024
# JSON has none of these two characters as they are: with them for quote and delimiter, CSV leaves JSON alone.
FORMATS = {"csv": "FORMAT csv", "json": r"FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02'"}


def can_copy() -> bool:
    return connection.vendor == "postgresql"


def copied(layout: str, formula_starts: str, *, unverified: bool = False) -> Iterator[bytes]:
    """Blocks of whole lines, `layout` `csv` (no header) or `json`, each line ended by a line feed. PostgreSQL only.

    Text that begins with one of `formula_starts` gets a leading apostrophe. The server's memory and ours stay as
    they are, however many scores there are: they are copied in windows of the primary key, all of one moment.
    """
    with _one_moment(), connection.cursor() as cursor:
        cursor.execute(f"SELECT min(id), max(id) FROM {_name(Score)}")
        first, last = cursor.fetchone()
        for low, high in _windows(first, last):
            statement = _statement(layout, unverified=unverified)
            values = {"low": low, "high": high, "starts": list(formula_starts), "unverified": SourceStatus.UNVERIFIED}
            # Not Django's wrapper: that knows nothing of COPY.
            with cursor.cursor.copy(statement, values) as lines:
                yield from _blocks(lines)


@contextmanager
def _one_moment() -> Iterator[None]:
    """Every statement inside sees the same rows."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            # Small rows, but many of them: a window is sorted without a file.
            cursor.execute("SET LOCAL work_mem = '32MB'")
        yield


def _windows(first: int | None, last: int | None) -> Iterator[tuple[int, int]]:
    """Half-open ranges of primary keys, the first one small; none where there is no score."""
    if first is None or last is None:
        return
    low, width = first, FIRST_WINDOW
    while low <= last:
        yield low, low + width
        low, width = low + width, WINDOW


def _blocks(lines: Iterable[memoryview | bytes]) -> Iterator[bytes]:
    """Lines joined into blocks: one piece for each would cost the server more than the line did."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(bytes(line))
        size += len(line)
        if size >= BLOCK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _name(model: type) -> str:
    return f'"{model._meta.db_table}"'


def _text(column: str) -> str:
    """Text that anybody may have written: on one line, NULL where empty, never a formula."""
    plain = rf"btrim(regexp_replace({column}, '\s+', ' ', 'g'))"
    return f"CASE WHEN left({plain}, 1) = ANY (%(starts)s) THEN '''' || {plain} ELSE nullif({plain}, '') END"


def _statement(layout: str, *, unverified: bool) -> str:
    """What is the same for all scores of a run or a protocol is written once for it, not once for each score."""
    trust = "" if unverified else "AND coalesce(publication.status, runs.source_status) IS DISTINCT FROM %(unverified)s"
    tasks = Recipe.intermediate_tasks.through
    lines = f"""
        WITH mixtures AS (
            SELECT link.recipe_id, string_agg(link.task_id, '+' ORDER BY task.position) AS tasks
            FROM {_name(tasks)} link JOIN {_name(Task)} task ON task.slug = link.task_id GROUP BY link.recipe_id
        ), runs AS MATERIALIZED (
            SELECT run.id, run.origin, run.source_id, source.status AS source_status, recipe.encoder_id,
                recipe.method, mixtures.tasks, run.seed, recipe.fingerprint,
                CASE WHEN recipe.mlm AND recipe.translation <> '' THEN 'mlm+translated' WHEN recipe.mlm THEN 'mlm'
                    WHEN recipe.translation <> '' THEN 'translated' WHEN recipe.id IS NOT NULL THEN 'plain'
                END AS variant,
                nullif(recipe.translation, '') AS translation, {_text("run.system")} AS system
            FROM {_name(Run)} run LEFT JOIN {_name(Source)} source ON source.key = run.source_id
                LEFT JOIN {_name(Recipe)} recipe ON recipe.id = run.recipe_id
                LEFT JOIN mixtures ON mixtures.recipe_id = recipe.id
            WHERE run.withdrawn IS NULL
        ), protocols AS MATERIALIZED (
            SELECT id, nullif(split, '') AS split, {_text("label")} AS label, fingerprint FROM {_name(Protocol)}
        )
        SELECT runs.id AS run, runs.origin, runs.source_id AS source,
            coalesce(publication.status, runs.source_status) AS source_status, runs.encoder_id AS encoder, runs.method,
            runs.tasks AS intermediate_tasks, runs.seed, runs.fingerprint AS recipe, score.task_id AS task, task.suite,
            score.language_id AS language, score.metric, score.value, score.n, protocols.split,
            protocols.label AS protocol, protocols.fingerprint AS protocol_fingerprint,
            to_char(score.created AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"') AS created,
            runs.variant, runs.translation, runs.system, {_text("publication.note")} AS note
        FROM {_name(Score)} score JOIN runs ON runs.id = score.run_id
            JOIN protocols ON protocols.id = score.protocol_id JOIN {_name(Task)} task ON task.slug = score.task_id
            LEFT JOIN {_name(Publication)} publication ON publication.score_id = score.id
        WHERE score.id >= %(low)s AND score.id < %(high)s {trust}
        ORDER BY score.id
    """
    if layout == "json":
        lines = f"SELECT row_to_json(line) FROM ({lines}) line"
    return f"COPY ({lines}) TO STDOUT ({FORMATS[layout]})"
