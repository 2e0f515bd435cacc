"""One answer for each question out of all windows of its passage, and what it is worth."""

from __future__ import annotations

import math

import pytest

from runner.data.examples import Question
from runner.data.feature_table import Feature, FeatureTable
from runner.evaluation.predict import Span
from runner.evaluation.questions import answers, score
from runner.tasks.registry import task

PASSAGE = "The cat sees a dog."
LOWEST = -math.inf


def question(name: str, *gold: str) -> Question:
    return Question(name, PASSAGE, "Who?", gold, PASSAGE.find(gold[0]) if gold else -1)


def table(*examples: int) -> FeatureTable:
    """A window for each of `examples`."""
    return FeatureTable.of(Feature((1,), (0, 0), example) for example in examples)


def test_it_works() -> None:
    """Of a passage's windows the best span; the questions in their order."""
    found = [Span(3.0, 4, 7, 9.0), Span(5.0, 15, 18, 9.0), Span(-2.0, 0, 7, 9.0)]
    assert answers([question("q", "cat"), question("r", "dog")], table(0, 0, 1), found) == ["dog", "The cat"]


def test_of_equal_spans_the_first_window_s() -> None:
    found = [Span(3.0, 4, 7, 0.0), Span(3.0, 15, 18, 0.0)]
    assert answers([question("q", "cat")], table(0, 0), found) == ["cat"]


def test_blanks_around_an_answer_are_cut() -> None:
    assert answers([question("q", "cat")], table(0), [Span(1.0, 3, 8, 0.0)]) == ["cat"]


def test_where_all_questions_have_answers_one_is_always_given() -> None:
    assert answers([question("q", "cat")], table(0), [Span(-90.0, 4, 7, 90.0)]) == ["cat"]


def test_a_window_without_span_has_no_answer() -> None:
    assert answers([question("q", "cat")], table(0, 0), [Span(LOWEST, 0, 0, 0.0), Span(-5.0, 4, 7, 0.0)]) == ["cat"]
    assert answers([question("q", "cat")], table(0), [Span(LOWEST, 0, 0, 0.0)]) == [""]
    assert answers([question("q", "cat"), question("r", "dog")], table(0), [Span(1.0, 4, 7, 0.0)]) == ["cat", ""]


@pytest.mark.parametrize(
    ("none", "given"),
    [((6.0, 6.0), ""), ((6.0, 4.0), "dog"), ((4.0, 6.0), "dog"), ((5.0, 5.0), "dog"), ((5.5, 90.0), "")],
)
def test_no_answer_is_given_where_every_window_prefers_it(none: tuple[float, float], given: str) -> None:
    """SQuAD v2.0: the smallest score of no answer has to be above the best span, which is 5."""
    found = [Span(3.0, 4, 7, none[0]), Span(5.0, 15, 18, none[1]), Span(1.0, 4, 7, 0.0)]
    assert answers([question("q", "cat"), question("none")], table(0, 0, 1), found)[0] == given


def test_exact_match_and_f1_are_means_in_percent() -> None:
    """Worked by hand: 'a cat' is 'cat' without its article; 'cat sees' shares one of two and one of one token."""
    examples = [question("q", "cat"), question("r", "cat"), question("s", "dog", "cat sees")]
    outcome = score(examples, ["a cat", "cat sees", "Cat sees!"], "xquad", "en")
    assert outcome.scores == {"exact_match": pytest.approx(200 / 3), "f1": pytest.approx(100 * (1 + 2 / 3 + 1) / 3)}
    assert outcome.n == 3
    assert outcome.predictions == {"q": "a cat", "r": "cat sees", "s": "Cat sees!"}
    assert outcome.items[1] == {
        "id": "r",
        "exact_match": 0.0,
        "f1": pytest.approx(200 / 3),
        "predicted": "cat sees",
        "gold": ["cat"],
    }


def test_scores_follow_from_the_items() -> None:
    examples = [question(name, "cat sees") for name in "qrst"]
    outcome = score(examples, ["cat", "cat sees", "dog", ""], "tydiqa", "en")
    for metric, value in outcome.scores.items():
        assert value == pytest.approx(sum(item[metric] for item in outcome.items) / outcome.n)


def test_where_some_questions_have_no_answer_none_is_right_for_them() -> None:
    outcome = score([question("q", "cat"), question("none")], ["", ""], "squad_v2", "en")
    assert [item["exact_match"] for item in outcome.items] == [0.0, 100.0]
    assert score([question("none")], ["cat"], "squad_v2", "en").scores == {"exact_match": 0.0, "f1": 0.0}


@pytest.mark.parametrize(
    ("slug", "exact"), [("mlqa", 100.0), ("mlqa_sample", 100.0), ("xquad", 0.0), ("xquad_sample", 0.0)]
)
def test_a_stand_in_is_normalised_as_the_task_it_stands_for(slug: str, exact: float) -> None:
    """MLQA removes German articles, SQuAD English ones alone."""
    german = Question("q", "der Hund", "Wer?", ("Hund",), 4)
    assert score([german], ["der Hund"], task(slug).original, "de").scores["exact_match"] == exact


def test_questions_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="1 of 2 questions share their id"):
        score([question("q", "cat"), question("q", "dog")], ["cat", "dog"], "xquad", "en")


def test_a_question_without_prediction_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        score([question("q", "cat")], [], "xquad", "en")
