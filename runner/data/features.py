"""Features: how the examples of each kind become token ids.

What is longer than a model input becomes several windows: of whole words, so that each gets a tag; of passages, so
that an answer is found wherever it stands; of running text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

from transformers import PreTrainedTokenizerBase

from runner.data.examples import MultipleChoice, Question, SentencePair, TaggedSentence, Text
from runner.data.feature_table import IGNORED, Feature, FeatureTable
from runner.errors import RecipeError
from runner.tasks.kinds import Kind

CHUNK = 10_000
# XTREME's run_squad.py (--doc_stride, --max_query_length); less where the maximal length leaves no room for them.
STRIDE = 128
QUESTION_TOKENS = 64


def pairs(examples: Sequence[SentencePair], tokenizer: PreTrainedTokenizerBase, max_length: int) -> Iterator[Feature]:
    """One feature per pair, the longer sentence cut first."""
    for start, chunk in _chunks(examples):
        encoded = _encode_pairs([(example.first, example.second) for example in chunk], tokenizer, max_length)
        for offset, (ids, example) in enumerate(zip(encoded, chunk, strict=True)):
            yield Feature(ids, (example.label,), start + offset)


def multiple_choices(
    examples: Sequence[MultipleChoice], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> Iterator[Feature]:
    """One feature per example, one row per choice: the context, then the question (if any) and the choice."""
    for start, chunk in _chunks(examples):
        rows = iter(_encode_pairs([pair for example in chunk for pair in _rows(example)], tokenizer, max_length))
        for offset, example in enumerate(chunk):
            mine = [next(rows) for _ in example.choices]
            ids = [token for row in mine for token in row]
            yield Feature(ids, (example.label,), start + offset, rows=[len(row) for row in mine])


def _rows(example: MultipleChoice) -> Iterator[tuple[str, str]]:
    first = example.context or example.question
    lead = f"{example.question} " if example.context and example.question else ""
    for choice in example.choices:
        yield first, lead + choice


def _encode_pairs(pairs: list[tuple[str, str]], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[list[int]]:
    first, second = zip(*pairs, strict=True)
    return tokenizer(list(first), list(second), truncation="longest_first", max_length=max_length)["input_ids"]


def sentences(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int) -> FeatureTable:
    """One feature without label per text."""
    encoded = tokenizer(list(texts), truncation=True, max_length=max_length)["input_ids"]
    return FeatureTable.of(Feature(ids, (), position) for position, ids in enumerate(encoded))


def tagged(
    examples: Sequence[TaggedSentence], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> Iterator[Feature]:
    """Windows of whole words; the first token of a word carries its tag, the others are IGNORED."""
    for start, chunk in _chunks(examples):
        encoded = tokenizer(
            [list(example.tokens) for example in chunk], is_split_into_words=True, add_special_tokens=False
        )
        for offset, example in enumerate(chunk):
            pieces = _pieces_by_word(encoded, offset, len(example.tokens), tokenizer.unk_token_id)
            for words in _words_by_window([len(piece) for piece in pieces], max_length - 2):
                yield _tagged_window(words, pieces, example, start + offset, tokenizer, max_length - 2)


def _pieces_by_word(encoded: Any, row: int, words: int, unknown: int) -> list[list[int]]:
    pieces: list[list[int]] = [[] for _ in range(words)]
    for token, word in zip(encoded["input_ids"][row], encoded.word_ids(row), strict=True):
        pieces[word].append(token)
    # A word of characters that the tokenizer drops (a lone variation selector) still needs its tag.
    return [piece or [unknown] for piece in pieces]


def _words_by_window(lengths: Sequence[int], room: int) -> list[list[int]]:
    windows: list[list[int]] = [[]]
    used = 0
    for word, length in enumerate(lengths):
        if windows[-1] and used + length > room:
            windows.append([])
            used = 0
        windows[-1].append(word)
        used += length
    return windows


def _tagged_window(
    words: list[int],
    pieces: list[list[int]],
    example: TaggedSentence,
    position: int,
    tokenizer: PreTrainedTokenizerBase,
    room: int,
) -> Feature:
    mine = [pieces[word][:room] for word in words]
    tags = [example.tags[word] for word in words]
    labels = [
        label
        for tag, piece in zip(tags, mine, strict=True)
        for label in (tag if tag >= 0 else IGNORED, *[IGNORED] * (len(piece) - 1))
    ]
    return Feature(
        ids=[tokenizer.cls_token_id, *(token for piece in mine for token in piece), tokenizer.sep_token_id],
        labels=[IGNORED, *labels, IGNORED],
        example=position,
        words=words,
        heads=list(accumulate((len(piece) for piece in mine[:-1]), initial=1)),
    )


def questions(examples: Sequence[Question], tokenizer: PreTrainedTokenizerBase, max_length: int) -> Iterator[Feature]:
    """Windows of the passage behind the question; labels are the answer's first and last token.

    A window without the whole answer, as a question without one, is labelled with the first token (XTREME's
    run_squad.py). RecipeError for an answer that is not in its passage.
    """
    room = max_length - tokenizer.num_special_tokens_to_add(pair=True)
    stride = min(STRIDE, room // 4)
    for start, chunk in _chunks(examples):
        asked = _cut([example.question for example in chunk], tokenizer, min(QUESTION_TOKENS, room // 2))
        encoded = tokenizer(
            asked,
            [example.context for example in chunk],
            truncation="only_second",
            max_length=max_length,
            stride=stride,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        before, first = -1, 0
        for window, offset in enumerate(encoded["overflow_to_sample_mapping"]):
            # A passage's windows follow one another; each but the first repeats the last tokens of the one before.
            first = first if offset == before else 0
            feature = _question_window(encoded, window, chunk[offset], start + offset, first)
            before, first = offset, first + len(feature.words) - stride
            yield feature


def _cut(texts: list[str], tokenizer: PreTrainedTokenizerBase, tokens: int) -> list[str]:
    """Each text up to the end of its token number `tokens`."""
    encoded = tokenizer(
        texts, add_special_tokens=False, truncation=True, max_length=tokens, return_offsets_mapping=True
    )
    return [
        text[: offsets[-1][1]] if offsets else text
        for text, offsets in zip(texts, encoded["offset_mapping"], strict=True)
    ]


def _question_window(encoded: Any, window: int, example: Question, position: int, first: int) -> Feature:
    """`first` is the number, within the passage, of the window's first token of it."""
    spans = encoded["offset_mapping"][window]
    heads = [at for at, part in enumerate(encoded.sequence_ids(window)) if part == 1]
    return Feature(
        ids=encoded["input_ids"][window],
        labels=_answer_tokens(example, spans, heads),
        example=position,
        words=range(first, first + len(heads)),
        heads=heads,
        offsets=[character for at in heads for character in spans[at]],
    )


def _answer_tokens(example: Question, spans: Sequence[tuple[int, int]], heads: Sequence[int]) -> tuple[int, int]:
    if not example.answers:
        return 0, 0
    if example.start < 0:
        raise RecipeError(f"Question {example.id}: the answer {example.answers[0]!r} is not in its passage.")
    text = example.answers[0]
    # Some data sets have blanks around answers, which no token covers.
    first = example.start + len(text) - len(text.lstrip())
    last = example.start + len(text.rstrip())
    inside = [at for at in heads if spans[at][0] < last and spans[at][1] > first]
    if not inside:
        return 0, 0
    # A token before it in the window shows that the answer begins here, even if the tokenizer dropped its first
    # character (a lone accent, a joiner); its end likewise.
    begins = inside[0] > heads[0] or spans[inside[0]][0] <= first
    ends = inside[-1] < heads[-1] or spans[inside[-1]][1] >= last
    return (inside[0], inside[-1]) if begins and ends else (0, 0)


def texts(examples: Sequence[Text], tokenizer: PreTrainedTokenizerBase, max_length: int) -> Iterator[Feature]:
    """Windows of running text, without labels: which words are masked is drawn at each step.

    A text with a translation is one input, both cut to half of it; `heads` is where the second one begins.
    """
    room = max_length - 2
    for start, chunk in _chunks(examples):
        encoded = tokenizer([example.text for example in chunk], add_special_tokens=False)["input_ids"]
        others = tokenizer([example.translation for example in chunk], add_special_tokens=False)["input_ids"]
        for offset, (ids, other) in enumerate(zip(encoded, others, strict=True)):
            if other:
                yield _translated_text(ids, other, start + offset, tokenizer, max_length // 2 - 2)
                continue
            for at in range(0, len(ids), room):
                window = [tokenizer.cls_token_id, *ids[at : at + room], tokenizer.sep_token_id]
                yield Feature(window, (), start + offset)


def _translated_text(
    ids: list[int], other: list[int], position: int, tokenizer: PreTrainedTokenizerBase, room: int
) -> Feature:
    first, second = ids[:room], other[:room]
    end = tokenizer.sep_token_id
    window = [tokenizer.cls_token_id, *first, end, end, *second, end]
    return Feature(window, (), position, heads=[len(first) + 3])


def _chunks(examples: Sequence[Any]) -> Iterator[tuple[int, Sequence[Any]]]:
    for start in range(0, len(examples), CHUNK):
        yield start, examples[start : start + CHUNK]


FEATURES: Mapping[Kind, Callable[[Sequence[Any], PreTrainedTokenizerBase, int], Iterator[Feature]]] = {
    Kind.SENTENCE_PAIR: pairs,
    Kind.MULTIPLE_CHOICE: multiple_choices,
    Kind.TAGGING: tagged,
    Kind.SPAN: questions,
    Kind.MASKED_WORDS: texts,
}
