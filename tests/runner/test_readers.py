"""Rows become examples with checked labels; what cannot be an example is refused by its row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.examples import MultipleChoice, Question, SentencePair, TaggedSentence, Text, Translation
from runner.data.features import FEATURES
from runner.data.readers import READERS, Dataset, load, place
from runner.errors import RecipeError
from runner.evaluation.labelled import MEASURES
from runner.modeling.heads import HEADS
from runner.tasks.kinds import Kind
from runner.tasks.registry import task
from tests.runner.factories import write_split

TREE_BANK = "google/xtreme", "udpos.German", "test"
PAWS = "google/xtreme", "PAWS-X.de", "test"
COSMOS = "allenai/cosmos_qa", "default", "train"
PASSAGE = "A cat sees a dog. The dog sees the cat."


def question(name: str, texts: list[str], starts: list[int], context: str = PASSAGE) -> dict[str, Any]:
    """A row in the shape of SQuAD."""
    return {
        "id": name,
        "context": context,
        "question": "Who?",
        "answers": {"text": texts, "answer_start": starts},
    }


def squad(mirror: Path, *rows: dict[str, Any], split: str = "train") -> Dataset:
    write_split(mirror, "rajpurkar/squad_v2", "squad_v2", split, list(rows))
    return load(task("squad_v2"), split, "en", str(mirror))


def test_it_works(mirror: Path) -> None:
    dataset = load(task("udpos"), "test", "de", str(mirror))
    assert len(dataset.examples) == dataset.kept == dataset.rows == 12
    assert dataset.labels == task("udpos").labels
    event = dataset.event()
    assert (event["config"], event["rows"], event["origin"]) == ("udpos.German", 12, "mirror")
    assert len(event["sha256"]) == 64


def test_every_kind_has_a_reader_and_all_that_have_a_head_are_measured() -> None:
    assert set(READERS) == set(Kind)
    assert set(FEATURES) == set(Kind) - {Kind.RETRIEVAL}
    assert set(HEADS) == set(MEASURES) == set(Kind) - {Kind.RETRIEVAL, Kind.MASKED_WORDS}


def test_labels_may_be_numbers_in_strings(tmp_path: Path) -> None:
    """Those of PAWS-X are."""
    write_split(tmp_path, *PAWS, [{"sentence1": "a", "sentence2": "b", "label": label} for label in ("1", "0")])
    assert load(task("paws_x"), "test", "de", str(tmp_path)).examples == [
        SentencePair("a", "b", 1),
        SentencePair("a", "b", 0),
    ]


def test_labels_may_be_words_and_the_language_a_column(tmp_path: Path) -> None:
    rows = [
        {"language": code, "sentence1": code, "sentence2": "b", "gold_label": "contradiction"} for code in ("de", "sw")
    ]
    write_split(tmp_path, "google/xtreme", "XNLI", "test", rows)
    assert load(task("xnli"), "test", "sw", str(tmp_path)).examples == [SentencePair("sw", "b", 2)]


@pytest.mark.parametrize("label", ["maybe", "2", ""])
def test_an_unknown_label_is_refused_by_name(tmp_path: Path, label: str) -> None:
    write_split(tmp_path, *PAWS, [{"sentence1": "a", "sentence2": "b", "label": label}])
    with pytest.raises(RecipeError, match=f"PAWS-X, test, de: the label '{label}' is not one of 0, 1"):
        load(task("paws_x"), "test", "de", str(tmp_path))


def test_snli_pairs_without_a_gold_label_are_left_out(tmp_path: Path) -> None:
    rows = [{"premise": "a", "hypothesis": "b", "label": label} for label in (-1, 2)]
    write_split(tmp_path, "stanfordnlp/snli", "plain_text", "validation", rows)
    dataset = load(task("snli"), "validation", "en", str(tmp_path))
    assert [example.label for example in dataset.examples] == [2]
    assert (dataset.rows, dataset.kept) == (2, 1)


def test_data_without_a_single_example_is_refused(tmp_path: Path) -> None:
    write_split(tmp_path, "local/text", "de", "train", [{"text": " "}, {"text": ""}])
    with pytest.raises(RecipeError, match=r"^Your own text, train, de: none of its 2 rows can be used"):
        load(task("local_text"), "train", "de", str(tmp_path))
    rows = [{"premise": "a", "hypothesis": "b", "label": -1}]
    write_split(tmp_path, "stanfordnlp/snli", "plain_text", "validation", rows)
    with pytest.raises(RecipeError, match=r"^SNLI, validation, en: none of its 1 rows can be used"):
        load(task("snli"), "validation", "en", str(tmp_path))


def test_choices_may_be_a_list_column(tmp_path: Path) -> None:
    rows = [{"ctx": "A cat", "endings": ["sees", "is", "has", "likes"], "label": "3"}]
    write_split(tmp_path, "Rowan/hellaswag", "default", "validation", rows)
    assert load(task("hellaswag"), "validation", "en", str(tmp_path)).examples == [
        MultipleChoice("A cat", "", ("sees", "is", "has", "likes"), 3)
    ]


def test_choices_may_be_a_field_of_a_struct_column(tmp_path: Path) -> None:
    rows = [{"question": "Who?", "choices": {"label": list("ABCDE"), "text": list("vwxyz")}, "answerKey": "E"}]
    write_split(tmp_path, "tau/commonsense_qa", "default", "validation", rows)
    assert load(task("commonsense_qa"), "validation", "en", str(tmp_path)).examples == [
        MultipleChoice("", "Who?", tuple("vwxyz"), 4)
    ]


def test_choices_may_be_several_columns(tmp_path: Path) -> None:
    row = {"context": "A cat.", "question": "Who?", "label": 1, **{f"answer{number}": str(number) for number in "0123"}}
    write_split(tmp_path, *COSMOS, [row])
    assert load(task("cosmos_qa"), "train", "en", str(tmp_path)).examples == [
        MultipleChoice("A cat.", "Who?", ("0", "1", "2", "3"), 1)
    ]


def test_a_wrong_number_of_choices_is_refused_with_its_row(tmp_path: Path) -> None:
    rows = [{"ctx": "A cat", "endings": list("wxyz")[:count], "label": "0"} for count in (4, 3)]
    write_split(tmp_path, "Rowan/hellaswag", "default", "validation", rows)
    with pytest.raises(RecipeError, match=r"HellaSwag, validation, en, row 1: 3 choices, the task has 4\."):
        load(task("hellaswag"), "validation", "en", str(tmp_path))


def test_an_absent_column_of_choices_is_refused(tmp_path: Path) -> None:
    write_split(tmp_path, *COSMOS, [{"context": "", "question": "", "answer0": "", "answer1": "", "label": 0}])
    with pytest.raises(RecipeError, match="but not answer2, answer3"):
        load(task("cosmos_qa"), "train", "en", str(tmp_path))


def test_an_open_tag_set_is_collected_and_unseen_tags_stay_unknown(tmp_path: Path) -> None:
    def write(split: str, tags: list[str]) -> None:
        write_split(tmp_path, "pmb/ccg-4.0.0", "en", split, [{"tokens": ["x"] * len(tags), "supertags": tags}])

    write("train", ["np", "n", "np/n"])
    write("validation", ["n", "s"])
    trained = load(task("ccg_pmb"), "train", "en", str(tmp_path))
    assert trained.labels == ("n", "np", "np/n")
    unseen = load(task("ccg_pmb"), "validation", "en", str(tmp_path), trained.labels)
    assert unseen.examples == [TaggedSentence(("x", "x"), (0, -1))]


def test_sentences_without_words_are_left_out(tmp_path: Path) -> None:
    write_split(tmp_path, *TREE_BANK, [{"tokens": ["a"], "pos_tags": [1]}, {"tokens": [], "pos_tags": []}])
    dataset = load(task("udpos"), "test", "de", str(tmp_path))
    assert (dataset.rows, dataset.kept, len(dataset.examples)) == (2, 1, 1)


def test_tags_and_tokens_of_different_length_are_refused(tmp_path: Path) -> None:
    write_split(tmp_path, *TREE_BANK, [{"tokens": ["a", "b"], "pos_tags": [1]}])
    with pytest.raises(RecipeError, match="row 0: 2 tokens but 1 tags"):
        load(task("udpos"), "test", "de", str(tmp_path))


def test_a_tag_outside_the_tag_set_is_refused(tmp_path: Path) -> None:
    write_split(tmp_path, *TREE_BANK, [{"tokens": ["a"], "pos_tags": [17]}])
    with pytest.raises(RecipeError, match="tag 17 is outside the 17 tags"):
        load(task("udpos"), "test", "de", str(tmp_path))


def test_a_question_has_its_answers_and_the_place_of_the_first(tmp_path: Path) -> None:
    dataset = squad(tmp_path, question("q", ["dog", "The dog"], [13, 18]))
    assert dataset.examples == [Question("q", PASSAGE, "Who?", ("dog", "The dog"), 13)]


@pytest.mark.parametrize(
    ("text", "said", "there"),
    [
        ("dog", 12, 13),
        ("dog", 20, 22),
        ("dog", 400, 22),
        ("dog", 0, 13),
        ("cat", 3, 2),
        ("cat", 30, 35),
        ("fish", 2, -1),
    ],
)
def test_a_wrong_place_is_mended_to_the_nearest_occurrence(tmp_path: Path, text: str, said: int, there: int) -> None:
    assert squad(tmp_path, question("q", [text], [said])).examples[0].start == there


@given(before=st.text("ab", max_size=12), text=st.text("ab", min_size=1, max_size=3), said=st.integers(0, 20))
def test_the_place_is_one_and_no_other_is_nearer(tmp_path_factory, before: str, text: str, said: int) -> None:
    context = before + text
    answers = {"text": [text], "answer_start": [said]}
    columns = {"id": ["q"], "context": [context], "question": [""], "answers": [answers]}
    (example,) = READERS[Kind.SPAN].examples(columns, (), "here")
    places = [at for at in range(len(context)) if context.startswith(text, at)]
    assert example.start in places
    assert abs(example.start - said) == min(abs(at - said) for at in places)


def test_a_question_may_have_no_answer(tmp_path: Path) -> None:
    assert squad(tmp_path, question("q", [], []), question("r", ["cat"], [2])).examples[0] == Question(
        "q", PASSAGE, "Who?", (), -1
    )


def test_hidden_answers_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError,
        match=r"^SQuAD v2.0, validation, en, row 1: the answer is empty, as in a test set that hides its answers\.$",
    ):
        squad(tmp_path, question("q", ["cat"], [2]), question("r", [""], [0]), split="validation")


def test_tydiqa_has_the_language_in_its_ids(tmp_path: Path) -> None:
    names = ("english-1-0", "swahili-2-0", "english-3-0")
    write_split(tmp_path, "google/xtreme", "tydiqa", "train", [question(name, ["cat"], [2]) for name in names])
    dataset = load(task("tydiqa"), "train", "en", str(tmp_path))
    assert [example.id for example in dataset.examples] == ["english-1-0", "english-3-0"]
    assert dataset.source_items == ["english-1-0", "english-3-0"]


def test_the_only_split_of_xquad_is_its_test_data(tmp_path: Path) -> None:
    """The hub calls it validation; nothing may be selected on it."""
    write_split(tmp_path, "google/xtreme", "XQuAD.th", "validation", [question("q", ["cat"], [2])])
    assert len(load(task("xquad"), "test", "th", str(tmp_path)).examples) == 1
    with pytest.raises(RecipeError, match="XQuAD has the splits test, not 'validation'"):
        load(task("xquad"), "validation", "th", str(tmp_path))


def test_mlqa_is_read_with_context_and_question_in_one_language(tmp_path: Path) -> None:
    for config in ("MLQA.de.de", "MLQA.de.ar", "MLQA.ar.de"):
        write_split(tmp_path, "google/xtreme", config, "test", [question(config, ["cat"], [2])])
    assert [one.id for one in load(task("mlqa"), "test", "de", str(tmp_path)).examples] == ["MLQA.de.de"]


def test_tatoeba_has_codes_of_three_letters(tmp_path: Path) -> None:
    """Of the macrolanguages, those that Tatoeba chose."""
    codes = {"fa": "pes", "sw": "swh", "zh": "cmn", "ar": "ara", "et": "est", "jv": "jav"}
    for code in codes.values():
        rows = [{"source_sentence": code, "target_sentence": "a cat"}]
        write_split(tmp_path, "google/xtreme", f"tatoeba.{code}", "validation", rows)
    for language, code in codes.items():
        assert load(task("tatoeba"), "test", language, str(tmp_path)).examples == [Translation(code, "a cat")]


def test_a_text_may_lie_in_the_column_of_its_language_and_blank_rows_are_left_out(tmp_path: Path) -> None:
    rows = [{"de": "Hund", "sw": "mbwa"}, {"de": " \n", "sw": ""}, {"de": None, "sw": "paka"}]
    write_split(tmp_path, "mteb/NTREX", "parallel_45", "test", rows)
    german, swahili = (load(task("ntrex"), "train", code, str(tmp_path)) for code in ("de", "sw"))
    assert german.examples == [Text("Hund")]
    assert swahili.examples == [Text("mbwa"), Text("paka")]
    assert (swahili.rows, swahili.kept) == (3, 2)
    assert german.sha256 != swahili.sha256


def test_a_limit_counts_rows_in_their_order(tmp_path: Path) -> None:
    rows = [{"text": text} for text in ("one", "", "three", "four")]
    write_split(tmp_path, "wikimedia/wikipedia", "20231101.sw", "train", rows)
    dataset = load(task("wikipedia"), "train", "sw", str(tmp_path), limit=3)
    assert dataset.examples == [Text("one"), Text("three")]
    assert dataset.rows == 3
    assert dataset.sha256 != load(task("wikipedia"), "train", "sw", str(tmp_path)).sha256


def test_training_data_in_another_language_is_its_translation() -> None:
    assert place(task("mnli"), "train", "sw").config_for("sw") == "sw"
    assert place(task("mnli"), "train", "sw").dataset == "facebook/xnli"
    assert place(task("squad_v1"), "train", "de").config_for("de") == "mlqa-translate-train.de"
    assert place(task("hellaswag"), "train", "ru").dataset == "translated/hellaswag"
    assert place(task("mnli"), "train", "en").dataset == "nyu-mll/glue"
    # Texts have every language themselves, and only training data is ever translated.
    assert place(task("wikipedia"), "train", "sw").config_for("sw") == "20231101.sw"
    assert place(task("xnli"), "test", "sw").dataset == "google/xtreme"


def test_own_translations_are_read_from_the_mirror(tmp_path: Path) -> None:
    rows = [{"question1": "a", "question2": "b", "label": 1}]
    write_split(tmp_path, "translated/qqp", "sw", "train", rows)
    dataset = load(task("qqp"), "train", "sw", str(tmp_path))
    assert dataset.examples == [SentencePair("a", "b", 1)]
    assert (dataset.event()["dataset"], dataset.event()["config"]) == ("translated/qqp", "sw")
    with pytest.raises(RecipeError, match=r"Put the data at DATA_DIR/translated/qqp/ru/train\.parquet"):
        load(task("qqp"), "train", "ru", str(tmp_path))


def test_parallel_items_are_named_by_row_and_number_of_rows(tmp_path: Path) -> None:
    """Only languages with equally many rows line up."""
    write_split(tmp_path, *PAWS, [{"sentence1": "a", "sentence2": "b", "label": "0"}] * 3)
    assert load(task("paws_x"), "test", "de", str(tmp_path)).source_items == ["0/3", "1/3", "2/3"]


def test_items_of_tasks_that_are_not_parallel_have_no_name(mirror: Path) -> None:
    assert load(task("udpos"), "test", "de", str(mirror)).source_items == []


def test_a_part_of_a_data_set_keeps_what_belongs_together(tmp_path: Path) -> None:
    rows = [{"sentence1": text, "sentence2": "b", "label": "0"} for text in "vwxyz"]
    write_split(tmp_path, *PAWS, rows)
    whole = load(task("paws_x"), "test", "de", str(tmp_path))
    part = whole.take([3, 1])
    assert [example.first for example in part.examples] == ["y", "w"]
    assert part.source_items == ["3/5", "1/5"]
    assert (part.rows, part.kept, part.sha256) == (5, 5, whole.sha256)
    assert whole.first(None) == whole.first(9) == whole
    assert whole.first(2).source_items == ["0/5", "1/5"]


def test_an_absent_split_is_refused_with_those_there_are(mirror: Path) -> None:
    with pytest.raises(RecipeError, match="has the splits train, validation, test, not 'dev'"):
        load(task("udpos"), "dev", "de", str(mirror))


@pytest.mark.parametrize("language", ["kk", "th", "tl", "yo"])
def test_languages_without_a_development_split_are_refused_where_it_is_read(mirror: Path, language: str) -> None:
    """UD has no development treebank in these: they are absent from the mirror, and the sentence says which file."""
    with pytest.raises(RecipeError, match=r"configuration udpos\.\w+, split validation is not in the local mirror"):
        load(task("udpos"), "validation", language, str(mirror))
