"""Which data is here: there, generated, substituted, on the hub, broken or missing."""

from __future__ import annotations

import hashlib
import json

import pytest

from runner.inventory import State, inventory, main
from runner.tasks.registry import task
from tests.runner.factories import pair_rows, tagged_rows, write_split


def lines(slug: str, data_dir="") -> dict[tuple[str, str], object]:
    return {(line.split, line.language): line for line in inventory(str(data_dir), [task(slug)])}


def test_it_works(tmp_path):
    write_split(tmp_path, "google/xtreme", "udpos.German", "test", tagged_rows(12))
    found = lines("udpos", tmp_path)
    german, french = found["test", "de"], found["test", "fr"]
    file = tmp_path / "google/xtreme/udpos.German/test.parquet"
    assert (german.state, german.rows, german.bytes) == (State.THERE, 12, file.stat().st_size)
    assert german.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (french.state, french.rows) == (State.HUB, None)
    assert french.note == "google/xtreme/udpos.French/test.parquet"


def test_generated_data_has_the_hash_of_its_content():
    found = lines("pocket_pos")
    assert {line.state for line in found.values()} == {State.GENERATED}
    assert len({line.sha256 for line in found.values()}) == len(found)
    assert found["test", "qsa"].rows == 300
    assert ("train", "qsa") not in found


def test_a_stand_in_that_is_there_substitutes(tmp_path):
    write_split(tmp_path, "acmi-lab/counterfactually-augmented-data", "nli", "train", pair_rows(30))
    found = lines("mnli", tmp_path)
    assert found["train", "en"].state is State.SUBSTITUTED
    assert found["train", "en"].note.startswith("by nli_cad; its own: nyu-mll/glue/mnli/train")
    assert found["validation", "en"].state is State.HUB


def test_pools_that_no_hub_has_are_missing(tmp_path):
    found = lines("bucc2018", tmp_path)
    assert found["test (pools)", "de"].state is State.MISSING
    assert found["test", "de"].state is State.HUB


def test_a_file_with_other_columns_is_broken(tmp_path):
    write_split(tmp_path, "google/xtreme", "udpos.German", "test", [{"words": ["a"], "pos_tags": [1]}])
    line = lines("udpos", tmp_path)["test", "de"]
    assert (line.state, line.note) == (State.BROKEN, "the columns tokens are absent")


def test_a_split_that_lacks_shards_is_broken(tmp_path):
    write_split(tmp_path, "google/xtreme", "udpos.German", "test-00000-of-00002", tagged_rows(3))
    line = lines("udpos", tmp_path)["test", "de"]
    assert line.state is State.BROKEN
    assert "lacks test-00001-of-00002.parquet" in line.note
    assert str(tmp_path) not in line.note


def test_lines_of_json(capsys):
    assert main(["pocket_search"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["language"] for line in found] == list(task("pocket_search").languages)
    assert {line["state"] for line in found} == {"generated"}


def test_a_task_that_there_is_not(capsys):
    assert main(["pocket_serach"]) == 2
    assert "Did you mean pocket_search" in capsys.readouterr().err


@pytest.mark.parametrize("slug", ["local_text"])
def test_text_of_one_s_own_is_looked_for_when_it_is_named(slug, capsys):
    assert main([slug]) == 0
    assert {json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()} == {"missing"}
