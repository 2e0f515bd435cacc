"""XTREME's submission layout: which file holds the predictions, or the labels, of a task in a language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from runner.tasks.kinds import Kind
from runner.tasks.registry import task as find_task

# XTREME names this folder differently from the task's slug here (evaluate.py).
FOLDERS: Mapping[str, str] = MappingProxyType({"paws_x": "pawsx"})


def folder_of(task: str) -> str:
    """The folder of a task of the catalogue, which is also its name in XTREME's report."""
    return FOLDERS.get(task, task)


def file_of(task: str, language: str) -> PurePosixPath:
    """`<folder>/test-<language>.tsv`, `.json` for question answering; RecipeError for an unknown task."""
    suffix = "json" if find_task(task).kind is Kind.SPAN else "tsv"
    return PurePosixPath(folder_of(task), f"test-{language}.{suffix}")


def items_file_of(task: str) -> str:
    """The name of the file with what happened to every item of a task of an upload."""
    return f"items-{task}.parquet"


def task_of_items(name: str) -> str:
    """The task whose `items_file_of` is `name`."""
    return name.removeprefix("items-").removesuffix(".parquet")
