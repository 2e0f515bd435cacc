"""Examples become features in which no word of a sentence and no token of a passage is lost."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.data.examples import MultipleChoice, Question, SentencePair, TaggedSentence, Text
from runner.data.feature_table import IGNORED, Feature
from runner.data.features import multiple_choices, pairs, questions, sentences, tagged, texts
from runner.errors import RecipeError
from runner.modeling.encoder import load_tokenizer
from runner.spec import EncoderRef
from tests.runner.factories import WORDS


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder: EncoderRef):
    return load_tokenizer(tiny_encoder)


def words(count: int, shift: int = 0) -> str:
    return " ".join(WORDS[(at + shift) % len(WORDS)] for at in range(count))


def text_of(tokenizer, ids) -> str:
    return tokenizer.decode(ids, skip_special_tokens=True)


def test_it_works(tokenizer) -> None:
    (feature,) = pairs([SentencePair("the cat", "a dog", 2)], tokenizer, 16)
    assert feature.ids == tokenizer("the cat", "a dog")["input_ids"]
    assert feature.labels == (2,)
    assert feature.example == 0


def test_pairs_are_cut_to_the_maximal_length_the_longer_sentence_first(tokenizer) -> None:
    (feature,) = pairs([SentencePair(words(18), "cat", 1)], tokenizer, 12)
    assert len(feature) == 12
    assert tokenizer.convert_tokens_to_ids("cat") in feature.ids[-3:]


def test_texts_for_retrieval_are_features_without_labels(tokenizer) -> None:
    short, long = sentences(["cat", "cat dog bird"], tokenizer, 10)
    assert (len(short), len(long), len(short.labels), long.example) == (3, 5, 0, 1)
    assert len(sentences([words(18)], tokenizer, 10)[0]) == 10


def test_choices_are_rows_of_context_then_question_and_choice(tokenizer) -> None:
    example = MultipleChoice("the cat", "who sees", ("a dog", "bird"), 1)
    (feature,) = multiple_choices([example], tokenizer, 32)
    rows = [tokenizer("the cat", f"who sees {choice}")["input_ids"] for choice in example.choices]
    assert feature.ids == [*rows[0], *rows[1]]
    assert feature.rows == [len(row) for row in rows]
    assert feature.labels == (1,)
    # What it takes in a batch: both rows at the length of the longer one.
    assert len(feature) == 2 * len(rows[0])


@pytest.mark.parametrize(
    ("example", "row"),
    [
        (MultipleChoice("the cat", "", ("a dog",), 0), ("the cat", "a dog")),
        (MultipleChoice("", "the cat", ("a dog",), 0), ("the cat", "a dog")),
    ],
)
def test_what_the_choices_are_about_comes_first(tokenizer, example: MultipleChoice, row: tuple[str, str]) -> None:
    (feature,) = multiple_choices([example], tokenizer, 32)
    assert feature.ids == tokenizer(*row)["input_ids"]


def test_rows_of_choices_are_cut_one_by_one(tokenizer) -> None:
    examples = [MultipleChoice(words(30), "", ("cat", words(3)), 0), MultipleChoice("a", "", ("b", "cat dog"), 1)]
    long, short = multiple_choices(examples, tokenizer, 14)
    assert long.rows == [14, 14]
    assert short.rows == [6, 7]
    assert short.example == 1


@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=5), max_length=st.integers(3, 16))
def test_windows_hold_every_word_once_in_order(tokenizer, lengths: list[int], max_length: int) -> None:
    examples = [
        TaggedSentence(tuple(WORDS[at % len(WORDS)] for at in range(length)), tuple(at % 5 for at in range(length)))
        for length in lengths
    ]
    features = list(tagged(examples, tokenizer, max_length))
    assert all(len(feature) <= max_length for feature in features)
    for position, example in enumerate(examples):
        mine = [feature for feature in features if feature.example == position]
        assert [word for feature in mine for word in feature.words] == list(range(len(example.tokens)))
        tags = [feature.labels[head] for feature in mine for head in feature.heads]
        assert tags == list(example.tags)
        assert all(sum(label != IGNORED for label in feature.labels) == len(feature.words) for feature in mine)


def test_an_unknown_tag_is_predicted_and_not_learnt_from(tokenizer) -> None:
    (feature,) = tagged([TaggedSentence(("cat", "dog"), (-1, 3))], tokenizer, 16)
    assert [feature.labels[head] for head in feature.heads] == [IGNORED, 3]


def test_a_word_that_the_tokenizer_drops_still_gets_a_tag(tokenizer) -> None:
    (feature,) = tagged([TaggedSentence(("cat", " ", "dog"), (1, 2, 3))], tokenizer, 16)
    assert [feature.labels[head] for head in feature.heads] == [1, 2, 3]
    assert feature.ids[feature.heads[1]] == tokenizer.unk_token_id


@given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=4), max_length=st.integers(3, 16))
def test_running_text_is_cut_into_windows_without_loss(tokenizer, lengths: list[int], max_length: int) -> None:
    found = list(texts([Text(words(length)) for length in lengths], tokenizer, max_length))
    assert all(3 <= len(feature.ids) <= max_length and not feature.labels for feature in found)
    assert all(
        (feature.ids[0], feature.ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id) for feature in found
    )
    for position, length in enumerate(lengths):
        parts = [text_of(tokenizer, feature.ids) for feature in found if feature.example == position]
        assert " ".join(parts) == words(length)


def characters(feature: Feature) -> list[tuple[int, int]]:
    return list(zip(feature.offsets[::2], feature.offsets[1::2], strict=True))


@given(
    count=st.integers(1, 90),
    asked=st.integers(1, 30),
    max_length=st.integers(12, 40),
    answer=st.tuples(st.integers(0, 89), st.integers(1, 6)),
)
def test_windows_of_a_passage(tokenizer, count: int, asked: int, max_length: int, answer: tuple[int, int]) -> None:
    """Every token of the passage is in a window, under one number; an answer is found wherever a window has it."""
    context = words(count)
    begins = [0, *(at + 1 for at, character in enumerate(context) if character == " ")]
    first = answer[0] % count
    chosen = context[begins[first] :].split()[: answer[1]]
    example = Question("q", context, words(asked, 3), (" ".join(chosen),), begins[first])
    features = list(questions([example], tokenizer, max_length))
    seen: dict[int, tuple[int, int]] = {}
    for feature in features:
        assert len(feature.ids) <= max_length
        for number, head, place in zip(feature.words, feature.heads, characters(feature), strict=True):
            assert seen.setdefault(number, place) == place
            assert tokenizer.convert_ids_to_tokens(int(feature.ids[head])) == context[slice(*place)]
        whole = set(range(first, first + len(chosen))) <= set(feature.words)
        start, end = feature.labels
        assert ((start, end) != (0, 0)) == whole
        if whole:
            places = dict(zip(feature.heads, characters(feature), strict=True))
            assert context[places[start][0] : places[end][1]] == example.answers[0]
    assert sorted(seen) == list(range(count))
    assert len(set(seen.values())) == count


def test_a_passage_that_fits_is_one_window(tokenizer) -> None:
    example = Question("q", "the cat sees a dog", "a bird", ("a dog",), 13)
    (feature,) = questions([example], tokenizer, 32)
    assert feature.ids == tokenizer("a bird", example.context)["input_ids"]
    assert [feature.ids[at] for at in feature.labels] == tokenizer.convert_tokens_to_ids(["a", "dog"])
    assert list(feature.words) == [0, 1, 2, 3, 4]


def test_windows_of_several_passages_are_numbered_each_from_zero(tokenizer) -> None:
    found = list(questions([Question(name, words(40), "a", (), -1) for name in "qr"], tokenizer, 24))
    firsts = [(feature.example, feature.words[0]) for feature in found]
    assert (0, 0) in firsts
    assert (1, 0) in firsts
    assert [one for one, _ in firsts] == sorted(one for one, _ in firsts)


def test_an_answer_within_a_token_is_that_token(tokenizer) -> None:
    """Languages that are written without blanks: the answer's edges need not be a token's."""
    (feature,) = questions([Question("q", "the catdogbird sees", "a", ("dog",), 7)], tokenizer, 32)
    start, end = feature.labels
    assert start == end == feature.heads[1]


@pytest.mark.parametrize(("text", "start"), [(" cat", 3), ("cat ", 4), (" cat sees ", 3)])
def test_blanks_around_an_answer_are_no_part_of_it(tokenizer, text: str, start: int) -> None:
    """No token covers them: an answer must not be lost by them."""
    (feature,) = questions([Question("q", "the cat sees a dog", "a", (text,), start)], tokenizer, 32)
    first, last = feature.labels
    found = tokenizer.convert_ids_to_tokens(list(feature.ids[first : last + 1]))
    assert found == text.split()


def test_a_question_without_answer_is_labelled_with_the_first_token(tokenizer) -> None:
    (feature,) = questions([Question("q", "the cat", "a", (), -1)], tokenizer, 32)
    assert feature.labels == (0, 0)


def test_an_answer_that_is_not_in_its_passage_is_refused(tokenizer) -> None:
    with pytest.raises(RecipeError, match="Question q: the answer 'fish' is not in its passage"):
        list(questions([Question("q", "the cat", "a", ("fish",), -1)], tokenizer, 32))


def test_an_absent_tokenizer_is_refused(tiny_encoder: EncoderRef, tmp_path: Path) -> None:
    absent = dataclasses.replace(tiny_encoder, location=str(tmp_path))
    with pytest.raises(RecipeError, match="tiny could not be loaded from its folder; the log says why"):
        load_tokenizer(absent)
