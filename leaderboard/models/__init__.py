"""The tables of the leaderboard, by subject."""

from leaderboard.models.catalogue import Encoder, Language, Task
from leaderboard.models.experiments import Recipe, Run, Stage, Study, Worker
from leaderboard.models.headlines import Change, Headline
from leaderboard.models.results import Artifact, Protocol, Score, Source

__all__ = [
    "Artifact",
    "Change",
    "Encoder",
    "Headline",
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
