"""The documentation names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
SCORING = (ROOT / "docs" / "scoring.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
DOCUMENTS = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md"))]
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
# The first column of the table of settings.
DOCUMENTED = {
    name for line in re.findall(r"^\| (`[A-Z][^|]+)\|", SETTINGS, re.MULTILINE) for name in re.findall(r"`(\w+)`", line)
}


def environment_variables() -> set[str]:
    """Those that the settings and the commands read."""
    files = [ROOT / "leaderboard" / "settings.py", *(ROOT / "leaderboard" / "management" / "commands").glob("*.py")]
    pattern = re.compile(r"""(?:environ\.get\(|env_\w+\(|environ\[)\s*"([A-Z_]+)\"""")
    return {name for file in files for name in pattern.findall(file.read_text())}


def test_every_setting_is_documented():
    assert environment_variables() - DOCUMENTED == set()


def test_every_documented_setting_exists():
    assert DOCUMENTED - environment_variables() == set()


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_every_module_that_is_named_exists(file):
    text = file.read_text()
    named = re.findall(r"`((?:leaderboard|runner|templates|static|tests|docs|benchmarks)/[\w/.]+)`", text)
    named += [name.replace(".", "/") for name in re.findall(r"`((?:leaderboard|runner)(?:\.\w+)+)`", text)]
    # A permission looks like a module.
    named = [name for name in named if not re.fullmatch(r"leaderboard/(add|change|delete|view|withdraw)_\w+", name)]
    absent = [name for name in named if not any(path.exists() for path in candidates(name))]
    assert absent == []


def candidates(name: str) -> list[Path]:
    """A file, a folder, a module, or a name inside a module."""
    path = ROOT / name
    return [path, path.with_suffix(".py"), path.parent.with_suffix(".py")]


def test_every_target_of_the_makefile_that_is_named_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert (
        set(re.findall(r"(?:`|^    |^)make ([a-z]+)", "\n".join(file.read_text() for file in DOCUMENTS), re.MULTILINE))
        <= targets
    )


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_every_link_between_pages_leads_somewhere(file):
    for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text()):
        assert (file.parent / target).exists(), target


def test_the_readme_is_one_screen():
    assert len(README.splitlines()) <= 45
