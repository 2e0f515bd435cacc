"""Predictions from elsewhere: what was sent, by whom, and which run it became."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from leaderboard.models.experiments import Run


class Upload(models.Model):
    """Predictions in XTREME's layout that were scored here; equal files are one row, whoever sends them."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="upload")
    fingerprint = models.CharField(max_length=64, unique=True, help_text="SHA-256 over the names and hashes of files.")
    name = models.CharField("file name", max_length=200)
    tasks = models.JSONField(default=list, help_text="Slugs of the tasks that it has predictions for.")
    note = models.TextField(blank=True)
    link = models.URLField(blank=True, help_text="A paper or a page about the system.")
    data = models.JSONField(default=list, help_text="The gold data, with the hash of its content.")
    corrects = models.OneToOneField(
        Run,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="corrected_by",
        help_text="An earlier upload.",
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(corrects__isnull=True) | ~Q(corrects=models.F("run")), name="upload_corrects_another"
            )
        ]

    def __str__(self) -> str:
        return self.name
