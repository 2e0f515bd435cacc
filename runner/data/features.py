"""Features: examples as token ids, without padding.

A long sentence of a tagging task becomes several windows, so that every word gets a prediction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from runner.data.examples import SentencePair, TaggedSentence
from runner.tasks.kinds import Kind

IGNORED = -100
CHUNK = 10_000


@dataclass(frozen=True)
class Feature:
    """Token ids of one model input and its labels: one number, or one per token (IGNORED where none).

    `example` is the position of the example that it was made from. Tagging only: `words` are positions of
    words in that example, `heads` the positions in `ids` of each word's first token.
    """

    ids: tuple[int, ...]
    labels: tuple[int, ...]
    example: int
    words: tuple[int, ...] = ()
    heads: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


def pairs(examples: Sequence[SentencePair], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Feature]:
    """One feature per pair, the longer sentence cut first."""
    features: list[Feature] = []
    for start in range(0, len(examples), CHUNK):
        chunk = examples[start : start + CHUNK]
        encoded = tokenizer(
            [example.first for example in chunk],
            [example.second for example in chunk],
            truncation="longest_first",
            max_length=max_length,
        )["input_ids"]
        features.extend(
            Feature(tuple(ids), (example.label,), start + offset)
            for offset, (ids, example) in enumerate(zip(encoded, chunk, strict=True))
        )
    return features


def sentences(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Feature]:
    """One feature without label per text."""
    encoded = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    return [Feature(tuple(ids), (), position) for position, ids in enumerate(encoded)]


def tagged(examples: Sequence[TaggedSentence], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Feature]:
    """Windows of whole words; the first token of a word carries its tag, the others are IGNORED."""
    features: list[Feature] = []
    for start in range(0, len(examples), CHUNK):
        chunk = examples[start : start + CHUNK]
        encoded = tokenizer(
            [list(example.tokens) for example in chunk], is_split_into_words=True, add_special_tokens=False
        )
        for offset, example in enumerate(chunk):
            pieces = _pieces_by_word(encoded, offset, len(example.tokens), tokenizer.unk_token_id)
            features.extend(_windows(pieces, example, start + offset, tokenizer, max_length))
    return features


def _pieces_by_word(encoded, row: int, words: int, unknown: int) -> list[list[int]]:
    pieces: list[list[int]] = [[] for _ in range(words)]
    for token, word in zip(encoded["input_ids"][row], encoded.word_ids(row), strict=True):
        pieces[word].append(token)
    # A word of characters that the tokenizer drops (a lone variation selector) still needs its tag.
    return [piece or [unknown] for piece in pieces]


def _windows(
    pieces: list[list[int]], example: TaggedSentence, position: int, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> list[Feature]:
    room = max_length - 2
    windows: list[list[int]] = [[]]
    used = 0
    for word, piece in enumerate(pieces):
        if windows[-1] and used + len(piece) > room:
            windows.append([])
            used = 0
        windows[-1].append(word)
        used += len(piece)
    return [_window(words, pieces, example, position, tokenizer, room) for words in windows]


def _window(
    words: list[int],
    pieces: list[list[int]],
    example: TaggedSentence,
    position: int,
    tokenizer: PreTrainedTokenizerBase,
    room: int,
) -> Feature:
    ids = [tokenizer.cls_token_id]
    labels = [IGNORED]
    heads = []
    for word in words:
        piece = pieces[word][:room]
        tag = example.tags[word]
        heads.append(len(ids))
        ids.extend(piece)
        labels.extend([tag if tag >= 0 else IGNORED] + [IGNORED] * (len(piece) - 1))
    return Feature((*ids, tokenizer.sep_token_id), (*labels, IGNORED), position, words=tuple(words), heads=tuple(heads))


# How examples of a kind with a head become features; the other kinds take their place here.
FEATURES: Mapping[Kind, Callable[[Sequence[Any], PreTrainedTokenizerBase, int], list[Feature]]] = {
    Kind.SENTENCE_PAIR: pairs,
    Kind.TAGGING: tagged,
}
