"""Answers: what normalisation takes away, what F1 counts, which gold answer counts."""

from __future__ import annotations

import string
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.scoring import questions
from runner.scoring.questions import Answer, mlqa_tokens, squad_tokens


def test_it_works() -> None:
    gold = {"one": ["The river", "a city"], "two": ["1969"], "three": ["the old house"]}
    scored = questions.score({"one": "River!", "three": "old houses", "four": "x"}, gold, squad_tokens)
    assert scored == {"one": Answer(1, 1.0), "two": Answer(0, 0.0, given=False), "three": Answer(0, 0.5)}
    assert list(scored) == list(gold)
    assert questions.means(scored) == {"exact_match": pytest.approx(100 / 3), "f1": pytest.approx(50)}


def test_squad_takes_away_english_articles_and_ascii_marks_in_every_language() -> None:
    assert squad_tokens("The  U.S. council, an A-team's") == ["us", "council", "ateams"]
    assert squad_tokens("der Fluss — «Rhein»") == ["der", "fluss", "—", "«rhein»"]
    assert squad_tokens("theatre\u3000another") == ["theatre", "another"]


@pytest.mark.parametrize(
    ("language", "text", "tokens"),
    [
        ("en", "The “old” house … of an A-team", ["old", "house", "of", "ateam"]),
        ("de", "Der Fluss, des Rheins «den»", ["fluss", "rheins"]),
        ("es", "¿El niño y las casas?", ["niño", "y", "casas"]),
        ("vi", "những thành phố của Hà Nội là", ["thành", "phố", "hà", "nội"]),
        ("hi", "भारत का शहर।", ["भारत", "का", "शहर"]),
        # The two letters of the article go wherever they stand, and part the word there.
        ("ar", "الكتاب في المدينة، خالد", ["كتاب", "في", "مدينة", "خ", "د"]),
        ("zh", "电池（emf 1969年）、the DNA分子", ["电", "池", "emf", "1969", "年", "the", "dna", "分", "子"]),
        # Beyond the range that MLQA segments.
        ("zh", "㐀㐁 龥龦", ["㐀㐁", "龥", "龦"]),
    ],
)
def test_mlqa_normalises_by_language(language: str, text: str, tokens: list[str]) -> None:
    assert mlqa_tokens(language)(text) == tokens


def test_mlqa_deletes_all_punctuation_and_the_symbols_of_ascii() -> None:
    deleted = {chr(code) for code in range(sys.maxunicode) if unicodedata.category(chr(code)).startswith("P")} | set(
        string.punctuation
    )
    everything = "".join(f"x{chr(code)}x" for code in range(0x3100) if not chr(code).isspace())
    kept = everything.lower().translate(questions.PUNCTUATION)
    assert kept == "".join(character for character in everything.lower() if character not in deleted)


def test_mlqa_has_seven_languages() -> None:
    with pytest.raises(ValueError, match="MLQA normalises answers in ar, de, en, es, hi, vi, zh, not in 'fr'"):
        mlqa_tokens("fr")


def test_each_task_has_its_normalisation() -> None:
    assert questions.tokens_of("mlqa", "de")("das Haus") == ["haus"]
    assert questions.tokens_of("xquad", "de")("das Haus") == ["das", "haus"]


def test_f1_counts_a_token_as_often_as_both_have_it() -> None:
    """Worked by hand: three tokens found, four in gold, two shared: precision 2/3, recall 2/4."""
    assert questions.overlap(["a", "a", "b"], ["a", "b", "c", "c"]) == pytest.approx(4 / 7)


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_f1_is_symmetric_and_bounded(one: list[str], other: list[str]) -> None:
    assert questions.overlap(one, other) == pytest.approx(questions.overlap(other, one))
    assert 0 <= questions.overlap(one, other) <= 1
    assert questions.overlap(one, one) == (1.0 if one else 0.0)


def test_exact_match_and_f1_may_come_from_different_answers() -> None:
    assert questions.best([], [["house"], []]) == Answer(1, 0.0)


def test_two_answers_of_nothing_match_without_sharing_a_token() -> None:
    """As SQuAD v1.1's evaluator: an exact match with an F1 of 0."""
    assert questions.score({"q": "the"}, {"q": ["a"]}, squad_tokens) == {"q": Answer(1, 0.0)}


@pytest.mark.parametrize(
    ("text", "answers", "expected"),
    [
        ("", [], Answer(1, 1.0)),
        ("the", [], Answer(1, 1.0)),
        ("", ["", "a"], Answer(1, 1.0)),
        ("house", [], Answer(0, 0.0)),
        ("", ["house"], Answer(0, 0.0)),
        ("house", ["the", "old house"], Answer(0, pytest.approx(2 / 3))),
    ],
)
def test_the_right_answer_to_an_unanswerable_question_is_none(text, answers, expected) -> None:
    """As SQuAD v2.0's evaluator."""
    assert questions.score({"q": text}, {"q": answers}, squad_tokens, unanswerable=True) == {"q": expected}


def test_a_question_without_gold_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="Question 'q' has no gold answer"):
        questions.score({"q": "x"}, {"q": []}, squad_tokens)


def test_the_mean_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no questions"):
        questions.means({})
