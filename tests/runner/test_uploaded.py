"""Predictions from elsewhere: scored as XTREME scores them, and refused with the line that is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from runner.errors import RecipeError
from runner.evaluation.uploaded import Upload, score
from runner.scoring.layout import folder_of
from runner.scoring.xtreme import SCORERS, evaluate
from runner.tasks.registry import task as find_task
from tests import uploads

ROOT = Path(__file__).resolve().parents[2]
ALL_NINE = tuple(SCORERS)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A mirror of all nine tasks, with predictions and labels for it."""
    root = tmp_path_factory.mktemp("uploaded")
    predictions, labels = uploads.mirror(root / "mirror", *ALL_NINE)
    uploads.write(root / "predictions", predictions)
    uploads.write(root / "labels", labels)
    return root, predictions


def scored(root, tmp_path, *tasks):
    """The events by kind."""
    events = {"score": [], "data": [], "artifact": []}
    upload = Upload(str(root / "predictions"), tasks, str(tmp_path), str(root / "mirror"))
    score(upload, lambda event, /, **fields: events[event].append(fields))
    return events


def refusal(made, tmp_path, name, text):
    """What is said of the task of the file `name` when it has `text` instead."""
    root, predictions = made
    task = next(slug for slug in ALL_NINE if folder_of(slug) == name.split("/")[0])
    wrong = {other: content for other, content in predictions.items() if other.split("/")[0] == name.split("/")[0]}
    uploads.write(tmp_path / "predictions", {**wrong, name: text})
    upload = Upload(str(tmp_path / "predictions"), (task,), str(tmp_path), str(root / "mirror"))
    with pytest.raises(RecipeError) as caught:
        score(upload, lambda event, /, **fields: None)
    return str(caught.value)


def test_it_works(made, tmp_path):
    """Every figure is the one that XTREME's report has for the same files and labels."""
    root, _ = made
    report = evaluate(root / "predictions", root / "labels")
    events = scored(root, tmp_path, *ALL_NINE)
    found = {(event["task"], event["metric"], event["language"]): event["value"] for event in events["score"]}
    compared = 0
    for (slug, metric, language), value in found.items():
        figures = report[folder_of(slug)]
        if metric in figures:  # accuracy of tagging is ours alone
            assert value == pytest.approx(figures[metric][language], abs=1e-9)
            compared += 1
    # A figure for each language, two for each of the questions' languages.
    assert compared == 162 + 27
    assert {event["n"] for event in events["score"]} == {uploads.ITEMS}
    # The header file documents every column of the items.
    documented = json.loads((Path(__file__).parents[1] / "golden" / "headers.json").read_text())["items"]["1"]
    for event in events["artifact"]:
        assert set(pq.read_schema(tmp_path / event["path"]).names) <= set(documented)


def test_outcomes_are_kept_per_item(made, tmp_path):
    root, _ = made
    events = scored(root, tmp_path, "xnli", "tatoeba", "bucc2018")
    assert [event["path"] for event in events["artifact"]] == [
        "items-xnli.parquet",
        "items-tatoeba.parquet",
        "items-bucc2018.parquet",
    ]
    table = pq.read_table(tmp_path / "items-xnli.parquet").to_pylist()
    accuracy = {event["language"]: event["value"] for event in events["score"] if event["task"] == "xnli"}
    for language in find_task("xnli").languages:
        rows = [row for row in table if row["language"] == language]
        assert 100 * sum(row["correct"] for row in rows) / len(rows) == accuracy[language]
        # Parallel languages share their items.
        assert [row["source_item"] for row in rows] == [f"{item}/{uploads.ITEMS}" for item in range(uploads.ITEMS)]


def test_the_data_that_was_read_is_named_with_its_hash(made, tmp_path):
    events = scored(made[0], tmp_path, "paws_x")
    assert [event["language"] for event in events["data"]] == list(find_task("paws_x").languages)
    assert {event["origin"] for event in events["data"]} == {"mirror"}
    assert all(len(event["sha256"]) == 64 for event in events["data"])


# What is refused, each with one sentence.


def test_fewer_lines_than_items(made, tmp_path):
    sentence = refusal(made, tmp_path, "xnli/test-de.tsv", "neutral\n" * 5)
    assert sentence == "Predictions xnli/test-de.tsv, line 5: the file ends here, the labels have 6 lines."


def test_more_lines_than_items(made, tmp_path):
    sentence = refusal(made, tmp_path, "xnli/test-de.tsv", "neutral\n" * 7)
    assert sentence == "Predictions xnli/test-de.tsv, line 7: the labels end with line 6."


def test_an_empty_file(made, tmp_path):
    assert refusal(made, tmp_path, "xnli/test-de.tsv", "").endswith("xnli/test-de.tsv: the file is empty.")


@pytest.mark.parametrize("label", ["maybe", "", "Neutral"])
def test_a_label_that_the_task_has_not(made, tmp_path, label):
    sentence = refusal(made, tmp_path, "xnli/test-de.tsv", "neutral\n" * 3 + f"{label}\n" + "neutral\n" * 2)
    assert sentence == (
        "Predictions xnli/test-de.tsv, line 4: expected one of the labels entailment, neutral, contradiction, "
        f"found {label!r}."
    )


def test_a_tag_that_the_task_has_not(made, tmp_path):
    _, predictions = made
    first, rest = predictions["panx/test-de.tsv"].split("\n", 1)
    assert "line 1: expected one of the labels O, " in refusal(made, tmp_path, "panx/test-de.tsv", f"B-MISC\n{rest}")


def test_words_and_sentences_that_do_not_line_up(made, tmp_path):
    _, predictions = made
    sentence = refusal(made, tmp_path, "udpos/test-de.tsv", "NOUN\n" + predictions["udpos/test-de.tsv"])
    assert "found a tag where the labels have the end of a sentence; every word needs one tag." in sentence


@pytest.mark.parametrize("index", ["6", "-1", "x", "", "9" * 5000])
def test_an_index_of_no_sentence(made, tmp_path, index):
    sentence = refusal(made, tmp_path, "tatoeba/test-de.tsv", f"{index}\n" + "0\n" * 5)
    assert "line 1: expected the index of one of 6 English sentences, 0 to 5, found" in sentence


def test_pairs_that_are_not_two_ids(made, tmp_path):
    sentence = refusal(made, tmp_path, "bucc2018/test-de.tsv", "de-1 en-1\n")
    assert sentence.endswith("line 1: expected two ids with one tab between them, found 'de-1 en-1'.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"de-7": "x"}, "there is no question 'de-7' among the 6 of this language"),
        ({"de-0": None}, "1 of 6 questions have no answer, the first is 'de-0'"),
        ({"de-0": 3}, "the answer to the question 'de-0' is to be a text"),
    ],
)
def test_answers_that_are_not_those_to_the_questions(made, tmp_path, change, said):
    answers = json.loads(made[1]["xquad/test-de.json"])
    answers = {f"de-{name.split('-')[1]}": text for name, text in answers.items()} | change
    answers = {name: text for name, text in answers.items() if text is not None}
    assert said in refusal(made, tmp_path, "xquad/test-de.json", json.dumps(answers))


def test_what_is_not_json(made, tmp_path):
    assert "this is not JSON" in refusal(made, tmp_path, "xquad/test-de.json", "{'a': 1}")


def test_what_is_not_utf8(made, tmp_path):
    root, predictions = made
    uploads.write(tmp_path / "predictions", predictions)
    (tmp_path / "predictions/xnli/test-de.tsv").write_bytes(b"neutral\nneutral\nn\xe4utral\n")
    with pytest.raises(RecipeError, match=r"xnli/test-de.tsv, line 3: byte 0xe4 is not UTF-8\."):
        score(
            Upload(str(tmp_path / "predictions"), ("xnli",), "", str(root / "mirror")), lambda event, /, **fields: None
        )


# The process.


def test_the_process_needs_no_torch_and_says_what_is_wrong_in_one_event(made, tmp_path):
    root, _ = made
    job = {"predictions": str(tmp_path), "tasks": ["xnli"], "output": str(tmp_path), "data_dir": str(root / "mirror")}
    (tmp_path / "job.json").write_text(json.dumps(job))
    code = "import sys, runner.evaluation.uploaded as part; code = part.main(sys.argv[1:]); "
    code += "sys.exit(code if 'torch' not in sys.modules and 'django' not in sys.modules else 9)"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "job.json"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    *_, error = [json.loads(line) for line in done.stdout.splitlines()]
    assert error["event"] == "error"
    assert error["message"].startswith("Predictions xnli/test-ar.tsv: the file is missing")
