"""Files of predictions and labels, read as XTREME's evaluate.py reads them, and refused with file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from runner.errors import RecipeError
from runner.scoring.tagging import SEPARATOR


class FileRefused(RecipeError):
    """A file cannot be scored; the message names it by side, task, language and, where there is one, line."""


@dataclass(frozen=True)
class File:
    """One file of a submission: `side` is `predictions` or `labels`, `name` its place in that folder.

    Messages name the side and the place, never the folder, so that a page may show them.
    """

    side: str
    root: Path
    name: PurePosixPath

    def refused(self, problem: str, line: int | None = None) -> FileRefused:
        place = f"{self.side.capitalize()} {self.name}"
        return FileRefused(f"{place}: {problem}." if line is None else f"{place}, line {line}: {problem}.")

    def text(self) -> str:
        """The content with every line end as `\\n`; FileRefused where it is absent or not UTF-8."""
        try:
            raw = (self.root / self.name).read_bytes()
        except FileNotFoundError:
            raise self.refused("the file is missing; every language of a task that is there needs one") from None
        except OSError as error:
            raise self.refused(f"the file cannot be read ({error.strerror})") from error
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            line = _normal_ends(raw[: error.start].decode()).count("\n") + 1
            raise self.refused(f"byte 0x{raw[error.start]:02x} is not UTF-8", line) from None
        return _normal_ends(text)


def _normal_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def lines(file: File) -> list[str]:
    """The lines without the blanks around them."""
    found = file.text().split("\n")
    if not found[-1]:
        del found[-1]
    return list(map(str.strip, found))


def tags(file: File) -> list[str]:
    """One tag a line, and a separator after each sentence, the last one included; FileRefused where there is none."""
    found = lines(file)
    if not found:
        raise file.refused("the file is empty")
    if found[-1] != SEPARATOR:
        found.append(SEPARATOR)
    return found


def pairs(file: File) -> list[tuple[str, ...]]:
    """Two ids a line with a tab between them. A blank line is a pair of nothing, and counts: so it does in XTREME."""
    found: list[tuple[str, ...]] = []
    for number, line in enumerate(lines(file), start=1):
        pair = tuple(line.split("\t"))
        if line and (len(pair) != 2 or not all(pair)):
            raise file.refused(f"expected two ids with one tab between them, found {shown(line)}", number)
        found.append(pair)
    return found


def answers(file: File) -> Mapping[str, Any]:
    """Predicted answers by question id: an object, or an object in the field `data` of one."""
    found = _json(file)
    if not isinstance(found, dict):
        raise file.refused(f"expected an object of question ids and answers, found {_kind(found)}")
    return found


def questions(file: File) -> dict[str, list[str]]:
    """Gold answers by question id, from SQuAD's nesting (`data`, `paragraphs`, `qas`, `answers`, `text`)."""
    gold: dict[str, list[str]] = {}
    for question, where in _questions(file):
        name = _field(file, question, "id", str, where)
        if name in gold:
            raise file.refused(f"the question '{name}' is there twice")
        where = f"question '{name}'"
        found = _field(file, question, "answers", list, where)
        if not found:
            raise file.refused(f"{where} has no answer")
        gold[name] = [_field(file, answer, "text", str, f"an answer of {where}") for answer in found]
    if not gold:
        raise file.refused("there are no questions")
    return gold


def _questions(file: File) -> Iterator[tuple[Any, str]]:
    """Every question with words for its place."""
    articles = _json(file)
    if not isinstance(articles, list):
        raise file.refused(f"expected a list of articles in the field 'data', found {_kind(articles)}")
    for number, article in enumerate(articles, start=1):
        for count, paragraph in enumerate(_field(file, article, "paragraphs", list, f"article {number}"), start=1):
            where = f"paragraph {count} of article {number}"
            for place, question in enumerate(_field(file, paragraph, "qas", list, where), start=1):
                yield question, f"question {place} of {where}"


def _json(file: File) -> Any:
    """The content, or what its field `data` holds; FileRefused where it is not JSON."""
    try:
        found = json.loads(file.text())
    except json.JSONDecodeError as error:
        raise file.refused(f"this is not JSON ({error.msg}, column {error.colno})", error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise file.refused(f"this JSON cannot be read ({error})") from None
    return found["data"] if isinstance(found, dict) and "data" in found else found


def _field(file: File, holder: Any, name: str, kind: type, where: str) -> Any:
    """The field of an object, of the kind that is needed."""
    if not isinstance(holder, dict) or name not in holder:
        found = f"the fields {', '.join(sorted(holder)) or '(none)'}" if isinstance(holder, dict) else _kind(holder)
        raise file.refused(f"{where} needs the field '{name}', found {found}")
    if not isinstance(holder[name], kind):
        raise file.refused(f"the field '{name}' of {where} is to be {KINDS[kind]}, found {_kind(holder[name])}")
    return holder[name]


KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}


def _kind(value: Any) -> str:
    """What a value of JSON is called."""
    return KINDS.get(type(value), "null")


def shown(text: str) -> str:
    """A piece of a file for a sentence: quoted, and cut where it is long."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
