"""The tables of the leaderboard, by subject."""

from leaderboard.models.catalogue import Encoder, Language, Task
from leaderboard.models.claims import Claim, Condition, StoredInterval, Verdict
from leaderboard.models.experiments import Recipe, Run, Stage, Study, Worker
from leaderboard.models.results import Artifact, Protocol, Score, Source

__all__ = [
    "Artifact",
    "Claim",
    "Condition",
    "Encoder",
    "Language",
    "Protocol",
    "Recipe",
    "Run",
    "Score",
    "Source",
    "Stage",
    "StoredInterval",
    "Study",
    "Task",
    "Verdict",
    "Worker",
]
