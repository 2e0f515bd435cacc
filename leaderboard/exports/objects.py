"""Standings as JSON: what the page shows, in full precision, with the address that it was read from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from leaderboard.exports import values
from leaderboard.standings.table import Column, Row, Standings


@dataclass(frozen=True)
class Origin:
    """Where and when a file was taken from; `snapshot` is the hash of the state that it belongs to, if of one."""

    title: str
    address: str
    read: date
    snapshot: str = ""


def standings_json(standings: Standings, origin: Origin, *, partial: bool) -> str:
    """The view as one object: `columns` once, and `rows` with their `cells` in the order of the columns."""
    content = {
        "title": origin.title,
        "address": origin.address,
        "read": origin.read.isoformat(),
        "sentence": standings.sentence,
        "notes": list(standings.notes),
        "suite": standings.suite,
        **values.of_view(standings),
        "show": standings.show,
        "sort": standings.sort,
        "columns": [_column(column) for column in standings.columns],
        "rows": [_row(row, partial=partial) for row in standings.rows],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _column(column: Column) -> dict[str, Any]:
    named = {**values.of_column(column, "local"), "languages": list(column.parts)}
    if column.upload_fingerprint:
        named["uploads"] = {"protocol": column.upload_label, "protocol_fingerprint": column.upload_fingerprint}
    return {**named, "title": column.title, "group": column.group, "metric": column.metric}


def _row(row: Row, *, partial: bool) -> dict[str, Any]:
    return {
        **values.of_row(row),
        "key": row.key,
        "intermediate_tasks": list(row.intermediate),
        "seeds": [link.seed for link in row.runs],
        "cells": [values.of_cell(cell, partial=partial) for cell in row.cells],
    }
