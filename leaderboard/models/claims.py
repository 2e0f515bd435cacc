"""Claims and their verdicts, and intervals that were computed when scores changed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from leaderboard.models.catalogue import Encoder
from leaderboard.models.experiments import Recipe, Run
from leaderboard.models.results import Source
from leaderboard.variants import Variant


class StoredInterval(models.Model):
    """`leaderboard.standings.statistics.intervals.Interval`, by the hash of all that it depends on; never changed."""

    content = models.CharField(primary_key=True, max_length=64)
    estimate = models.FloatField()
    low = models.FloatField()
    high = models.FloatField()
    p = models.FloatField()
    seeds = models.PositiveIntegerField()
    items = models.PositiveIntegerField()
    method = models.CharField(max_length=200)
    seed_variance = models.FloatField(null=True)
    item_variance = models.FloatField()
    freedom = models.FloatField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(low__lte=models.F("high")), name="interval_low_below_high"),
        ]

    def __str__(self) -> str:
        return f"{self.estimate:+.1f} [{self.low:+.1f}, {self.high:+.1f}]"


class StoredDeviation(models.Model):
    """What a row's mean deviates by on resampled items, by the hash of all that it depends on; never changed.

    Ranks are computed from it. What no row has any more is swept.
    """

    content = models.CharField(primary_key=True, max_length=64)
    deviations = models.BinaryField(help_text="For each replicate, in points: 16-bit floats, little-endian.")

    def __str__(self) -> str:
        return self.content[:12]


class Claim(models.Model):
    """A statement that scores can hold or contradict: all its conditions together, corrected by Holm's method."""

    class Origin(models.TextChoices):
        LITERATURE = "literature", "From the literature"
        OWN = "own", "Of this leaderboard"

    key = models.SlugField(primary_key=True, max_length=60, help_text="Its address, such as mnli-helps-xquad.")
    statement = models.TextField(help_text="One sentence, as it is claimed.")
    origin = models.CharField(max_length=12, choices=Origin.choices, default=Origin.OWN, editable=False)
    published = models.TextField("published value", blank=True, help_text="What the source reports, in its own terms.")
    source = models.ForeignKey(Source, null=True, blank=True, on_delete=models.PROTECT, related_name="claims")
    reading = models.TextField(
        blank=True, help_text="What of the test is our reading of the statement, such as the margin."
    )
    position = models.PositiveSmallIntegerField(default=100, help_text="Order on the page.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "key"]

    def __str__(self) -> str:
        return self.statement

    def get_absolute_url(self) -> str:
        return reverse("claim", args=[self.key])


class Condition(models.Model):
    """One testable part of a claim: which recipes are compared with what, where, and by how much they must differ."""

    class Against(models.TextChoices):
        BASELINE = "baseline", "The baseline with the same target settings"
        SINGLE = "single", "Each single intermediate task, plain"
        MLM = "mlm", "The same tasks with MLM"
        TRANSLATED = "translated", "The same tasks with translated data"

    class Over(models.TextChoices):
        MEAN = "mean", "For each recipe, the mean over the target tasks"
        EACH = "each", "Each recipe on each target task"
        AVERAGE = "average", "The mean over the recipes and the target tasks"
        BEST = "best", "The best recipe for each target task, chosen on the other seeds"

    class Quantifier(models.TextChoices):
        ALL = "all", "All comparisons are above the margin"
        MOST = "most", "More than half of the comparisons are above the margin"
        NONE = "none", "No comparison is above the margin"

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="conditions")
    position = models.PositiveSmallIntegerField(default=0)
    method = models.CharField(
        max_length=20,
        choices=[choice for choice in Recipe.Method.choices if choice[0] in ("intermediate", "multi_task")],
        default=Recipe.Method.INTERMEDIATE,
    )
    variant = models.CharField(max_length=12, choices=Variant.choices, default=Variant.PLAIN)
    intermediate = models.JSONField(
        "intermediate tasks", default=list, blank=True, help_text="Slugs of the recipes' tasks; empty: the suite's own."
    )
    against = models.CharField(max_length=12, choices=Against.choices, default=Against.BASELINE)
    suite = models.CharField(max_length=20, default="xtreme", help_text="Whose tasks are meant where none are named.")
    targets = models.JSONField("target tasks", default=list, blank=True, help_text="Slugs; empty: all of the suite.")
    languages = models.CharField(
        max_length=200, default="all", help_text="all, low-class, low-size, or codes joined by commas."
    )
    over = models.CharField(max_length=10, choices=Over.choices, default=Over.MEAN)
    quantifier = models.CharField(max_length=6, choices=Quantifier.choices, default=Quantifier.ALL)
    margin = models.FloatField(default=0, help_text="Points that a difference must exceed.")

    class Meta:
        ordering = ["claim", "position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(margin__gte=-100) & Q(margin__lte=100), name="condition_margin_in_points"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_quantifier_display()} ({self.margin:g} points)"


class Verdict(models.Model):
    """What the scores say of a claim for one encoder; a new row where that changes, the newest counts.

    `details` are the comparisons (`leaderboard.services.claims.Comparison`), `content` the hash of all that they depend
    on. Without an encoder: nothing was run yet.
    """

    class Decision(models.TextChoices):
        HOLDS = "holds", "Holds"
        CONTRADICTED = "contradicted", "Contradicted"
        OPEN = "open", "Not decided yet"

    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="verdicts")
    encoder = models.ForeignKey(Encoder, null=True, blank=True, on_delete=models.CASCADE, related_name="verdicts")
    decision = models.CharField(max_length=12, choices=Decision.choices)
    missing = models.JSONField(default=list, help_text="Sentences: what would have to be there.")
    details = models.JSONField(default=list)
    runs = models.ManyToManyField(Run, blank=True, related_name="verdicts")
    content = models.CharField(max_length=64)
    tested = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["claim", "encoder", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decision__in=["holds", "contradicted", "open"]), name="verdict_decision_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.claim_id}: {self.get_decision_display()}"
