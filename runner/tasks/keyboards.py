"""Keyboards: which keys lie next to each other, by script. For typing errors that people could make.

The rows of letters of the usual layout of each script, without shift: US English, Russian, Greek, Hebrew, Arabic
(101), Persian (ISIRI 9147), Devanagari and its sisters (InScript), Thai (Kedmanee), Georgian (QWERTY). Scripts that are
written through an input method (Chinese, Japanese, Korean) have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType

_DEVANAGARI = ("ौैाीूबहगदजड", "ोे्िुपरकतचट", "ॆंमनवलस")
_ROWS: Mapping[str, tuple[str, ...]] = {
    "Latn": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "Cyrl": ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    "Grek": ("ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),
    "Hebr": ("קראטוןםפ", "שדגכעיחלךף", "זסבהנמצתץ"),
    "Arab": ("ضصثقفغعهخحجد", "شسيبلاتنمكط", "ئءؤرىةوزظ"),
    "Deva": _DEVANAGARI,
    "Thai": ("ๆไำพะัีรนยบล", "ฟหกดเ้่าสวง", "ผปแอิืทมใฝ"),
    "Geor": ("ქწერტყუიოპ", "ასდფგჰჯკლ", "ზხცვბნმ"),
}
# A language whose layout is not that of its script.
_OF_LANGUAGE: Mapping[str, tuple[str, ...]] = {"fa": ("ضصثقفغعهخحجچ", "شسیبلاتنمکگ", "ظطزرذدپو")}
# InScript puts the letter of one sound on one key; Unicode keeps the sister scripts in parallel blocks.
_SISTERS = {"Beng": 0x0980, "Taml": 0x0B80, "Telu": 0x0C00, "Mlym": 0x0D00}


def _sister(rows: tuple[str, ...], block: int) -> tuple[str, ...]:
    moved = ("".join(chr(ord(letter) - 0x0900 + block) for letter in row) for row in rows)
    # Letters that the sister has not are unassigned there; a gap keeps its key's place.
    return tuple("".join(letter if letter.isprintable() else " " for letter in row) for row in moved)


def _neighbours(rows: tuple[str, ...]) -> Mapping[str, str]:
    """Letter -> the letters of the keys that touch its own: beside it, and at its slant in the rows above and below."""
    touching: dict[str, dict[str, None]] = {letter: {} for row in rows for letter in row if letter != " "}

    def touch(one: str, other: str) -> None:
        if " " not in (one, other):
            touching[one][other] = touching[other][one] = None

    for row in rows:
        for one, other in pairwise(row):
            touch(one, other)
    for upper, lower in pairwise(rows):
        for place, letter in enumerate(lower):
            for above in upper[place : place + 2]:
                touch(letter, above)
    return MappingProxyType({letter: "".join(others) for letter, others in touching.items() if others})


NEIGHBOURS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        **{name: _neighbours(rows) for name, rows in (_ROWS | _OF_LANGUAGE).items()},
        **{script: _neighbours(_sister(_DEVANAGARI, block)) for script, block in _SISTERS.items()},
    }
)


def neighbours(language: str, script: str) -> Mapping[str, str]:
    """The keys around each letter on the keyboard of a language; empty where it has none here."""
    return NEIGHBOURS.get(language) or NEIGHBOURS.get(script, {})
