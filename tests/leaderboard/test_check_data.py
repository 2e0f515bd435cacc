"""`manage.py check_data`: what it says, as text and as JSON, and how it exits."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command


def run(*arguments: str) -> tuple[str, int]:
    """What the command says, and its exit code."""
    out = StringIO()
    try:
        call_command("check_data", *arguments, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return out.getvalue(), ended.code
    return out.getvalue(), 0


def test_it_works():
    said, code = run("pocket_search")
    assert code == 0
    assert "pocket_search, test: 6 generated" in said
    assert "  qsa  generated, 300 rows, sha256 " in said
    assert "In all: 6 generated" in said


def test_what_cannot_be_used_is_an_exit_code(settings, tmp_path):
    settings.DATA_DIR = str(tmp_path)
    said, code = run("bucc2018", "pocket_search")
    assert code == 1
    assert "bucc2018, test (pools): 4 missing" in said
    assert "bucc2018/raw/de-en.test/source+target.parquet" in said


def test_what_the_hub_has_is_enough_unless_there_is_no_network(settings, tmp_path):
    settings.DATA_DIR = str(tmp_path)
    assert run("tatoeba")[1] == 0
    assert run("tatoeba", "--offline")[1] == 1


def test_json_is_nothing_but_json(settings, tmp_path):
    settings.DATA_DIR = str(tmp_path)
    said, code = run("bucc2018", "--json")
    lines = json.loads(said)
    assert code == 1
    assert set(lines[0]) == {"task", "suite", "split", "language", "state", "rows", "bytes", "sha256", "note"}


def test_an_unknown_task():
    with pytest.raises(CommandError, match="There is no task 'xnly'. Did you mean xnli"):
        run("xnly")


def test_a_task_of_another_suite():
    with pytest.raises(CommandError, match="None of these tasks is of the suite pocket"):
        run("xnli", "--suite", "pocket")
