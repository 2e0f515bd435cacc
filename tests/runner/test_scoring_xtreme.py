"""XTREME's report: equal to the official one on every task and language, and a sentence where that stops."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.errors import RecipeError
from runner.scoring import xtreme
from runner.scoring.classification import accuracy
from runner.scoring.layout import file_of, folder_of
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite
from tests.golden import generator

OFFICIAL = json.loads((Path(__file__).parent.parent / "golden" / "xtreme.json").read_text())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("golden")
    generator.write(root, 12)
    return root


@pytest.fixture
def submission(made: Path, tmp_path: Path) -> Path:
    """The golden files of four tasks, one of each format, to be spoiled."""
    for slug in ("paws_x", "udpos", "bucc2018", "tydiqa"):
        for side in ("predictions", "labels"):
            shutil.copytree(made / side / folder_of(slug), tmp_path / side / folder_of(slug))
    return tmp_path


def evaluate(root: Path) -> dict[str, Any]:
    return xtreme.evaluate(root / "predictions", root / "labels")


def flat(report: dict[str, Any], *path: str) -> Iterator[tuple[tuple[str, ...], float]]:
    for name, value in report.items():
        if isinstance(value, dict):
            yield from flat(value, *path, name)
        else:
            yield (*path, name), value


def test_every_figure_is_the_official_one(made: Path) -> None:
    ours, theirs = list(flat(evaluate(made))), list(flat(OFFICIAL))
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    assert len(ours) == 375
    wrong = [
        (*one, other)
        for one, (_, other) in zip(ours, theirs, strict=True)
        if not math.isclose(one[1], other, rel_tol=0, abs_tol=1e-9)
    ]
    assert wrong == []


def test_the_golden_files_hold_what_they_are_for(made: Path) -> None:
    """Or the test above would say less than it seems to."""
    figures = dict(flat(OFFICIAL))
    assert figures["bucc2018", "f1", "ru"] == figures["panx", "f1", "ja"] == figures["tatoeba", "accuracy", "jv"] == 0
    assert all(0 < OFFICIAL[task]["avg_metric"] < 100 for task in OFFICIAL if isinstance(OFFICIAL[task], dict))
    for task in ("xquad", "mlqa", "tydiqa"):
        assert any(figures[task, "exact_match", code] > 0 for code in OFFICIAL[task]["f1"])
    labels = [line.strip() for line in (made / "predictions/xnli/test-zh.tsv").read_text().splitlines()]
    assert "" in labels[:-1]
    pairs = (made / "predictions/bucc2018/test-fr.tsv").read_text().splitlines()
    assert len(set(pairs)) < len(pairs)


def test_the_tasks_are_xtremes_in_its_order() -> None:
    assert set(xtreme.SCORERS) == {task.slug for task in registry.tasks(Role.TARGET, Suite.XTREME)}
    assert [folder_of(slug) for slug in xtreme.SCORERS] == [
        name for name in OFFICIAL if isinstance(OFFICIAL[name], dict)
    ]
    assert [str(group) for group in xtreme.GROUPS] == list(OFFICIAL)[1:5]


def test_files_are_where_xtreme_has_them() -> None:
    assert str(file_of("paws_x", "de")) == "pawsx/test-de.tsv"
    assert str(file_of("mlqa", "zh")) == "mlqa/test-zh.json"


def test_a_group_needs_all_its_tasks_and_the_overall_all_nine(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "made")
    told: list[str] = []
    shutil.rmtree(tmp_path / "made/predictions/mlqa")
    shutil.rmtree(tmp_path / "made/labels/tatoeba")
    report = xtreme.evaluate(tmp_path / "made/predictions", tmp_path / "made/labels", told.append)
    assert set(report) == set(OFFICIAL) - {"all_task", "qa", "retrieval", "mlqa", "tatoeba"}
    assert "mlqa: left out, not in the predictions." in told
    assert "tatoeba: left out, not in the labels." in told
    assert any("questions have no answer and count 0" in sentence for sentence in told)


def test_where_no_task_is_in_both_folders_the_report_is_empty(tmp_path: Path) -> None:
    (tmp_path / "predictions" / "xnli").mkdir(parents=True)
    (tmp_path / "labels" / "notes").mkdir(parents=True)
    assert evaluate(tmp_path) == {}


def spoil(root: Path, side: str, name: str, text: str | bytes | None) -> None:
    path = root / side / name
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def squad(**question: Any) -> str:
    return json.dumps({"data": [{"paragraphs": [{"qas": [question]}]}]})


ANSWER = {"text": "x"}

REFUSALS = [
    ("predictions", "pawsx/test-ko.tsv", None, "Predictions pawsx/test-ko.tsv: the file is missing"),
    ("labels", "pawsx/test-ko.tsv", None, "Labels pawsx/test-ko.tsv: the file is missing"),
    ("predictions", "pawsx/test-de.tsv", "0\n1\n", "test-de.tsv, line 2: the file ends here, the labels have 12 lines"),
    ("predictions", "pawsx/test-de.tsv", "0\n" * 14, "test-de.tsv, line 13: the labels end with line 12"),
    ("labels", "pawsx/test-de.tsv", "", "Labels pawsx/test-de.tsv: the file is empty"),
    ("predictions", "pawsx/test-de.tsv", "", "Predictions pawsx/test-de.tsv: the file is empty"),
    (
        "predictions",
        "pawsx/test-de.tsv",
        "0\r\n\r\ntrue\r\n" + "1\r\n" * 9,
        "Predictions pawsx/test-de.tsv, line 3: expected one of the labels 0, 1, found 'true'",
    ),
    ("predictions", "pawsx/test-de.tsv", b"0\r\n1\r\xff\n", "test-de.tsv, line 3: byte 0xff is not UTF-8"),
    ("labels", "udpos/test-af.tsv", "", "Labels udpos/test-af.tsv: the file is empty"),
    ("predictions", "udpos/test-af.tsv", "", "Predictions udpos/test-af.tsv: the file is empty"),
    ("predictions", "bucc2018/test-de.tsv", "de-1\ten-1\nde-2 en-2\n", "line 2: expected two ids with one tab"),
    ("predictions", "bucc2018/test-de.tsv", "0.9\tde-1\ten-1\n", "line 1: expected two ids with one tab"),
    ("predictions", "tydiqa/test-en.json", "{\n'a': 1}", "test-en.json, line 2: this is not JSON (Expecting property"),
    ("predictions", "tydiqa/test-en.json", "\ufeff{}", "line 1: this is not JSON (Unexpected UTF-8 BOM"),
    ("predictions", "tydiqa/test-en.json", "[" * 100_000, "this JSON cannot be read"),
    ("predictions", "tydiqa/test-en.json", "[]", "expected an object of question ids and answers, found a list"),
    ("predictions", "tydiqa/test-en.json", '{"data": "x"}', "question ids and answers, found a text"),
    ("predictions", "tydiqa/test-en.json", '{"en-tydiqa-3": null}', "the question 'en-tydiqa-3' is to be a text"),
    ("labels", "tydiqa/test-en.json", '{"version": 1}', "a list of articles in the field 'data', found an object"),
    ("labels", "tydiqa/test-en.json", '{"data": []}', "Labels tydiqa/test-en.json: there are no questions"),
    (
        "labels",
        "tydiqa/test-en.json",
        '[{"title": 1}]',
        "article 1 needs the field 'paragraphs', found the fields title",
    ),
    (
        "labels",
        "tydiqa/test-en.json",
        '[{"paragraphs": [3]}]',
        "paragraph 1 of article 1 needs the field 'qas', found a number",
    ),
    (
        "labels",
        "tydiqa/test-en.json",
        squad(id=3),
        "the field 'id' of question 1 of paragraph 1 of article 1 is to be a text",
    ),
    ("labels", "tydiqa/test-en.json", squad(id="q"), "question 'q' needs the field 'answers', found the fields id"),
    ("labels", "tydiqa/test-en.json", squad(id="q", answers=[]), "question 'q' has no answer"),
    ("labels", "tydiqa/test-en.json", squad(id="q", answers=["x"]), "an answer of question 'q' needs the field 'text'"),
    (
        "labels",
        "tydiqa/test-en.json",
        json.dumps([{"paragraphs": [{"qas": [{"id": "q", "answers": [ANSWER]}] * 2}]}]),
        "the question 'q' is there twice",
    ),
]


@pytest.mark.parametrize(("side", "name", "text", "sentence"), REFUSALS)
def test_what_cannot_be_scored_is_refused(submission: Path, side: str, name: str, text: Any, sentence: str) -> None:
    spoil(submission, side, name, text)
    with pytest.raises(RecipeError) as refusal:
        evaluate(submission)
    assert sentence in str(refusal.value)
    assert str(refusal.value).startswith(f"{side.capitalize()} {name}")
    assert str(submission) not in str(refusal.value)


@pytest.mark.parametrize(
    ("predicted", "sentence"),
    [
        ("NOUN\nVERB\n\n", "line 3: found the end of a sentence where the labels have a tag"),
        ("NOUN\nVERB\nX\nX\n\nX\n", "line 4: found a tag where the labels have the end of a sentence"),
        ("NOUN\nVERB\nX\n", "line 4: the file ends here, the labels have 6 lines"),
        ("NOUN\nVERB\nX\n\nX\n\n\n", "line 7: the labels end with line 6"),
        ("NOUN\nVERB\nX\n\nnoun\n", "line 5: expected one of the labels ADJ"),
    ],
)
def test_tags_and_sentences_stand_at_the_same_lines(submission: Path, predicted: str, sentence: str) -> None:
    spoil(submission, "labels", "udpos/test-af.tsv", "NOUN\nVERB\nX\n\nX\n")
    spoil(submission, "predictions", "udpos/test-af.tsv", predicted)
    with pytest.raises(RecipeError, match="Predictions udpos/test-af.tsv") as refusal:
        evaluate(submission)
    assert sentence in str(refusal.value)


def test_an_index_is_a_number(made: Path, tmp_path: Path) -> None:
    for side in ("predictions", "labels"):
        shutil.copytree(made / side / "tatoeba", tmp_path / side / "tatoeba")
    spoil(tmp_path, "predictions", "tatoeba/test-ar.tsv", "-1\n\n7.0\n" + "1\n" * 9)
    with pytest.raises(RecipeError, match="line 3: expected the index of a sentence, found '7.0'"):
        evaluate(tmp_path)


def test_folders_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "predictions").mkdir()
    with pytest.raises(RecipeError, match="The folder of labels is not there"):
        evaluate(tmp_path)


def test_a_long_line_is_shown_in_part(submission: Path) -> None:
    spoil(submission, "predictions", "pawsx/test-de.tsv", "x" * 5000 + "\n" + "1\n" * 11)
    with pytest.raises(RecipeError) as refusal:
        evaluate(submission)
    assert len(str(refusal.value)) < 200


def test_the_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    xtreme.write({"all_task": 1.5}, path)
    assert path.read_text() == '{\n  "all_task": 1.5\n}'
    with pytest.raises(TypeError):
        xtreme.write({"all_task": object()}, path)
    assert json.loads(path.read_text()) == {"all_task": 1.5}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("place", ["absent/report.json", "."])
def test_a_report_that_cannot_be_written_is_said(tmp_path: Path, place: str) -> None:
    with pytest.raises(RecipeError, match="The report cannot be written"):
        xtreme.write({}, tmp_path / place)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real_data
def test_real_predictions_have_their_known_accuracy() -> None:
    """ExplainaBoard's two systems on XNLI, in four languages each: between 69.6 and 78.7."""
    parquet = pytest.importorskip("pyarrow.parquet")
    data = Path(os.environ["DATA_DIR"])
    outputs = data / "explainaboard/system_outputs/xnli/test.parquet"
    labels = data / "google/xtreme/XNLI/test.parquet"
    if not (outputs.exists() and labels.exists()):
        pytest.skip("no predictions of XNLI in the mirror")
    gold: dict[str, list[str]] = {}
    for row in parquet.read_table(labels).to_pylist():
        gold.setdefault(row["language"], []).append(row["gold_label"])
    found: dict[tuple[str, str], dict[int, str]] = {}
    for row in parquet.read_table(outputs).to_pylist():
        found.setdefault((row["system"], row["language"]), {})[row["row"]] = row["prediction"]
    scores = [
        accuracy(gold[language], [predicted[row] for row in range(len(gold[language]))])
        for (_, language), predicted in found.items()
    ]
    assert len(scores) == 8
    assert (round(min(scores), 1), round(max(scores), 1)) == (69.6, 78.7)
