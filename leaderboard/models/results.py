"""Sources, protocols, artifacts and scores: what was measured, how, and where it comes from."""

from __future__ import annotations

from collections.abc import Collection

from django.conf import settings
from django.db import models
from django.db.models import Q

from leaderboard.models.catalogue import Language, Task, slug_validator
from leaderboard.models.experiments import Run, Stage


class SourceStatus(models.TextChoices):
    """How far a published number can be trusted; only a maintainer's check makes one `checked`."""

    QUOTED = "quoted", "Quoted from the source"
    SECONDARY = "secondary", "Quoted from a secondary source"
    UNVERIFIED = "unverified", "Not verified"
    CHECKED = "checked", "Checked by a maintainer"


# From the most to the least: of several statuses, the weakest holds.
TRUST = (SourceStatus.CHECKED, SourceStatus.QUOTED, SourceStatus.SECONDARY, SourceStatus.UNVERIFIED)


def weakest(statuses: Collection[str]) -> str:
    """The status that holds for several published scores together: the least trusted of theirs; empty for none."""
    return max(statuses, key=TRUST.index, default="")


class Checkable(models.Model):
    """A status, and of a check who made it, when and against what; written by `leaderboard.services.checking`."""

    status = models.CharField(max_length=12, choices=SourceStatus.choices, default=SourceStatus.UNVERIFIED)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    checked = models.DateTimeField(null=True, blank=True)
    checked_against = models.TextField(blank=True, help_text="What was compared: the PDF, its table, its version.")

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="checked") | (Q(checked__isnull=False) & ~Q(checked_against="")),
                name="%(class)s_check_says_when_and_against_what",
            )
        ]


class Source(Checkable):
    """Where published numbers come from, and whether somebody checked them against it."""

    Status = SourceStatus

    key = models.CharField(primary_key=True, max_length=60, validators=[slug_validator])
    title = models.TextField()
    url = models.URLField(blank=True)
    note = models.TextField(blank=True)

    class Meta(Checkable.Meta):
        abstract = False
        ordering = ["key"]
        permissions = [("check_source", "Can say that published numbers were checked against their source")]

    def __str__(self) -> str:
        return self.title


class Protocol(models.Model):
    """Everything that makes two scores of a task comparable; equal protocols are one row."""

    fingerprint = models.CharField(max_length=64, unique=True)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="protocols")
    split = models.CharField(max_length=40)
    limit = models.PositiveIntegerField(null=True, blank=True, help_text="Items per language; empty: all.")
    max_length = models.PositiveIntegerField(null=True, blank=True)
    layer = models.PositiveSmallIntegerField(null=True, blank=True)
    pooling = models.CharField(max_length=10, blank=True)
    precision = models.CharField(max_length=10, blank=True)
    noise = models.CharField(max_length=60, blank=True, help_text="What disturbs the test data; empty: nothing.")
    scorer_version = models.CharField(max_length=10)
    data = models.CharField(max_length=64, blank=True, help_text="Hash of the revisions or contents evaluated on.")
    label = models.CharField(max_length=200, help_text="In a few words, for column heads.")
    # Of what others measured, only as much is known as they print: such a protocol never equals one from here.
    published = models.BooleanField(default=False)

    class Meta:
        ordering = ["task", "label"]

    def __str__(self) -> str:
        return f"{self.task_id}: {self.label}"


class Artifact(models.Model):
    """A file that a stage made, or that belongs to a run that was uploaded; `path` is relative to the store."""

    stage = models.ForeignKey(Stage, null=True, blank=True, on_delete=models.CASCADE, related_name="artifacts")
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.CASCADE, related_name="artifacts")
    kind = models.CharField(max_length=20, help_text="checkpoint, predictions, items, curve, log or upload")
    path = models.CharField(max_length=300, unique=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(help_text="Bytes.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["path"]
        constraints = [
            models.CheckConstraint(condition=Q(size__gte=0), name="artifact_size_not_negative"),
            models.CheckConstraint(
                condition=Q(stage__isnull=False, run__isnull=True) | Q(stage__isnull=True, run__isnull=False),
                name="artifact_of_stage_or_run",
            ),
        ]

    def __str__(self) -> str:
        return self.path


class Score(models.Model):
    """One number: run x task x language x metric under a protocol, in 0..100, over `n` items."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="scores")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="scores")
    # Empty where a source prints only the mean over languages.
    language = models.ForeignKey(Language, null=True, blank=True, on_delete=models.PROTECT, related_name="scores")
    metric = models.CharField(max_length=30)
    value = models.FloatField()
    n = models.PositiveIntegerField(null=True, blank=True, help_text="Test items.")
    protocol = models.ForeignKey(Protocol, on_delete=models.PROTECT, related_name="scores")
    stage = models.ForeignKey(Stage, null=True, blank=True, on_delete=models.PROTECT, related_name="scores")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["run", "task", "language", "metric"]
        constraints = [
            models.CheckConstraint(condition=Q(value__gte=0) & Q(value__lte=100), name="score_between_0_and_100"),
            models.UniqueConstraint(
                fields=["run", "task", "language", "metric", "protocol"],
                condition=Q(language__isnull=False),
                name="score_cell_once",
            ),
            # A second constraint, because NULLs are distinct in the first on both databases.
            models.UniqueConstraint(
                fields=["run", "task", "metric", "protocol"],
                condition=Q(language__isnull=True),
                name="score_mean_once",
            ),
        ]
        indexes = [models.Index(fields=["metric", "task", "run", "language", "value"], name="score_standings")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.task_id} {self.language_id} {self.metric} {self.value:.1f}"


class Publication(Checkable):
    """What there is to know of a published score beyond its number: how far to trust it, and a note."""

    score = models.OneToOneField(Score, primary_key=True, on_delete=models.CASCADE, related_name="publication")
    note = models.TextField(blank=True)

    class Meta(Checkable.Meta):
        abstract = False
        ordering = ["score"]
        verbose_name = "published score"

    def __str__(self) -> str:
        return str(self.score)


class DiagnosticValue(models.Model):
    """One measure of a checkpoint, in one language and layer, over `n` pairs of sentences (runner.scoring.alignment).

    Not a Score: a value is a fact about a checkpoint, which many runs share, so it hangs on the stage that measured it
    and not on a run; it has a layer; and most measures do not lie in 0..100. What it is comparable with is said by the
    stage's plan, the languages aside.
    """

    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="diagnostics")
    language = models.ForeignKey(Language, on_delete=models.PROTECT, related_name="diagnostics")
    layer = models.PositiveSmallIntegerField(help_text="0 is the embeddings.")
    measure = models.CharField(max_length=30)
    value = models.FloatField()
    n = models.PositiveIntegerField(help_text="Pairs of sentences.")

    class Meta:
        ordering = ["stage", "measure", "layer", "language"]
        constraints = [
            # In the order in which pages ask: one measure of some stages, in one layer or in all.
            models.UniqueConstraint(fields=["stage", "measure", "layer", "language"], name="diagnostic_once"),
            models.CheckConstraint(condition=Q(n__gte=1), name="diagnostic_has_items"),
        ]

    def __str__(self) -> str:
        return f"{self.stage_id} {self.language_id} layer {self.layer} {self.measure} {self.value:.3f}"
