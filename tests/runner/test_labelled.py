"""From predictions to outcomes, and to the one number that selection looks at."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from runner.data.examples import MultipleChoice, Question, SentencePair, TaggedSentence
from runner.data.feature_table import FeatureTable
from runner.data.features import FEATURES
from runner.data.material import training_data
from runner.data.readers import Dataset
from runner.evaluation.labelled import (
    DEVELOPMENT_ITEMS,
    FEWEST_DEVELOPMENT_ITEMS,
    MEASURES,
    DevelopmentScores,
    development,
    outcome,
)
from runner.evaluation.predict import Span
from runner.modeling.encoder import load_encoder, load_tokenizer
from runner.modeling.heads import TaskModel, build_head
from runner.spec import EncoderRef, Job, Stage, TrainPlan
from runner.tasks.kinds import Kind
from runner.tasks.registry import task
from tests.runner.factories import dataset_of, pair_rows, settings, write_split

PASSAGE = "the cat sees a dog"


class Blind(nn.Module):
    """Hidden states of nothing: its heads always say the same."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.weight.expand(*input_ids.shape, 1))


class Always(nn.Module):
    """The first label of three whatever comes; of a passage, the token at `place`."""

    def __init__(self, kind: Kind, place: int = 0) -> None:
        super().__init__()
        self.kind, self.place = kind, place

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        rows, tokens = hidden.shape[:2]
        if self.kind is Kind.SPAN:
            return nn.functional.one_hot(torch.tensor(self.place), tokens).float().expand(rows, 2, tokens)
        first = torch.tensor([1.0, 0.0, 0.0])
        return first.expand(rows, tokens, 3) if self.kind is Kind.TAGGING else first.expand(rows, 3)


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: EncoderRef):
    return load_tokenizer(tiny_encoder)


@pytest.fixture(scope="module")
def prepared(tokenizer):
    """A data set and its features."""

    def make(slug: str, examples: list[Any], **options: Any) -> tuple[Dataset, FeatureTable]:
        dataset = dataset_of(task(slug), examples, **options)
        return dataset, FeatureTable.of(FEATURES[dataset.task.kind](examples, tokenizer, 32))

    return make


def pairs(*labels: int) -> list[SentencePair]:
    return [SentencePair("the cat", "a dog", label) for label in labels]


def scores(parts: dict[str, list], pad: int, **heads: nn.Module) -> dict[str, Any]:
    return DevelopmentScores(parts, pad, "fp32")(TaskModel(Blind(), heads))


def test_it_works(prepared, tokenizer) -> None:
    seen: list[int] = []
    model = TaskModel(Blind(), {"mnli": Always(Kind.SENTENCE_PAIR)})
    found = outcome(model, "mnli", *prepared("xnli", pairs(0, 1, 0, 2)), tokenizer.pad_token_id, "fp32", seen.append)
    assert found.scores == {"accuracy": 50.0}
    assert found.predictions == ["entailment"] * 4
    assert seen[-1] == 4


def test_windows_of_a_sentence_are_joined_again(prepared) -> None:
    sentence = TaggedSentence(("cat",) * 40, tuple(range(3)) * 13 + (0,))
    dataset, table = prepared("udpos", [sentence, TaggedSentence(("dog",), (2,))])
    assert [feature.example for feature in table] == [0, 0, 1]
    found = [[sentence.tags[word] for word in table[index].words] for index in (0, 1)]
    joined = MEASURES[Kind.TAGGING].score(dataset, table, [*found, [1]])
    assert [item["right_words"] for item in joined.items] == [40, 0]
    assert len(joined.predictions) == 40 + 1 + 1 + 1


def test_choices_are_scored_as_labels_are(prepared) -> None:
    examples = [MultipleChoice("the cat", "", ("a", "b", "c", "d"), label) for label in (3, 1)]
    dataset, table = prepared("hellaswag", examples)
    found = MEASURES[Kind.MULTIPLE_CHOICE].score(dataset, table, [[3], [0]])
    assert found.scores == {"accuracy": 50.0}
    assert found.items[0] == {"gold": "3", "predicted": "3", "correct": True}


def test_answers_are_scored_in_the_language_and_the_way_of_the_original(prepared) -> None:
    question = Question("q", "der Hund", "Wer ?", ("Hund",), 4)
    for slug, exact in (("mlqa_sample", 100.0), ("xquad_sample", 0.0)):
        dataset, table = prepared(slug, [question], language="de")
        assert MEASURES[Kind.SPAN].score(dataset, table, [Span(1.0, 0, 8, 0.0)]).scores["exact_match"] == exact


def test_every_kind_with_a_head_can_be_evaluated(prepared, tiny_encoder: EncoderRef, tokenizer) -> None:
    """With real heads: the number of items is that of the examples, each with its outcome."""
    cases = [
        ("nli_cad", pairs(0, 1, 2)),
        ("commonsense_qa_3", [MultipleChoice("", "who sees", ("cat", "a dog", "tree"), 1)] * 3),
        ("udpos", [TaggedSentence(("the", "cat") * 20, (1, 2) * 20)] * 3),
        ("squad_v1", [Question(name, " ".join([PASSAGE] * 12), "who", ("cat",), 4) for name in "qrs"]),
    ]
    encoder = load_encoder(tiny_encoder).eval()
    for slug, examples in cases:
        dataset, table = prepared(slug, examples)
        head = build_head(dataset.task.kind, encoder.config, len(dataset.labels))
        found = outcome(TaskModel(encoder, {slug: head}).eval(), slug, dataset, table, tokenizer.pad_token_id, "fp32")
        assert found.n == len(found.items) == 3
        assert set(dataset.task.metrics) <= set(found.scores)


def test_the_development_score_is_over_all_items_of_a_task(prepared, tokenizer) -> None:
    """Three of four and none of one: 60 %, not the mean of 75 and 0."""
    parts = {"anli_plus": [prepared("snli", pairs(0, 0, 0, 1)), prepared("anli", pairs(2))]}
    found = scores(parts, tokenizer.pad_token_id, anli_plus=Always(Kind.SENTENCE_PAIR))
    assert found == {"metric": "accuracy", "value": pytest.approx(60.0)}


def test_the_development_score_of_answers_is_the_mean_of_both_metrics(prepared, tokenizer) -> None:
    """'cat' for 'the cat' is exact, for 'cat sees' it has F1 2/3."""
    examples = [Question("q", PASSAGE, "who", ("the cat",), 0), Question("r", PASSAGE, "who", ("cat sees",), 4)]
    dataset, table = prepared("squad_v1", examples)
    place = int(table[0].heads[1])
    found = scores({"squad_v1": [(dataset, table)]}, tokenizer.pad_token_id, squad_v1=Always(Kind.SPAN, place))
    assert found == {"metric": "f1_em", "value": pytest.approx((50.0 + 250 / 3) / 2)}


def test_the_development_score_of_a_mixture_is_the_mean_of_its_tasks(prepared, tokenizer) -> None:
    """However many items each of them has."""
    parts = {
        "nli_cad": [prepared("nli_cad", pairs(*[0] * 9, 1))],
        "ccg_pmb": [prepared("ccg_pmb", [TaggedSentence(("the", "cat"), (0, 2))], labels=("n", "np", "s"))],
    }
    heads = {"nli_cad": Always(Kind.SENTENCE_PAIR), "ccg_pmb": Always(Kind.TAGGING)}
    assert scores(parts, tokenizer.pad_token_id, **heads) == {"metric": "accuracy", "value": pytest.approx(70.0)}


def test_a_mixture_of_metrics_is_named_so(prepared, tokenizer) -> None:
    parts = {
        "nli_cad": [prepared("nli_cad", pairs(0))],
        "udpos": [prepared("udpos", [TaggedSentence(("cat",), (0,))])],
    }
    heads = {"nli_cad": Always(Kind.SENTENCE_PAIR), "udpos": Always(Kind.TAGGING)}
    assert scores(parts, tokenizer.pad_token_id, **heads) == {"metric": "mean over tasks", "value": 100.0}


def test_development_data_says_which_tokens_it_has(prepared, tokenizer) -> None:
    parts = [prepared("nli_cad", pairs(0)), prepared("nli_cad", [SentencePair("a bird", "a tree", 1)])]
    ids = DevelopmentScores({"nli_cad": parts}, tokenizer.pad_token_id, "fp32").token_ids()
    assert {int(one) for table in ids for one in table} == {
        *tokenizer("the cat", "a dog")["input_ids"],
        *tokenizer("a bird", "a tree")["input_ids"],
    }


@pytest.fixture
def developed(tiny_encoder: EncoderRef, tokenizer, tmp_path: Path):
    """The development scores of a phase on counterfactual NLI, and the events on the way."""

    def make(trained: int, there: int | None) -> tuple[DevelopmentScores | None, list[tuple[str, dict[str, Any]]]]:
        cad = "acmi-lab/counterfactually-augmented-data", "nli"
        write_split(tmp_path, *cad, "train", pair_rows(trained))
        if there is not None:
            write_split(tmp_path, *cad, "validation", pair_rows(there))
        plan = TrainPlan(("nli_cad",), settings())
        job = Job(Stage(plan, tiny_encoder, 1, None), str(tmp_path), data_dir=str(tmp_path))
        events: list[tuple[str, dict[str, Any]]] = []
        data = training_data(plan, 1, str(tmp_path))
        found = development(data, tokenizer, job, lambda event, **fields: events.append((event, fields)))
        return found, events

    return make


@pytest.mark.parametrize(
    ("trained", "there", "looked_at"),
    [
        (40, 90, FEWEST_DEVELOPMENT_ITEMS),
        (400, 900, 100),
        (4000, 900, DEVELOPMENT_ITEMS),
        (4000, 30, 30),
    ],
)
def test_a_trial_on_few_examples_looks_at_few(developed, tokenizer, trained: int, there: int, looked_at: int) -> None:
    found, events = developed(trained, there)
    # Each pair begins with one such token.
    assert sum(int((ids == tokenizer.cls_token_id).sum()) for ids in found.token_ids()) == looked_at
    assert [(event, fields["split"], fields["rows"]) for event, fields in events] == [("data", "validation", there)]


def test_without_development_data_there_is_no_curve_and_a_note(developed) -> None:
    found, ((event, fields),) = developed(40, None)
    assert found is None
    assert event == "progress"
    assert fields["note"].startswith("no development curve: acmi-lab/counterfactually-augmented-data")
    assert len(fields["note"]) <= 200
