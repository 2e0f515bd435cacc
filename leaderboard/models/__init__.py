"""The tables of the leaderboard, by subject."""

from leaderboard.models.catalogue import Encoder, Language, Task
from leaderboard.models.claims import Claim, Condition, StoredDeviation, StoredInterval, Verdict
from leaderboard.models.experiments import Recipe, Run, Stage, Study, Worker
from leaderboard.models.headlines import Change, Headline, RunLine
from leaderboard.models.results import (
    Artifact,
    DiagnosticValue,
    Protocol,
    Publication,
    Score,
    Source,
    SourceStatus,
)
from leaderboard.models.snapshots import Snapshot
from leaderboard.models.tokens import Token
from leaderboard.models.uploads import Upload

__all__ = [
    "Artifact",
    "Change",
    "Claim",
    "Condition",
    "DiagnosticValue",
    "Encoder",
    "Headline",
    "Language",
    "Protocol",
    "Publication",
    "Recipe",
    "Run",
    "RunLine",
    "Score",
    "Snapshot",
    "Source",
    "SourceStatus",
    "Stage",
    "StoredDeviation",
    "StoredInterval",
    "Study",
    "Task",
    "Token",
    "Upload",
    "Verdict",
    "Worker",
]
