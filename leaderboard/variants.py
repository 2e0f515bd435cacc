"""Variants of a recipe's intermediate phase, and how they are written: the same words in titles, tables and files."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import TextChoices


class Variant(TextChoices):
    """What is done beside, or instead of, training on English data as it is; in reading order."""

    PLAIN = "plain", "Plain"
    MLM = "mlm", "With MLM"
    TRANSLATED = "translated", "With translated data"

    @property
    def in_sentence(self) -> str:
        """The label inside a sentence; `MLM` stays as it is."""
        return self.label[0].lower() + self.label[1:]


def variants_of(*, mlm: bool, translation: str) -> tuple[Variant, ...]:
    """Which variants a recipe is: plain alone, or those that it is made of."""
    found = [*([Variant.MLM] if mlm else []), *([Variant.TRANSLATED] if translation else [])]
    return tuple(found) or (Variant.PLAIN,)


def joined(languages: Sequence[str]) -> str:
    """Languages of translated data as columns and titles have them: `de+en`."""
    return "+".join(sorted(languages))


def ending(*, mlm: bool = False, translation: str = "", multi_task: bool = False) -> str:
    """What follows the tasks in a title, such as ` + MLM (multi-task, translated: de+en)`."""
    remarks = [*(["multi-task"] if multi_task else []), *([f"translated: {translation}"] if translation else [])]
    return (" + MLM" if mlm else "") + (f" ({', '.join(remarks)})" if remarks else "")
