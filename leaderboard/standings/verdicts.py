"""Claims as pages show them: the statement, how it is tested in words, and the newest verdict for each encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leaderboard.models import Claim, Condition, Run, Verdict
from leaderboard.standings import claims
from leaderboard.standings.filters import Filters
from leaderboard.standings.numbers import MINUS
from runner.spec import fingerprint
from runner.tasks import registry

Quantifier, Over, Against = Condition.Quantifier, Condition.Over, Condition.Against


@dataclass(frozen=True)
class VerdictValue:
    """What the scores said at one time, for one encoder (empty: nothing was run)."""

    encoder: str
    encoder_title: str
    decision: str
    decision_label: str
    missing: tuple[str, ...]
    comparisons: tuple[dict[str, Any], ...]
    tested: datetime
    content: str
    runs: tuple[Run, ...] = ()


@dataclass(frozen=True)
class ClaimValue:
    """A claim with its newest verdicts, by encoder; `history` has the older ones, newest first."""

    key: str
    statement: str
    origin: str
    published: str
    reading: str
    source: str
    source_title: str
    conditions: tuple[str, ...]
    verdicts: tuple[VerdictValue, ...]
    history: tuple[VerdictValue, ...]

    @property
    def content(self) -> str:
        """The hash of what is said of the claim."""
        return fingerprint([self.key, [verdict.content for verdict in self.verdicts]])


def every_claim(before: datetime | None = None) -> list[ClaimValue]:
    """All claims in the order of the page; with `before`, as they were decided then. Four queries."""
    return [_claim(claim, before) for claim in _found()]


def one_claim(key: str, before: datetime | None = None) -> ClaimValue | None:
    """The claim of this key with the runs behind its verdicts."""
    claim = _found().filter(pk=key).prefetch_related("verdicts__runs__recipe").first()
    return _claim(claim, before) if claim else None


def _found() -> Any:
    found = Claim.objects.select_related("source").prefetch_related("conditions", "verdicts__encoder")
    return found.order_by("position", "key")


def _claim(claim: Claim, before: datetime | None) -> ClaimValue:
    known = [verdict for verdict in claim.verdicts.all() if before is None or verdict.tested <= before]
    newest: dict[str | None, Verdict] = {}
    older: list[Verdict] = []
    for verdict in sorted(known, key=lambda verdict: -verdict.pk):
        if newest.setdefault(verdict.encoder_id, verdict) is not verdict:
            older.append(verdict)
    by_encoder = sorted(newest.values(), key=lambda verdict: verdict.encoder.title if verdict.encoder else "")
    return ClaimValue(
        key=claim.key,
        statement=claim.statement,
        origin=claim.get_origin_display(),
        published=claim.published,
        reading=claim.reading,
        source=claim.source_id or "",
        source_title=claim.source.title if claim.source else "",
        conditions=tuple(sentence(condition) for condition in claim.conditions.all()),
        verdicts=tuple(_verdict(verdict) for verdict in by_encoder),
        history=tuple(_verdict(verdict) for verdict in older),
    )


def _verdict(verdict: Verdict) -> VerdictValue:
    return VerdictValue(
        encoder=verdict.encoder_id or "",
        encoder_title=verdict.encoder.title if verdict.encoder else "no encoder yet",
        decision=verdict.decision,
        decision_label=verdict.get_decision_display(),
        missing=tuple(verdict.missing),
        comparisons=tuple(verdict.details),
        tested=verdict.tested,
        content=verdict.content,
        runs=tuple(verdict.runs.all()) if "runs" in getattr(verdict, "_prefetched_objects_cache", {}) else (),
    )


def sentence(condition: Condition) -> str:
    """How the condition is tested, for readers."""
    targets = _targets(condition)
    what = {
        Over.MEAN: f"each recipe, the mean over {targets}",
        Over.EACH: f"each recipe on each of {targets}",
        Over.AVERAGE: f"the mean over the recipes and {targets}",
        Over.BEST: f"the best recipe for each of {targets}, chosen on the other seeds, and the mean over these",
    }[Over(condition.over)]
    against = {
        Against.BASELINE: "the baseline with the same encoder and target settings",
        Against.SINGLE: "each of the single intermediate tasks",
        Against.MLM: "the same tasks with MLM",
        Against.TRANSLATED: "the same tasks with translated data",
    }[Against(condition.against)]
    margin = f"{condition.margin:g} points".replace("-", MINUS)
    how = {
        Quantifier.ALL: f"every difference is above {margin}",
        Quantifier.MOST: f"more than half of the differences are above {margin}",
        Quantifier.NONE: f"no difference is above {margin}",
    }[Quantifier(condition.quantifier)]
    recipes = _listed([_title(slug) for slug in claims.intermediates_of(condition)])
    method = "multi-task training on" if condition.method == "multi_task" else "intermediate training on"
    variant = {"plain": "", "mlm": ", with MLM", "translated": ", with translated data"}[condition.variant]
    languages = "" if condition.languages == "all" else f", in {Filters(languages=condition.languages).languages_title}"
    return f"Of {method} {recipes}{variant}, against {against}: {how}; {what}{languages}."


def _targets(condition: Condition) -> str:
    tasks = [task.title for task in claims.targets_of(condition)]
    return _listed(tasks) if condition.targets else f"the {len(tasks)} target tasks"


def _title(slug: str) -> str:
    return registry.TASKS[slug].title if slug in registry.TASKS else slug


def _listed(titles: Sequence[str]) -> str:
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}" if titles else "no task"
