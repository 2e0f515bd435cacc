"""What a maintainer writes in one line: seeds, languages, languages of translated data."""

from __future__ import annotations

import re

from django.forms import ValidationError

from leaderboard.services.submission_checks import MAX_SEED, MAX_SEEDS
from runner.errors import RecipeError
from runner.tasks import registry


def parse_seeds(text: str) -> tuple[int, ...]:
    """`1 2 3`, `1,2,3` and `1-5`, also mixed; each seed once, in the order given."""
    seeds: dict[int, None] = {}
    for part in re.split(r"[\s,;]+", text.strip()):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part, re.ASCII)
        if not match:
            raise ValidationError(f"Seeds are whole numbers, such as “1 2 3” or “1-5”; found “{part}”.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last > MAX_SEED:
            raise ValidationError(f"A seed is between 0 and {MAX_SEED}, a range goes upwards; found “{part}”.")
        if last - first >= MAX_SEEDS or len(seeds.keys() | set(range(first, last + 1))) > MAX_SEEDS:
            raise ValidationError(f"A study has at most {MAX_SEEDS} seeds.")
        seeds |= dict.fromkeys(range(first, last + 1))
    return tuple(seeds)


def choose_languages(text: str, covered: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `covered` that `text` names (`de, sw`), or all but those (`-th, -yo`), or all where it is empty."""
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    named = {_language(part.removeprefix("-")) for part in parts}
    without = [part.startswith("-") for part in parts]
    if any(without) and not all(without):
        raise ValidationError(f"Name languages to take or, each with “-”, languages to leave out; found “{text}”.")
    if not parts:
        return covered
    return tuple(code for code in covered if (code in named) != all(without))


def parse_translations(text: str) -> tuple[tuple[str, ...], ...]:
    """The languages of each recipe: `de, ru` is two recipes, `en+de+ru` one on three languages; empty is none."""
    if not text.strip():
        return ()
    recipes = [[code.strip() for code in part.split("+")] for part in text.split(",")]
    if not all(re.fullmatch(r"\S+", code) for codes in recipes for code in codes):
        raise ValidationError(
            f"Recipes are separated by commas, the languages of one joined by “+”: “de, ru” or “en+de”; found “{text}”."
        )
    return tuple(tuple(_language(code) for code in codes) for codes in recipes)


def _language(code: str) -> str:
    try:
        return registry.language(code.lower()).code
    except RecipeError as error:
        raise ValidationError(str(error)) from error
