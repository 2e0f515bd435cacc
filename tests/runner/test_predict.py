"""Forward passes give the best label, the best span and the mean vector, whatever stands in one batch together.

Logits are given here: the encoder repeats the token ids, and a head looks up what each is worth.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from runner.data.feature_table import Feature, FeatureTable
from runner.data.features import sentences
from runner.evaluation.predict import ANSWER_TOKENS, BEST_ENDS, TOKEN_BUDGET, Span, labels, spans, vectors
from runner.modeling.encoder import load_encoder, load_tokenizer
from runner.modeling.heads import TaskModel
from runner.spec import EncoderRef

PAD, FIRST, LAST = 0, 1, 2
VOCABULARY = 4000


class Echo(nn.Module):
    """Instead of hidden states, the token ids: (rows, tokens)."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=input_ids)


class Given(nn.Module):
    """Looks the logits of each token up in `table` (vocabulary, labels) and shapes them as a kind's head does."""

    def __init__(self, table: torch.Tensor, shape: str) -> None:
        super().__init__()
        self.table, self.shape = nn.Parameter(table), shape

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor | None) -> torch.Tensor:
        logits = self.table[hidden]
        if self.shape == "rows":
            return logits[:, 0]
        if self.shape == "choices":
            return logits[:, 0, 0].view(-1, 3)
        return logits.transpose(1, 2) if self.shape == "spans" else logits


def model(table: torch.Tensor, shape: str) -> TaskModel:
    return TaskModel(Echo(), {"task": Given(table, shape)})


def passage(words: range, start: int, example: int = 0) -> Feature:
    """A window of a passage, each token two characters long, behind a question of two tokens."""
    ids = (FIRST, 8, 9, LAST, *range(start, start + len(words)), LAST)
    return Feature(
        ids,
        (0, 0),
        example,
        words=words,
        heads=range(4, 4 + len(words)),
        offsets=[place for word in words for place in (3 * word, 3 * word + 2)],
    )


def found(features: list[Feature], table: torch.Tensor) -> list[Span]:
    return spans(model(table, "spans"), "task", FeatureTable.of(features), PAD, "fp32")


def test_it_works() -> None:
    """One label for each feature, in the features' order, though batches are sorted by length."""
    features = [Feature((number, *[5] * (number % 7)), (0,), number) for number in range(10, 60)]
    table = torch.nn.functional.one_hot(torch.arange(VOCABULARY) % 3).float()
    seen: list[int] = []
    got = labels(model(table, "rows"), "task", FeatureTable.of(features), PAD, "fp32", seen.append)
    assert got == [[number % 3] for number in range(10, 60)]
    assert seen[-1] == 50


def test_choices_are_told_apart_by_their_rows() -> None:
    table = torch.arange(VOCABULARY).float()[:, None]
    rows = [(30, 31, 20), (10, 20, 15), (50, 40, 41)]
    features = [Feature(row, (0,), at, rows=(1, 1, 1)) for at, row in enumerate(rows)]
    assert labels(model(table, "choices"), "task", FeatureTable.of(features), PAD, "fp32") == [[1], [1], [0]]


def test_words_take_the_label_of_their_first_token() -> None:
    table = torch.nn.functional.one_hot(torch.arange(VOCABULARY) % 5).float()
    features = [
        Feature((FIRST, 10, 11, 13, LAST), (), 0, words=(0, 1), heads=(1, 3)),
        Feature((FIRST, 24, LAST), (), 1, words=(0,), heads=(1,)),
    ]
    assert labels(model(table, "tokens"), "task", FeatureTable.of(features), PAD, "fp32") == [[0, 3], [4]]


def test_the_best_span_is_told_in_characters() -> None:
    table = torch.zeros(VOCABULARY, 2)
    table[101, 0], table[103, 1], table[FIRST] = 5.0, 4.0, torch.tensor([1.0, 2.0])
    assert found([passage(range(6), 100)], table) == [Span(9.0, 3, 11, 3.0)]


def test_an_answer_never_ends_before_it_begins_nor_in_the_question() -> None:
    table = torch.zeros(VOCABULARY, 2)
    table[103, 0], table[101, 1] = 5.0, 4.0
    table[8], table[LAST] = torch.tensor([99.0, 99.0]), torch.tensor([99.0, 99.0])
    (span,) = found([passage(range(6), 100)], table)
    assert span.score == 5.0
    assert span.first == 9


def test_an_answer_has_a_maximal_length() -> None:
    table = torch.full((VOCABULARY, 2), -1.0)
    table[100, 0], table[100 + ANSWER_TOKENS, 1] = 5.0, 5.0
    table[100 + ANSWER_TOKENS - 1, 1] = 4.0
    (span,) = found([passage(range(ANSWER_TOKENS + 1), 100)], table)
    assert (span.score, span.last) == (9.0, 3 * (ANSWER_TOKENS - 1) + 2)


def test_an_answer_begins_where_its_window_sees_most_around_it() -> None:
    """Token 2 is the first window's, token 3 the second's: there more stands on both sides of them."""
    table = torch.zeros(VOCABULARY, 2)
    # The ids of tokens 0 to 3 in the first window are 100 to 103, those of 2 to 5 in the second 202 to 205.
    table[103, 0] = table[202, 0] = 50.0
    table[102, 0] = table[203, 0] = 5.0
    one, other = found([passage(range(4), 100), passage(range(2, 6), 202)], table)
    assert (one.score, one.first) == (5.0, 6)
    assert (other.score, other.first) == (5.0, 9)


def test_of_windows_that_see_as_much_around_it_the_longer_one_is_taken() -> None:
    """Token 2 has one token beside it in both, at the end of the first and at the beginning of the second."""
    table = torch.zeros(VOCABULARY, 2)
    table[102, 0] = table[201, 0] = 50.0
    one, other = found([passage(range(4), 100), passage(range(1, 8), 200)], table)
    assert (one.score, other.score, other.first) == (0.0, 50.0, 6)


def test_of_equal_windows_the_first_is_taken_and_the_other_has_no_span() -> None:
    one, other = found([passage(range(3), 100), passage(range(3), 200)], torch.ones(VOCABULARY, 2))
    assert one.score == 2.0
    assert other.score == -float("inf")
    # Another passage's windows are no rivals.
    assert found([passage(range(3), 100), passage(range(3), 200, 1)], torch.ones(VOCABULARY, 2))[1].score == 2.0


def test_a_passage_may_have_one_token_or_none() -> None:
    one, none = found([passage(range(1), 100), passage(range(0), 200, 1)], torch.ones(VOCABULARY, 2))
    assert one == Span(2.0, 0, 2, 2.0)
    assert none == Span(-float("inf"), 0, 0, 2.0)


def brute_force(features: list[Feature], table: np.ndarray) -> list[tuple[float, int, int]]:
    """The definition, pair by pair."""
    results = []
    for feature in features:
        allowed = []
        for number, word in enumerate(feature.words):
            widths = []
            for other in features:
                if other.example == feature.example and word in other.words:
                    place, count = other.words.index(word), len(other.words)
                    widths.append((min(place, count - 1 - place) + 0.01 * count, other))
            best = max(width for width, _ in widths)
            if next(other for width, other in widths if width == best) is feature:
                allowed.append(number)
        ids = feature.ids[4:-1]
        firsts = sorted(allowed, key=lambda at: -table[ids[at], 0])[:BEST_ENDS]
        lasts = sorted(range(len(ids)), key=lambda at: -table[ids[at], 1])[:BEST_ENDS]
        pairs = [
            (table[ids[first], 0] + table[ids[last], 1], first, last)
            for first in firsts
            for last in lasts
            if first <= last < first + ANSWER_TOKENS
        ]
        score, first, last = max(pairs, default=(-np.inf, 0, 0))
        places = (feature.offsets[2 * first], feature.offsets[2 * last + 1]) if pairs else (0, 0)
        results.append((score, *places))
    return results


@given(
    lengths=st.lists(st.integers(1, 70), min_size=1, max_size=3),
    room=st.integers(2, 45),
    stride=st.integers(0, 20),
    seed=st.integers(0, 2**31),
)
def test_spans_are_those_of_brute_force(lengths: list[int], room: int, stride: int, seed: int) -> None:
    step = max(1, room - stride)
    features, start = [], 10
    for example, length in enumerate(lengths):
        for at in range(0, max(1, length - room + step), step):
            features.append(passage(range(at, min(at + room, length)), start, example))
            start += room
    table = torch.randn(max(VOCABULARY, start), 2, generator=torch.Generator().manual_seed(seed))
    expected = brute_force(features, table.numpy())
    for span, (score, first, last) in zip(found(features, table), expected, strict=True):
        assert span.score == pytest.approx(score, abs=1e-5)
        assert (span.first, span.last) == (first, last)


def test_vectors_are_means_over_all_tokens_whatever_the_padding(tiny_encoder: EncoderRef) -> None:
    tokenizer, encoder = load_tokenizer(tiny_encoder), load_encoder(tiny_encoder).eval()
    texts = ["the cat", "a big green dog sees the bird", "tree"]
    table = sentences(texts, tokenizer, 32)
    for pooling in ("mean", "cls"):
        together = vectors(encoder, table, tokenizer.pad_token_id, pooling, "fp32")
        assert together.dtype == torch.float32
        for text, vector in zip(texts, together, strict=True):
            with torch.inference_mode():
                hidden = encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            assert torch.allclose(vector, hidden.mean(0) if pooling == "mean" else hidden[0], atol=1e-5)


def test_many_features_are_several_batches_and_progress_counts_features() -> None:
    count = 3 * TOKEN_BUDGET // 10
    features = [Feature((7,) * 10, (0,), number) for number in range(count)]
    seen: list[int] = []
    labels(model(torch.ones(VOCABULARY, 2), "rows"), "task", FeatureTable.of(features), PAD, "fp32", seen.append)
    assert len(seen) >= 3
    assert seen == sorted(seen)
    assert seen[-1] == count
