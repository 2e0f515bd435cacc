"""Claims are tested again whenever scores change; a verdict is kept until the evidence is another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from leaderboard.models import Claim, Condition, Run, Verdict
from leaderboard.services import headlines
from leaderboard.standings import board as boards
from leaderboard.standings import claims as standings
from runner.errors import RecipeError
from runner.spec import fingerprint
from runner.tasks import registry
from runner.tasks.kinds import Role, Suite


@dataclass(frozen=True)
class Problem:
    """What is wrong with a condition, and with which of its fields."""

    field: str
    sentence: str


def problems(fields: Mapping[str, Any]) -> list[Problem]:
    """Why a condition with these fields cannot be tested: unknown tasks, languages or suites, roles that do not fit."""
    found = [
        *_tasks(fields, "intermediate", Role.INTERMEDIATE),
        *_tasks(fields, "targets", Role.TARGET),
    ]
    if fields.get("suite") not in list(Suite):
        found.append(Problem("suite", f"The suites are {', '.join(Suite)}; found '{fields.get('suite')}'."))
    if fields.get("method") == "multi_task" and len(fields.get("intermediate") or ()) == 1:
        found.append(Problem("intermediate", "The method “multi-task” takes two or more intermediate tasks."))
    if fields.get("against") in ("mlm", "translated") and fields.get("variant") == fields["against"]:
        found.append(Problem("against", "This compares recipes with themselves: choose another variant."))
    if fields.get("against") == "single" and fields.get("method") != "multi_task":
        found.append(Problem("against", "Single tasks are what multi-task recipes are compared with."))
    if not found and not standings.targets_of(Condition(**fields)):
        found.append(Problem("languages", "None of the target tasks has any of these languages."))
    return found


def _tasks(fields: Mapping[str, Any], name: str, role: Role) -> Iterable[Problem]:
    slugs = fields.get(name) or []
    if not isinstance(slugs, list) or not all(isinstance(slug, str) for slug in slugs):
        yield Problem(
            name, 'Tasks are given as a list of slugs, such as ["mnli", "squad_v2"]; empty: all of the suite.'
        )
        return
    for slug in slugs:
        try:
            task = registry.task(slug)
        except RecipeError as error:
            yield Problem(name, str(error))
            continue
        if task.role is not role:
            yield Problem(name, f"{task.title} is no {role.value} task.")


def test_all() -> int:
    """Test every claim by the scores as they are; returns how many verdicts are new."""
    headlines.current()
    board = boards.load()
    return sum(
        _keep(claim, tested)
        for claim in Claim.objects.prefetch_related("conditions").order_by("position", "key")
        for tested in standings.tested(list(claim.conditions.all()), board)
    )


def test_one(claim: Claim) -> int:
    """As `test_all`, of one claim: after its conditions have changed."""
    headlines.current()
    found = standings.tested(list(claim.conditions.all()), boards.load())
    return sum(_keep(claim, tested) for tested in found)


@transaction.atomic
def _keep(claim: Claim, tested: standings.Tested) -> bool:
    """A new verdict where the evidence has changed; the lock keeps two workers from adding the same."""
    Claim.objects.select_for_update().get(pk=claim.pk)
    encoder = tested.encoder or None
    details = [comparison.to_dict() for comparison in tested.comparisons]
    content = fingerprint({"decision": tested.decision, "details": details, "runs": sorted(tested.runs)})
    newest = Verdict.objects.filter(claim=claim, encoder=encoder).order_by("-pk").first()
    if newest and newest.content == content:
        return False
    if encoder:
        # That nothing was run is no longer so.
        Verdict.objects.filter(claim=claim, encoder=None).delete()
    verdict = Verdict.objects.create(
        claim=claim,
        encoder_id=encoder,
        decision=tested.decision,
        missing=list(tested.missing),
        details=details,
        content=content,
    )
    verdict.runs.set(Run.objects.filter(pk__in=tested.runs))
    return True
