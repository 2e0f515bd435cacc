"""Features are kept under all that they depend on: what is the same is read again, what differs never is."""

from __future__ import annotations

import dataclasses
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from runner.data.examples import SentencePair, TaggedSentence
from runner.data.feature_cache import LEFT_BEHIND_SECONDS, MEBIBYTE, FeatureCache, features_of
from runner.data.feature_table import Feature, FeatureTable
from runner.data.readers import Dataset
from runner.modeling.encoder import load_tokenizer
from runner.spec import EncoderRef
from runner.tasks.registry import task
from tests.runner.factories import dataset_of

PAIRS = dataset_of(task("nli_cad"), [SentencePair("the cat", "a dog", label) for label in (0, 1, 2)])
TAGS = dataset_of(task("ccg_pmb"), [TaggedSentence(("the", "cat"), (0, 1))], labels=("n", "np"))


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: EncoderRef):
    return load_tokenizer(tiny_encoder)


@pytest.fixture
def make(tokenizer, tiny_encoder: EncoderRef, tmp_path: Path):
    """Features of some data sets with the cache in `tmp_path`."""

    def features(*datasets: Dataset, encoder: EncoderRef = tiny_encoder, max_length: int = 32) -> FeatureTable:
        return features_of(datasets or (PAIRS,), tokenizer, encoder, max_length, FeatureCache(str(tmp_path)))

    return features


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


def test_it_works(make, tmp_path: Path) -> None:
    """The second time the file is read: what was put into it is what comes out."""
    assert [int(feature.labels[0]) for feature in make()] == [0, 1, 2]
    (path,) = files(tmp_path)
    FeatureTable.of([Feature((5,), (1,), 0)]).save(path)
    assert [feature.ids.tolist() for feature in make()] == [[5]]
    assert files(tmp_path) == [path]


def test_what_is_read_again_is_what_was_made(make) -> None:
    made, read = make(TAGS), make(TAGS)
    assert [(list(one.ids), list(one.labels), list(one.heads)) for one in made] == [
        (list(one.ids), list(one.labels), list(one.heads)) for one in read
    ]


def test_a_damaged_file_is_written_anew(make, tmp_path: Path) -> None:
    whole = make()
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:50])
    assert make().ids.tolist() == whole.ids.tolist()
    assert FeatureTable.read(path) is not None


def test_a_part_is_not_kept(make, tmp_path: Path) -> None:
    """Nor is the whole taken for it."""
    assert len(make()) == 3
    assert len(make(PAIRS.first(2))) == 2
    assert len(files(tmp_path)) == 1


def test_nothing_is_kept_without_a_folder(tokenizer, tiny_encoder: EncoderRef, tmp_path: Path) -> None:
    assert len(features_of([PAIRS], tokenizer, tiny_encoder, 32)) == 3
    assert files(tmp_path) == []


def test_several_data_sets_follow_one_another_and_are_one_file(make, tmp_path: Path) -> None:
    both = make(PAIRS, dataclasses.replace(PAIRS, sha256="other", language="de"))
    assert [feature.example for feature in both] == [0, 1, 2, 3, 4, 5]
    assert len(files(tmp_path)) == 1
    make(dataclasses.replace(PAIRS, sha256="other", language="de"), PAIRS)
    assert len(files(tmp_path)) == 2


def test_everything_that_features_depend_on_makes_another_file(make, tmp_path: Path, tiny_encoder: EncoderRef) -> None:
    make(TAGS)
    make(TAGS, max_length=16)
    make(TAGS, encoder=dataclasses.replace(tiny_encoder, revision="newer"))
    make(TAGS, encoder=dataclasses.replace(tiny_encoder, slug="another"))
    make(dataclasses.replace(TAGS, labels=("n", "np", "s")))
    make(dataclasses.replace(TAGS, sha256="0" * 64))
    make(dataclasses.replace(TAGS, task=task("ccg")))
    assert len(files(tmp_path)) == 7


def test_another_release_of_the_tokenizers_makes_another_file(
    make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    monkeypatch.setattr("importlib.metadata.version", lambda name: "999.0")
    make()
    assert len(files(tmp_path)) == 2


def test_where_an_encoder_lies_is_no_matter(make, tmp_path: Path, tiny_encoder: EncoderRef) -> None:
    make()
    make(encoder=dataclasses.replace(tiny_encoder, location="/elsewhere"))
    assert len(files(tmp_path)) == 1


def table(mebibytes: float) -> FeatureTable:
    return FeatureTable.of([Feature([5] * int(mebibytes * MEBIBYTE / 4), (1,), 0)])


def names(folder: Path) -> list[str]:
    return [path.name for path in files(folder)]


def used(path: Path, seconds_ago: float) -> None:
    os.utime(path, (time.time() - seconds_ago,) * 2)


def test_beyond_its_limit_what_was_not_used_for_longest_goes(tmp_path: Path) -> None:
    """Reading counts as use: of three files the second is in need, the first was read since."""
    cache = FeatureCache(str(tmp_path), limit=3)
    for age, name in ((30, "first"), (20, "second"), (10, "third")):
        cache.save(name, table(0.9))
        used(tmp_path / name, age)
    assert cache.read("first") is not None
    cache.save("fourth", table(0.9))
    assert names(tmp_path) == ["first", "fourth", "third"]


def test_what_was_just_made_stays_though_it_is_larger_than_the_limit(tmp_path: Path) -> None:
    cache = FeatureCache(str(tmp_path), limit=1)
    cache.save("small", table(0.1))
    cache.save("large", table(1.5))
    assert names(tmp_path) == ["large"]


def test_without_a_limit_everything_stays(tmp_path: Path) -> None:
    for name in "abc":
        FeatureCache(str(tmp_path)).save(name, table(0.5))
    assert names(tmp_path) == ["a", "b", "c"]


def test_what_a_killed_engine_left_half_written_goes_after_a_day(tmp_path: Path) -> None:
    left, written = tmp_path / ".left.1", tmp_path / ".written.2"
    for path, age in ((left, LEFT_BEHIND_SECONDS + 60), (written, 60)):
        path.touch()
        used(path, age)
    FeatureCache(str(tmp_path)).save("new", table(0.1))
    assert names(tmp_path) == [".written.2", "new"]


def test_several_engines_at_once_keep_to_the_limit_and_read_whole_tables(tmp_path: Path) -> None:
    """Each finds its own table or none at all, whatever the others remove."""
    cache = FeatureCache(str(tmp_path), limit=1)

    def work(number: int) -> bool:
        cache.save(f"table-{number}", table(0.3))
        found = [cache.read(f"table-{other}") for other in range(number + 1)]
        return all(one is None or len(one) == 1 for one in found)

    with ThreadPoolExecutor(8) as engines:
        assert all(engines.map(work, range(24)))
    cache.save("last", table(0.3))
    assert sum(path.stat().st_size for path in files(tmp_path)) <= MEBIBYTE
