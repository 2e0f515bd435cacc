"""Data comes from the mirror, whole or in shards, else from the hub at a pinned revision, else with advice."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runner.data.sources import content_hash, mirror_files, read
from runner.errors import RecipeError
from runner.tasks.kinds import DataSplit
from tests.runner.factories import write_split

SPLIT = DataSplit("org/set", "config.{code}", "train", codes={"de": "German"})
ROWS = [{"text": f"row {number}", "label": number} for number in range(7)]


def test_it_works(tmp_path: Path) -> None:
    write_split(tmp_path, "org/set", "config.German", "train", ROWS)
    rows = read(SPLIT, ["label", "text"], "de", str(tmp_path))
    assert rows.columns == {"label": list(range(7)), "text": [f"row {number}" for number in range(7)]}
    assert rows.origin == "mirror"
    assert len(rows) == 7


def test_shards_are_one_split_with_the_same_content_hash(tmp_path: Path) -> None:
    write_split(tmp_path / "whole", "org/set", "config.German", "train", ROWS)
    folder = tmp_path / "shards" / "org/set" / "config.German"
    folder.mkdir(parents=True)
    for shard, part in enumerate((ROWS[:3], ROWS[3:])):
        pq.write_table(pa.Table.from_pylist(part), folder / f"train-{shard:05d}-of-00002.parquet")
    one = read(SPLIT, ["text"], "de", str(tmp_path / "whole"))
    other = read(SPLIT, ["text"], "de", str(tmp_path / "shards"))
    assert one == other


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "org/set" / "config.German"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "train-00001-of-00002.parquet")
    with pytest.raises(RecipeError, match="lacks train-00000-of-00002.parquet"):
        mirror_files(folder, "train")


def test_a_split_is_not_confused_with_one_whose_name_it_begins(tmp_path: Path) -> None:
    path = write_split(tmp_path, "org/set", "config", "train-extra", ROWS)
    assert mirror_files(path.parent, "train") == []


def test_several_splits_joined_by_plus_are_read_in_order(tmp_path: Path) -> None:
    for part in ("r1", "r2"):
        write_split(tmp_path, "org/set", "c", part, [{"text": part}])
    assert read(DataSplit("org/set", "c", "r2+r1"), ["text"], "en", str(tmp_path)).columns == {"text": ["r2", "r1"]}


def test_one_configuration_for_all_languages_is_filtered_by_its_column(tmp_path: Path) -> None:
    write_split(tmp_path, "org/set", "all", "train", [{"language": code, "text": code} for code in ("de", "en", "de")])
    split = DataSplit("org/set", "all", "train", language_column="language")
    assert read(split, ["text"], "de", str(tmp_path)).columns == {"text": ["de", "de"]}
    with pytest.raises(RecipeError, match="has no rows for 'sw'"):
        read(split, ["text"], "sw", str(tmp_path))


def test_a_language_may_be_the_prefix_of_the_id(tmp_path: Path) -> None:
    write_split(tmp_path, "org/set", "all", "train", [{"id": "swahili-1"}, {"id": "english-1"}, {"id": "swahilix-2"}])
    split = DataSplit("org/set", "all", "train", codes={"sw": "swahili"}, language_prefix_column="id")
    assert read(split, ["id"], "sw", str(tmp_path)).columns == {"id": ["swahili-1"]}


def test_an_absent_column_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    write_split(tmp_path, "org/set", "config.German", "train", ROWS)
    with pytest.raises(RecipeError, match="has the columns text, label, but not premise"):
        read(SPLIT, ["premise"], "de", str(tmp_path))


def test_absent_data_without_a_pinned_revision_says_where_to_put_it() -> None:
    with pytest.raises(RecipeError, match=r"Put the data at DATA_DIR/org/set/config.German/train.parquet, or pin"):
        read(SPLIT, ["text"], "de", "")


def test_an_unreachable_hub_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    pinned = dataclasses.replace(SPLIT, revision="0" * 40)
    with pytest.raises(RecipeError, match="the hub did not give it at revision 000000000000"):
        read(pinned, ["text"], "de", str(tmp_path))


@pytest.mark.parametrize("limit", [1, 3, 4, 7, 100])
def test_a_limit_reads_the_first_rows_over_all_shards(tmp_path: Path, limit: int) -> None:
    folder = tmp_path / "org/set" / "config.German"
    folder.mkdir(parents=True)
    for shard, part in enumerate((ROWS[:3], ROWS[3:])):
        pq.write_table(pa.Table.from_pylist(part), folder / f"train-{shard:05d}-of-00002.parquet", row_group_size=2)
    found = read(SPLIT, ["label"], "de", str(tmp_path), limit)
    assert found.columns == {"label": list(range(7))[:limit]}


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    path = write_split(tmp_path, "org/set", "config.German", "train", ROWS)
    pq.write_table(pq.read_table(path)[:0], path)
    for limit in (None, 5):
        with pytest.raises(RecipeError, match="split train has no rows for 'de'"):
            read(SPLIT, ["text"], "de", str(tmp_path), limit)


def test_the_content_hash_sees_values_and_order_only() -> None:
    assert content_hash([["a", "b"], [1, 2]]) == content_hash([("a", "b"), (1, 2)])
    assert content_hash([["a", "b"]]) != content_hash([["b", "a"]])
    assert content_hash([["ab", ""]]) != content_hash([["a", "b"]])
