"""Headline scores, gathered for reading, and the log of changes that says when they are to be gathered again."""

from __future__ import annotations

from django.db import models

from leaderboard.models.experiments import Run
from leaderboard.models.results import Protocol


class Headline(models.Model):
    """What a run scored under one protocol in the task's headline metric, language by language.

    Made from scores by `leaderboard.services.headlines`, and nothing else: it can be thrown away at any time. A table
    of 300,000 scores is read from some 14,000 of these.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="headlines")
    protocol = models.ForeignKey(Protocol, on_delete=models.CASCADE, related_name="headlines", db_index=False)
    metric = models.CharField(max_length=30, help_text="The headline metric that was gathered.")
    languages = models.TextField(help_text="Codes joined by commas; an empty one stands for a mean that was printed.")
    values = models.BinaryField(help_text="For each language its score: doubles, little-endian.")
    items = models.BinaryField(help_text="For each language its test items, 0 where unknown: 32 bits, little-endian.")
    mean = models.FloatField(
        null=True, help_text="Over all languages of the task, or as printed; empty if one is missing."
    )
    statuses = models.TextField(
        blank=True, help_text="For each language how far its score can be trusted, by commas; empty where it ran here."
    )
    stages = models.TextField(blank=True, help_text="The stages that measured it: numbers joined by commas.")

    class Meta:
        ordering = ["protocol", "run"]
        constraints = [models.UniqueConstraint(fields=["protocol", "run"], name="headline_once")]

    def __str__(self) -> str:
        return f"{self.run_id} under {self.protocol_id}: {self.metric}"


class RunLine(models.Model):
    """What a run has in one line: its protocols, the languages and the mean under each.

    Made from its headlines whenever these change, and then anew, so that a newer line has a larger number. Where whole
    boards are put in order, ten times as many headlines need not be read.
    """

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="line")
    parts = models.TextField(
        help_text="protocol:languages joined by semicolons, by protocol; languages as in Headline."
    )
    means = models.BinaryField(help_text="For each protocol its mean: doubles, little-endian; NaN where there is none.")
    statuses = models.TextField(
        blank=True, help_text="For each protocol those of Headline, by semicolons; empty where all are."
    )

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.parts}"


class Change(models.Model):
    """A line of the log that the database itself keeps of what tables show (`leaderboard.services.triggers`).

    Its last number and its length say whether a page is still true. A line with run and protocol says that their
    headline scores are to be gathered again. No foreign keys: the log outlives what it speaks of.
    """

    run = models.BigIntegerField(null=True)
    protocol = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["run", "protocol"], name="change_of")]

    def __str__(self) -> str:
        return f"{self.pk}: {self.run} under {self.protocol}" if self.run else str(self.pk)
