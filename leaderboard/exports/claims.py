"""Claims as LaTeX macros, so that a paper's numbers are those of the board, bound to a snapshot or to their hash."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_uppercase

from leaderboard.exports.latex import escaped
from leaderboard.standings.numbers import MINUS, shown_difference
from leaderboard.standings.verdicts import ClaimValue, VerdictValue
from runner.spec import fingerprint

DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")


def macros(claims: Sequence[ClaimValue], bound: str, address: str) -> Iterator[str]:
    r"""Lines of `\newcommand`; `bound` says to what state they belong, such as a snapshot with its hash.

    For each claim `\Claim<Key>Published`, where its source reports a value; for each of its encoders
    `\Claim<Key><Encoder>Decision`, and for its comparisons, lettered in the page's order, `...ADifference`, `ALow`,
    `AHigh`, `AP`, `ASeeds`, `AItems`, and `ADetectable`, the smallest true difference that such data would find with a
    chance of 80%. TeX takes letters alone: digits are spelt out.
    """
    yield "% Claims of the leaderboard as macros. Differences in points with 95% intervals; p is corrected by Holm.\n"
    yield f"% {bound}\n% {address}\n"
    yield f"\\newcommand{{\\ClaimsHash}}{{{content(claims)[:12]}}}\n"
    for claim in claims:
        yield f"\n% {' '.join(claim.statement.split())}\n"
        if claim.published:
            yield _macro(f"Claim{_camel(claim.key)}Published", " ".join(claim.published.split()))
        for verdict in claim.verdicts:
            yield from _verdict(claim, verdict)


def content(claims: Sequence[ClaimValue]) -> str:
    """The hash of all that the macros say."""
    return fingerprint([claim.content for claim in claims])


def _verdict(claim: ClaimValue, verdict: VerdictValue) -> Iterator[str]:
    name = f"Claim{_camel(claim.key)}{_camel(verdict.encoder)}"
    yield f"% {verdict.encoder_title}, tested {verdict.tested:%Y-%m-%d %H:%M} UTC, evidence {verdict.content[:12]}\n"
    yield _macro(f"{name}Decision", verdict.decision_label.lower())
    for place, comparison in enumerate(verdict.comparisons):
        interval = comparison["interval"]
        letter = lettered(place)
        about = f"{comparison['title']} against {comparison['against']}, {comparison['where']}"
        yield f"% {letter}: {about}{'' if interval else ': no interval'}\n"
        if interval:
            for part, key in (("Difference", "estimate"), ("Low", "low"), ("High", "high")):
                yield _macro(f"{name}{letter}{part}", shown_difference(interval[key]))
            yield _macro(f"{name}{letter}P", "<0.001" if comparison["p"] < 0.001 else f"{comparison['p']:.3f}")
            yield _macro(f"{name}{letter}Seeds", str(interval["seeds"]))
            yield _macro(f"{name}{letter}Items", str(interval["items"]))
            yield _macro(f"{name}{letter}Detectable", f"{comparison['detectable']:.1f}")


def lettered(place: int) -> str:
    """A, B, ..., Z, AA, AB, ... by the place, from 0 on."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = ascii_uppercase[rest] + letters
    return letters


def _camel(key: str) -> str:
    """`xlm-roberta-base-2` as `XlmRobertaBaseTwo`."""
    words = "".join(character if character.isalnum() else " " for character in key).split()
    joined = "".join(word[0].upper() + word[1:] for word in words)
    return "".join(DIGITS[int(character)] if character.isdecimal() else character for character in joined)


def _macro(name: str, value: str) -> str:
    text = value.replace("<", r"\ensuremath{<}") if value.startswith("<") else escaped(value)
    return f"\\newcommand{{\\{name}}}{{{text.replace(MINUS, '$-$')}}}\n"
