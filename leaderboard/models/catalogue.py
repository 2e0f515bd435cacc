"""Languages, tasks and encoders: the catalogue, mirrored from `runner.tasks` after every migrate."""

from __future__ import annotations

from django.core.validators import MinValueValidator, RegexValidator
from django.db import models

slug_validator = RegexValidator(
    r"^[a-z0-9]+(?:[-_.][a-z0-9]+)*$", "Use lower-case letters and digits, joined by single '-', '_' or '.'."
)


class Language(models.Model):
    """One of XTREME's languages, by its ISO 639-1 code."""

    code = models.CharField(primary_key=True, max_length=16)
    name = models.CharField(max_length=60)
    family = models.CharField(max_length=60)
    branch = models.CharField(max_length=60, blank=True)
    script = models.CharField(max_length=10)
    cc100_gib = models.FloatField("CC-100 size (GiB)", null=True, blank=True)
    cc100_tokens = models.IntegerField("CC-100 tokens (millions)", null=True, blank=True)
    resource_class = models.PositiveSmallIntegerField("resource class (Joshi et al. 2020)", null=True, blank=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Task(models.Model):
    """A task of the catalogue; its full specification is the literal of the same slug in `runner.tasks`."""

    slug = models.CharField(primary_key=True, max_length=40)
    title = models.CharField(max_length=120)
    role = models.CharField(max_length=20)
    suite = models.CharField(max_length=20)
    kind = models.CharField(max_length=20)
    group = models.CharField(max_length=20)
    position = models.PositiveSmallIntegerField(help_text="Order in tables: the catalogue's own.")
    languages = models.ManyToManyField(Language, related_name="tasks")
    metrics = models.JSONField(default=list)
    headline = models.CharField("headline metric", max_length=30)
    trained_on = models.CharField(max_length=40, blank=True)
    stands_in_for = models.CharField(max_length=40, blank=True)
    parallel = models.BooleanField(default=False)
    dataset = models.CharField("hub dataset", max_length=120, blank=True)
    licence = models.CharField(max_length=200)
    citation = models.TextField()
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.title


class Encoder(models.Model):
    """A pretrained multilingual encoder: on the hub at a pinned commit, or in a local folder."""

    slug = models.CharField(primary_key=True, max_length=60, validators=[slug_validator])
    title = models.CharField(max_length=120)
    location = models.CharField(max_length=400, help_text="Hub id, such as FacebookAI/xlm-roberta-base, or a folder.")
    revision = models.CharField(
        max_length=64,
        blank=True,
        help_text="The hub's commit. Left empty for a folder, it becomes the hash of the folder's files.",
    )
    layers = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)], help_text="Transformer layers, without the embeddings."
    )
    licence = models.CharField(max_length=120, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(condition=models.Q(layers__gte=1), name="encoder_has_layers"),
            models.CheckConstraint(condition=~models.Q(location=""), name="encoder_has_location"),
        ]

    def __str__(self) -> str:
        return self.title
