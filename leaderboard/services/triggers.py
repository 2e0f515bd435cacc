"""Triggers that log every change of what tables show, whoever makes it and however: rows in bulk, cascades, by hand.

They are made after every migrate, because SQLite drops a table's triggers whenever a migration remakes it.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DEFAULT_DB_ALIAS, connections

from leaderboard.models import (
    Change,
    Encoder,
    Protocol,
    Publication,
    Recipe,
    Run,
    Score,
    Source,
    StoredDeviation,
    StoredInterval,
    Study,
)

LOG = Change._meta.db_table
SCORES = Score._meta.db_table
# Says of a score how far to trust it: a change of it is a change of the score.
PUBLICATIONS = Publication._meta.db_table
# Besides scores: everything else that a table of scores is made from.
OTHERS = tuple(
    model._meta.db_table
    for model in (
        Run,
        Recipe,
        Study,
        Encoder,
        Protocol,
        Source,
        # Computed a moment after the scores: what was shown in between had none.
        StoredInterval,
        StoredDeviation,
        Run.studies.through,
        Study.recipes.through,
        Recipe.intermediate_tasks.through,
    )
)
EVENTS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}


def install(*, using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the triggers anew; it takes a few milliseconds."""
    connection = connections[using]
    statements = {"sqlite": _sqlite, "postgresql": _postgresql}[connection.vendor]()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _name(table: str, event: str) -> str:
    return f"changed_{table}_{event.lower()}"


def _sqlite() -> Iterator[str]:
    """Row by row, the only way that SQLite has: a new line replaces the older one of the same run and protocol.

    There is one writer at a time, and numbers never come back, so the last number alone tells two states apart.
    """
    for event, images in EVENTS.items():
        lines = " ".join(
            f"DELETE FROM {LOG} WHERE run = {image}.run_id AND protocol = {image}.protocol_id; "
            f"INSERT INTO {LOG} (run, protocol) VALUES ({image}.run_id, {image}.protocol_id);"
            for image in images
        )
        yield from _sqlite_trigger(SCORES, event, lines)
        lines = " ".join(
            f"INSERT INTO {LOG} (run, protocol) SELECT run_id, protocol_id FROM {SCORES} WHERE id = {image}.score_id;"
            for image in images
        )
        yield from _sqlite_trigger(PUBLICATIONS, event, lines)
    for table in OTHERS:
        for event in EVENTS:
            lines = f"DELETE FROM {LOG} WHERE run IS NULL; INSERT INTO {LOG} (run, protocol) VALUES (NULL, NULL);"
            yield from _sqlite_trigger(table, event, lines)


def _sqlite_trigger(table: str, event: str, lines: str) -> Iterator[str]:
    name = _name(table, event)
    yield f"DROP TRIGGER IF EXISTS {name}"
    yield f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW BEGIN {lines} END"


def _postgresql() -> Iterator[str]:
    """Once a statement. Lines are only ever added, so that no transaction waits for another's.

    A line with a smaller number may become visible later than one with a larger: then the length of the log tells
    the two states apart.
    """
    for event, images in EVENTS.items():
        name = _name(SCORES, event)
        pairs = " UNION ".join(f"SELECT run_id, protocol_id FROM image_{image}" for image in images)
        tables = " ".join(f"{image} TABLE AS image_{image}" for image in images)
        yield from _postgresql_function(name, f"INSERT INTO {LOG} (run, protocol) {_distinct(pairs)};")
        yield from _postgresql_trigger(name, SCORES, event, f"REFERENCING {tables}")
        name = _name(PUBLICATIONS, event)
        keys = " UNION ".join(f"SELECT score_id FROM image_{image}" for image in images)
        pairs = f"SELECT run_id, protocol_id FROM {SCORES} WHERE id IN ({keys})"
        yield from _postgresql_function(name, f"INSERT INTO {LOG} (run, protocol) {_distinct(pairs)};")
        yield from _postgresql_trigger(name, PUBLICATIONS, event, f"REFERENCING {tables}")
    yield from _postgresql_function("changed_other", f"INSERT INTO {LOG} (run, protocol) VALUES (NULL, NULL);")
    for table in OTHERS:
        for event in EVENTS:
            yield from _postgresql_trigger(_name(table, event), table, event, "", "changed_other")


def _distinct(pairs: str) -> str:
    return f"SELECT DISTINCT run_id, protocol_id FROM ({pairs}) AS pairs"


def _postgresql_function(name: str, body: str) -> Iterator[str]:
    yield f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ BEGIN {body} RETURN NULL; END $$ LANGUAGE plpgsql"


def _postgresql_trigger(name: str, table: str, event: str, images: str, function: str = "") -> Iterator[str]:
    yield (
        f"CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {table} {images} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {function or name}()"
    )
