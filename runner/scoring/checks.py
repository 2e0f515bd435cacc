"""What must hold of predictions beside the right answers; refused with the line at which it stops holding."""

from __future__ import annotations

from collections.abc import Sequence

from runner.scoring.reading import File, FileRefused, shown
from runner.scoring.tagging import SEPARATOR


def not_empty(file: File, count: int) -> None:
    """FileRefused where the file has nothing in it."""
    if not count:
        raise file.refused("the file is empty")


def same_length(predictions: File, found: int, needed: int) -> None:
    """FileRefused where there is not one prediction for each of `needed` labels, or nothing at all."""
    not_empty(predictions, found)
    if found != needed:
        raise other_length(predictions, found, needed)


def other_length(predictions: File, found: int, needed: int) -> FileRefused:
    """Where one of the two ends before the other."""
    if found < needed:
        return predictions.refused(f"the file ends here, the labels have {needed} lines", found)
    return predictions.refused(f"the labels end with line {needed}", needed + 1)


def misplaced(predictions: File, gold: Sequence[str], predicted: Sequence[str]) -> FileRefused:
    """Where tags and ends of sentences stop being at the same lines."""
    for number, (tag, guess) in enumerate(zip(gold, predicted, strict=False), start=1):
        if (tag == SEPARATOR) != (guess == SEPARATOR):
            here, there = ("the end of a sentence" if one == SEPARATOR else "a tag" for one in (guess, tag))
            return predictions.refused(f"found {here} where the labels have {there}; every word needs one tag", number)
    return other_length(predictions, len(predicted), len(gold))


def known(predictions: File, lines: Sequence[str], labels: Sequence[str], more: Sequence[str] = ("",)) -> None:
    """FileRefused at the first line that is neither one of the task's `labels` nor one of `more`."""
    accepted = {*labels, *more}
    if accepted.issuperset(lines):
        return
    number, label = next((number, line) for number, line in enumerate(lines, start=1) if line not in accepted)
    raise predictions.refused(f"expected one of the labels {', '.join(labels)}, found {shown(label)}", number)


def indices(predictions: File, lines: Sequence[str]) -> None:
    """FileRefused at the first line that is neither empty nor a whole number."""
    for number, line in enumerate(lines, start=1):
        if line and not line.removeprefix("-").isdecimal():
            raise predictions.refused(f"expected the index of a sentence, found {shown(line)}", number)
