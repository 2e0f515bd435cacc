"""The tables of the leaderboard, by subject."""

from leaderboard.models.catalogue import Encoder, Language, Task
from leaderboard.models.experiments import Recipe, Run, Stage, Study, Worker
from leaderboard.models.results import Artifact, DiagnosticValue, Protocol, Score, Source

__all__ = [
    "Artifact",
    "DiagnosticValue",
    "Encoder",
    "Language",
    "Protocol",
    "Recipe",
    "Run",
    "Score",
    "Source",
    "Stage",
    "Study",
    "Task",
    "Worker",
]
