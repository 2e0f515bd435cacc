"""A table gives back the features it was made of, from memory and from disk; a damaged file is no table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.feature_table import COLUMNS, IGNORED, Feature, FeatureTable

NUMBERS = st.lists(st.integers(0, 250_000), max_size=6)
FEATURES = st.builds(
    Feature,
    ids=st.lists(st.integers(0, 250_000), min_size=1, max_size=8),
    labels=st.lists(st.sampled_from([IGNORED, 0, 3]), max_size=8),
    example=st.integers(0, 1000),
    words=NUMBERS,
    heads=NUMBERS,
    offsets=NUMBERS,
)
CHOICES = [
    Feature((1, 2, 3, 4, 5), (1,), 0, rows=(2, 3)),
    Feature((1, 2, 3, 4, 5, 6), (0,), 1, rows=(1, 5)),
]


def plain(feature: Feature) -> tuple:
    return (feature.example, *(list(getattr(feature, name)) for name in COLUMNS))


def test_it_works() -> None:
    table = FeatureTable.of(Feature((number, 7), (number,), number) for number in range(3))
    assert len(table) == 3
    assert [plain(feature) for feature in table] == [plain(Feature((n, 7), (n,), n)) for n in range(3)]
    assert table.ids.tolist() == [0, 7, 1, 7, 2, 7]


@given(features=st.lists(FEATURES, max_size=6))
def test_a_table_is_what_it_was_made_of_also_from_disk(tmp_path_factory, features: list[Feature]) -> None:
    path = tmp_path_factory.getbasetemp() / "one.safetensors"
    table = FeatureTable.of(features)
    table.save(path)
    read = FeatureTable.read(path)
    assert read is not None
    for one in (table, read):
        assert [plain(feature) for feature in one] == [plain(feature) for feature in features]
        assert one.lengths == [len(feature.ids) for feature in features]
        assert one.label_counts.tolist() == [sum(label != IGNORED for label in feature.labels) for feature in features]


def test_a_row_for_each_choice_is_padded_to_the_longest() -> None:
    """What a batch has room for is counted with the padding between an example's own rows."""
    assert [len(feature) for feature in CHOICES] == [6, 10]
    assert FeatureTable.of(CHOICES).lengths == [6, 10]


def test_token_ids_can_be_replaced() -> None:
    table = FeatureTable.of(CHOICES)
    renamed = table.with_ids(np.arange(len(table.ids)))
    assert renamed[1].ids.tolist() == [5, 6, 7, 8, 9, 10]
    assert plain(renamed[1])[2:] == plain(table[1])[2:]
    assert table[0].ids.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("position", [-1, 2])
def test_a_position_outside_is_refused(position: int) -> None:
    with pytest.raises(IndexError):
        FeatureTable.of(CHOICES)[position]


def test_writing_leaves_one_file_in_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.safetensors"
    FeatureTable.of(CHOICES).save(path)
    FeatureTable.of(CHOICES[:1]).save(path)
    assert list(path.parent.iterdir()) == [path]
    assert len(FeatureTable.read(path)) == 1


def test_an_absent_file_is_no_table(tmp_path: Path) -> None:
    assert FeatureTable.read(tmp_path / "absent.safetensors") is None


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: data[:40], lambda data: data[:-4], lambda data: b"x" * 99]
)
def test_a_damaged_file_is_no_table(tmp_path: Path, damage) -> None:
    path = tmp_path / "table.safetensors"
    FeatureTable.of(CHOICES).save(path)
    path.write_bytes(damage(path.read_bytes()))
    assert FeatureTable.read(path) is None


def test_a_file_of_other_arrays_is_no_table(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"ids": np.arange(3)}, tmp_path / "other.safetensors")
    assert FeatureTable.read(tmp_path / "other.safetensors") is None
