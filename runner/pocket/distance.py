"""How far a language is from the base language: known, because it was made so."""

from __future__ import annotations

from itertools import combinations

from runner.tasks.languages import POCKET_BASE, POCKET_LANGUAGES, PocketLanguage


def distance(language: PocketLanguage) -> float:
    """From 0 (the base language) to 1: the mean of four shares that differ from it.

    Words that are no cognates, names that are no anchors, pairs of subject, verb, object and of noun and adjective
    that stand the other way round, and endings where the base language has prepositions. What a model has seen of
    the language is no part of it.
    """
    base = POCKET_LANGUAGES[POCKET_BASE]
    turned = [
        _before(first, second, base) != _before(first, second, language) for first, second in combinations("SVO", 2)
    ]
    turned.append(language.adjective_first != base.adjective_first)
    shares = (
        1 - language.cognates,
        1 - language.anchors,
        sum(turned) / len(turned),
        float(language.cases != base.cases),
    )
    return sum(shares) / len(shares)


def _before(first: str, second: str, language: PocketLanguage) -> bool:
    return language.order.index(first) < language.order.index(second)
