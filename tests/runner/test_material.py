"""A phase learns from all its data sets together, with one set of labels; what is missing is named at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.data.examples import SentencePair, Text
from runner.data.material import development_data, members, text, training_data
from runner.errors import RecipeError
from runner.spec import MaskedWords, TrainPlan
from runner.tasks.registry import task
from tests.runner.factories import settings, write_split

MEMBERS = {"snli": 6, "mnli": 4, "anli": 3}


def nli_rows(name: str, count: int) -> list[dict[str, Any]]:
    return [{"premise": f"{name} {number}", "hypothesis": "b", "label": number % 3} for number in range(count)]


def write_ccg(mirror: Path, language: str, tags: list[str]) -> None:
    rows = [{"tokens": ["x"] * len(tags), "supertags": tags}]
    write_split(mirror, "pmb/ccg-4.0.0", language, "train", rows)


@pytest.fixture
def nli_mirror(tmp_path: Path) -> Path:
    """All parts of ANLI+; of ANLI's three rounds one row each."""
    write_split(tmp_path, "stanfordnlp/snli", "plain_text", "train", nli_rows("snli", MEMBERS["snli"]))
    write_split(tmp_path, "nyu-mll/glue", "mnli", "train", nli_rows("mnli", MEMBERS["mnli"]))
    for number in (1, 2, 3):
        write_split(tmp_path, "facebook/anli", "plain_text", f"train_r{number}", nli_rows(f"round {number}", 1))
    return tmp_path


def read(mirror: Path, *tasks: str, seed: int = 1, languages: tuple[str, ...] = ("en",), **changes: Any):
    return training_data(TrainPlan(tasks, settings(**changes), languages), seed, str(mirror))


def test_it_works(nli_mirror: Path) -> None:
    """A task that is a mixture is all its members' data under one name."""
    found = read(nli_mirror, "anli_plus", "mnli")
    assert list(found) == ["anli_plus", "mnli"]
    assert {dataset.task.slug: len(dataset.examples) for dataset in found["anli_plus"]} == MEMBERS
    assert {dataset.labels for dataset in found["anli_plus"]} == {task("anli_plus").labels}
    assert [example.first for example in found["anli_plus"][2].examples] == ["round 1 0", "round 2 0", "round 3 0"]
    assert [dataset.task.slug for dataset in found["mnli"]] == ["mnli"]


def test_a_task_is_its_own_member_unless_it_is_a_mixture() -> None:
    assert [one.slug for one in members(task("mnli"))] == ["mnli"]
    assert [one.slug for one in members(task("anli_plus"))] == ["snli", "mnli", "anli"]


def test_each_language_is_a_data_set(tmp_path: Path) -> None:
    for language in ("de", "sw"):
        write_split(tmp_path, "facebook/xnli", language, "train", nli_rows(language, 2))
    found = read(tmp_path, "mnli", languages=("de", "sw"))["mnli"]
    assert [(one.language, one.event()["dataset"]) for one in found] == [
        ("de", "facebook/xnli"),
        ("sw", "facebook/xnli"),
    ]
    assert found[1].examples[0] == SentencePair("sw 0", "b", 0)


def test_an_open_tag_set_is_the_union_over_all_languages(tmp_path: Path) -> None:
    write_ccg(tmp_path, "en", ["n", "np"])
    write_ccg(tmp_path, "de", ["s", "n"])
    english, german = read(tmp_path, "ccg_pmb", languages=("en", "de"))["ccg_pmb"]
    assert english.labels == german.labels == ("n", "np", "s")
    assert english.examples[0].tags == (0, 1)
    assert german.examples[0].tags == (2, 0)


def test_a_limit_is_drawn_over_all_data_sets_together(nli_mirror: Path) -> None:
    drawn = [read(nli_mirror, "anli_plus", train_limit=5, seed=seed)["anli_plus"] for seed in range(30)]
    assert all(sum(len(dataset.examples) for dataset in datasets) == 5 for datasets in drawn)
    counts = [
        sum(len(dataset.examples) for datasets in drawn for dataset in datasets if dataset.task.slug == slug)
        for slug in MEMBERS
    ]
    # 150 of 13 rows: in proportion to the members, and none of them is the first rows alone.
    assert [count / 150 for count in counts] == pytest.approx([size / 13 for size in MEMBERS.values()], abs=0.12)
    assert len({tuple(one.first for dataset in datasets for one in dataset.examples) for datasets in drawn}) > 20


def test_a_limit_keeps_the_order_of_the_rows_and_depends_on_the_seed_alone(nli_mirror: Path) -> None:
    (once,), (again,) = (read(nli_mirror, "snli", train_limit=4, seed=9)["snli"] for _ in range(2))
    names = [example.first for example in once.examples]
    assert names == sorted(names)
    assert once == again
    assert (once.kept, once.rows) == (6, 6)


def test_a_limit_that_is_no_limit_keeps_everything(nli_mirror: Path) -> None:
    assert read(nli_mirror, "anli_plus", train_limit=13) == read(nli_mirror, "anli_plus", train_limit=None)


def test_a_data_set_that_no_row_was_drawn_of_is_left_out(nli_mirror: Path) -> None:
    assert len(read(nli_mirror, "anli_plus", train_limit=1)["anli_plus"]) == 1


def test_all_that_is_missing_is_named_at_once(nli_mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecipeError) as refusal:
        read(nli_mirror, "ccg", "mnli", "ccg_pmb")
    for dataset in ("ldc/ccgbank", "pmb/ccg-4.0.0"):
        assert f"DATA_DIR/{dataset}/" in str(refusal.value)
    assert "mnli" not in str(refusal.value)


def test_text_is_read_in_each_language_up_to_its_limit(tmp_path: Path) -> None:
    for language in ("de", "sw"):
        rows = [{"text": f"{language} {number}"} for number in range(5)]
        write_split(tmp_path, "local/text", language, "train", rows)
    german, swahili = text(MaskedWords("local_text", ("de", "sw"), texts=2), str(tmp_path))
    assert german.examples == [Text("de 0"), Text("de 1")]
    assert swahili.language == "sw"
    assert len(text(MaskedWords("local_text", ("de",)), str(tmp_path))[0].examples) == 5


def test_text_in_a_language_that_it_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="NTREX-128 has no text in jv; it has"):
        text(MaskedWords("ntrex", ("de", "jv")), str(tmp_path))


def test_development_data_is_english_and_of_all_members_that_have_some(tmp_path: Path) -> None:
    write_split(tmp_path, "stanfordnlp/snli", "plain_text", "validation", nli_rows("snli", 3))
    write_split(tmp_path, "nyu-mll/glue", "mnli", "validation_matched", nli_rows("mnli", 2))
    for number in (1, 2, 3):
        write_split(tmp_path, "facebook/anli", "plain_text", f"dev_r{number}", nli_rows("anli", 1))
    found = development_data(task("anli_plus"), task("anli_plus").labels, str(tmp_path))
    assert [(one.task.slug, one.split, one.language) for one in found] == [
        (slug, "validation", "en") for slug in MEMBERS
    ]


def test_development_data_has_the_labels_of_the_training_data(tmp_path: Path) -> None:
    rows = [{"tokens": ["x", "y"], "supertags": ["np", "new"]}]
    write_split(tmp_path, "pmb/ccg-4.0.0", "en", "validation", rows)
    (found,) = development_data(task("ccg_pmb"), ("n", "np"), str(tmp_path))
    assert found.labels == ("n", "np")
    assert found.examples[0].tags == (1, -1)


def test_tasks_without_development_split_have_none(tmp_path: Path) -> None:
    assert development_data(task("tydiqa"), (), str(tmp_path)) == []
    assert development_data(task("mrpc"), ("0", "1"), str(tmp_path)) == []


def test_absent_development_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="DATA_DIR/acmi-lab/counterfactually-augmented-data/nli/validation.parquet"):
        development_data(task("nli_cad"), task("nli_cad").labels, str(tmp_path))
