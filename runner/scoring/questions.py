"""Exact match and F1 of extracted answers: SQuAD v1.1 and v2.0, and MLQA's normalisation for seven languages.

Both compare lists of normalised tokens. SQuAD's normalisation (Rajpurkar et al. 2016, evaluate-v1.1.py) is English
whatever the language; MLQA's (Lewis et al. 2020, mlqa_evaluation_v1.py) removes all punctuation that Unicode knows and
the articles of the answer's language, and takes each Chinese character as a token.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

Tokens = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one prediction is worth: `exact_match` is 0 or 1, `f1` in 0..1; `given` is False where there was none."""

    exact_match: int
    f1: float
    given: bool = True


NOT_GIVEN = Answer(0, 0.0, given=False)


def _articles(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words.replace(' ', '|')})\b")


ENGLISH_ARTICLES = _articles("a an the")
ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)

# The articles that MLQA removes. Hindi and Chinese have none; the Arabic one is a prefix, and MLQA removes its two
# letters wherever they stand.
MLQA_ARTICLES: Mapping[str, re.Pattern[str] | None] = MappingProxyType(
    {
        "ar": re.compile("ال"),
        "de": _articles("ein eine einen einem eines einer der die das den dem des"),
        "en": ENGLISH_ARTICLES,
        "es": _articles("un una unos unas el la los las"),
        "hi": None,
        "vi": _articles("của là cái chiếc những"),
        "zh": None,
    }
)
# Where words are not set apart: each of these characters is a token, what stands between them is split at blanks.
SEGMENTED = MappingProxyType({"zh": re.compile("([\u4e00-\u9fa5])")})


class _Punctuation(dict[int, int | None]):
    """For `str.translate`: deletes every character of a Unicode punctuation category, and ASCII's symbols.

    Filled as characters are met: asking for all 1.1 million at once takes longer than scoring a language.
    """

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        deleted = character in string.punctuation or unicodedata.category(character).startswith("P")
        self[code] = None if deleted else code
        return self[code]


PUNCTUATION = _Punctuation()


def squad_tokens(text: str) -> list[str]:
    """Lower case, without ASCII punctuation and English articles, split at blanks."""
    return ENGLISH_ARTICLES.sub(" ", text.lower().translate(ASCII_PUNCTUATION)).split()


def mlqa_tokens(language: str) -> Tokens:
    """MLQA's normalisation for answers in `language`; ValueError for a language that MLQA does not have."""
    if language not in MLQA_ARTICLES:
        raise ValueError(f"MLQA normalises answers in {', '.join(MLQA_ARTICLES)}, not in '{language}'.")
    articles, segmented = MLQA_ARTICLES[language], SEGMENTED.get(language)

    def tokens(text: str) -> list[str]:
        text = text.lower().translate(PUNCTUATION)
        if articles:
            text = articles.sub(" ", text)
        if segmented:
            text = segmented.sub(r" \1 ", text)
        return text.split()

    return tokens


def tokens_of(task: str, language: str) -> Tokens:
    """The normalisation that a task of the catalogue is scored with: MLQA's own, else SQuAD's."""
    return mlqa_tokens(language) if task == "mlqa" else squad_tokens


def overlap(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """F1 in 0..1 of two bags of tokens; 0 where they share nothing, both empty included."""
    if predicted == gold:
        return float(bool(gold))
    left: dict[str, int] = {}
    for token in gold:
        left[token] = left.get(token, 0) + 1
    same = 0
    for token in predicted:
        if left.get(token):
            left[token] -= 1
            same += 1
    if not same:
        return 0.0
    precision, recall = same / len(predicted), same / len(gold)
    return (2 * precision * recall) / (precision + recall)


def best(predicted: Sequence[str], answers: Iterable[Sequence[str]], *, unanswerable: bool = False) -> Answer:
    """The best exact match and the best F1 over all gold answers, each by itself; all given as tokens.

    With `unanswerable`, as SQuAD v2.0: gold answers without tokens do not count; where none is left, the right
    prediction is the empty one, and scores 1.
    """
    if unanswerable:
        answers = [answer for answer in answers if answer]
        if not answers or not predicted:
            right = not answers and not predicted
            return Answer(int(right), float(right))
    exact, f1 = 0, 0.0
    for answer in answers:
        if predicted == answer:
            exact = 1
        f1 = max(f1, overlap(predicted, answer))
    return Answer(exact, f1)


def score(
    predictions: Mapping[str, str], gold: Mapping[str, Sequence[str]], tokens: Tokens, *, unanswerable: bool = False
) -> dict[str, Answer]:
    """Each question's score by its id, in the order of `gold`; a question without prediction counts 0.

    ValueError where a question has no gold answer, unless `unanswerable`.
    """
    known: dict[str, list[str]] = {}

    def once(text: str) -> list[str]:
        found = known.get(text)
        if found is None:
            found = known[text] = tokens(text)
        return found

    scored: dict[str, Answer] = {}
    for name, answers in gold.items():
        if not answers and not unanswerable:
            raise ValueError(f"Question '{name}' has no gold answer.")
        text = predictions.get(name)
        if text is None:
            scored[name] = NOT_GIVEN
        else:
            scored[name] = best(once(text), [once(answer) for answer in answers], unanswerable=unanswerable)
    return scored


def means(scored: Mapping[str, Answer]) -> dict[str, float]:
    """`exact_match` and `f1` over all questions, in 0..100; ValueError where there are none."""
    if not scored:
        raise ValueError("There are no questions to score.")
    return {
        "exact_match": 100.0 * sum(answer.exact_match for answer in scored.values()) / len(scored),
        "f1": 100.0 * sum(answer.f1 for answer in scored.values()) / len(scored),
    }
