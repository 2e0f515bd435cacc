"""Recipes, studies, runs and stages: what was asked for and what the workers do about it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from leaderboard.models.catalogue import Encoder, Task
from leaderboard.models.querysets import RunQuerySet, StageQuerySet
from leaderboard.variants import Variant, variants_of


class Recipe(models.Model):
    """What is trained; immutable, identified by its fingerprint (`runner.recipes.Recipe.fingerprint`)."""

    class Method(models.TextChoices):
        BASELINE = "baseline", "Baseline"
        INTERMEDIATE = "intermediate", "Intermediate task"
        MULTI_TASK = "multi_task", "Multi-task"
        TRANSLATE_TRAIN = "translate_train", "Translate-train"

    fingerprint = models.CharField(max_length=64, unique=True)
    title = models.CharField(max_length=200)
    encoder = models.ForeignKey(Encoder, on_delete=models.PROTECT, related_name="recipes")
    method = models.CharField(max_length=20, choices=Method.choices)
    intermediate_tasks = models.ManyToManyField(Task, blank=True, related_name="recipes")
    mlm = models.BooleanField("with MLM", default=False, help_text="Whether MLM is trained beside the tasks, or alone.")
    translation = models.CharField(
        max_length=200, blank=True, help_text="Languages of machine-translated training data, such as de+en."
    )
    settings = models.JSONField(
        default=dict, help_text="Hyper-parameters of both phases, sampling and MLM, as submitted."
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["encoder", "method", "title"]
        constraints = [
            models.CheckConstraint(
                condition=Q(method__in=["baseline", "intermediate", "multi_task", "translate_train"]),
                name="recipe_method_known",
            ),
            models.CheckConstraint(
                condition=~Q(method="baseline") | Q(translation=""), name="recipe_baseline_not_translated"
            ),
            models.CheckConstraint(
                condition=~Q(method="translate_train") | (~Q(translation="") & Q(mlm=False)),
                name="recipe_translate_train_has_languages",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def variants(self) -> tuple[Variant, ...]:
        return variants_of(mlm=self.mlm, translation=self.translation)

    @property
    def method_in_full(self) -> str:
        """The method with its variant, such as `Intermediate task, with MLM` or `Translate-train: de+en`."""
        label = self.get_method_display()
        if self.method == self.Method.TRANSLATE_TRAIN:
            return f"{label}: {self.translation}"
        parts = [label, *(["with MLM"] if self.mlm else [])]
        return ", ".join([*parts, f"translated: {self.translation}"] if self.translation else parts)


class Study(models.Model):
    """A declared grid: recipes x target tasks x seeds. `targets` holds `runner.recipes.Evaluation` as JSON."""

    name = models.CharField(max_length=120, unique=True)
    note = models.TextField(blank=True)
    recipes = models.ManyToManyField(Recipe, related_name="studies")
    targets = models.JSONField(default=list)
    diagnoses = models.JSONField(default=list, blank=True, help_text="`runner.recipes.Diagnosis`, as JSON.")
    seeds = models.JSONField(default=list)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="studies"
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created"]
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """One training phase, evaluation or diagnosis, done once whoever asks (design: content-addressed).

    Transitions, all in `leaderboard.services.progress`: waiting -> queued (its parent is done) -> running
    (claimed) -> done | failed | cancelled; running -> queued when the lease runs out; failed or
    cancelled -> waiting on retry.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting for another stage"
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Action(models.TextChoices):
        TRAIN = "train", "Train"
        EVALUATE = "evaluate", "Evaluate"
        ALIGN = "align", "Measure alignment"

    class Lane(models.TextChoices):
        """Which workers take the stage: each takes from the lanes that its settings name."""

        GPU = "gpu", "GPU"
        CPU = "cpu", "CPU"
        SHORT = "short", "Short work"

    class Priority(models.IntegerChoices):
        LOW = -1, "Low: when nothing else waits"
        NORMAL = 0, "Normal"
        HIGH = 1, "High: before all others"

    class Failure(models.TextChoices):
        SUBMITTER = "submitter", "The submission cannot work"
        BUG = "bug", "A fault of the program"
        OUT_OF_MEMORY = "out_of_memory", "Out of memory"
        TIME_LIMIT = "time_limit", "Time limit"
        LOST_WORKER = "lost_worker", "Worker lost too often"
        HUNG = "hung", "No progress, too often"
        INFRASTRUCTURE = "infrastructure", "The machine failed too often"
        PARENT = "parent", "A stage it needs has failed"

    fingerprint = models.CharField(max_length=64, unique=True)
    action = models.CharField(max_length=10, choices=Action.choices)
    title = models.CharField(max_length=200)
    spec = models.JSONField(help_text="`runner.spec.Stage.to_dict()`.")
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    cancel_requested = models.BooleanField(default=False)
    # The lease: only the worker that holds it may write. `attempt` grows with every claim and fences zombies.
    attempt = models.PositiveIntegerField(default=0)
    # Counted apart from attempts: a worker that stops in order gives the stage back and has lost nothing.
    losses = models.PositiveSmallIntegerField(default=0, help_text="How often its worker was lost.")
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    sent = models.DateTimeField(null=True, blank=True, help_text="When its message was last sent.")
    lane = models.CharField(max_length=10, choices=Lane.choices, default=Lane.GPU)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    # Who asked for it first: fair shares are by submitter. Empty for what no user submitted.
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    not_before = models.DateTimeField(null=True, blank=True, help_text="A pause after its machine failed it.")

    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    unit = models.CharField(max_length=20, blank=True)
    activity = models.CharField(max_length=200, blank=True)
    rate = models.FloatField(null=True, blank=True, help_text="Units per second, over about the last minute.")
    usage = models.JSONField(default=dict, blank=True, help_text="`runner.usage.Usage` at the last heartbeat.")
    failure = models.CharField(max_length=20, choices=Failure.choices, blank=True)
    message = models.TextField(blank=True, help_text="One plain sentence about the failure.")

    environment = models.JSONField(default=dict, blank=True)
    data = models.JSONField(default=list, blank=True, help_text="Data read, with the hash of its content.")
    created = models.DateTimeField(auto_now_add=True)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    seconds = models.FloatField(default=0, help_text="Wall time on the worker, over all attempts.")

    objects = StageQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [
            # Without what a heartbeat writes, so that PostgreSQL need not touch an index for one.
            models.Index(fields=["status"], name="stage_sweep"),
            # Whose turn it is and the first of theirs, from the index alone, however many stages are done.
            models.Index(
                fields=["priority", "submitted_by", "id", "lane", "not_before"],
                condition=Q(status="queued"),
                name="stage_turns",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "queued", "running", "done", "failed", "cancelled"]),
                name="stage_status_known",
            ),
            models.CheckConstraint(condition=Q(lane__in=["gpu", "cpu", "short"]), name="stage_lane_known"),
            models.CheckConstraint(condition=Q(done__lte=models.F("total")), name="stage_progress_within_total"),
            models.CheckConstraint(
                condition=~Q(status="running") | Q(lease_until__isnull=False), name="stage_running_has_lease"
            ),
            models.CheckConstraint(condition=~Q(status="failed") | ~Q(failure=""), name="stage_failed_says_why"),
        ]

    def __str__(self) -> str:
        return self.title


class Run(models.Model):
    """A recipe with a seed, trained here; or a row that was published or uploaded."""

    class Origin(models.TextChoices):
        LOCAL = "local", "Ran here"
        PUBLISHED = "published", "Published"
        UPLOADED = "uploaded", "Uploaded"

    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.LOCAL)
    recipe = models.ForeignKey(Recipe, null=True, blank=True, on_delete=models.PROTECT, related_name="runs")
    seed = models.BigIntegerField(null=True, blank=True)
    system = models.CharField(max_length=200, blank=True, help_text="The name of a published or uploaded system.")
    source = models.ForeignKey("Source", null=True, blank=True, on_delete=models.PROTECT, related_name="runs")
    studies = models.ManyToManyField(Study, blank=True, related_name="runs")
    stages = models.ManyToManyField(Stage, blank=True, related_name="runs")
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    # Stages are shared: that a stage goes on does not say whether this run still wants it.
    cancelled = models.DateTimeField(null=True, blank=True)
    # Off the board, but on record: the row, its scores and its files stay.
    withdrawn = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    withdrawal = models.TextField("reason of withdrawal", blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        permissions = [("withdraw_run", "Can withdraw a run from the board")]
        constraints = [
            models.CheckConstraint(condition=Q(origin__in=["local", "published", "uploaded"]), name="run_origin_known"),
            models.CheckConstraint(
                condition=Q(withdrawn__isnull=True) | ~Q(withdrawal=""), name="run_withdrawn_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(origin="local") | (Q(recipe__isnull=False) & Q(seed__isnull=False)),
                name="run_local_has_recipe_and_seed",
            ),
            models.CheckConstraint(
                condition=~Q(origin="published") | Q(source__isnull=False), name="run_published_has_source"
            ),
            models.CheckConstraint(condition=Q(origin="local") | ~Q(system=""), name="run_from_outside_has_system"),
            models.UniqueConstraint(
                fields=["recipe", "seed"], condition=Q(origin="local"), name="run_recipe_seed_once"
            ),
            models.UniqueConstraint(
                fields=["source", "system"], condition=Q(origin="published"), name="run_source_system_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recipe}, seed {self.seed}" if self.recipe_id else self.system

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.pk])


class Worker(models.Model):
    """A worker that spoke lately: what it takes and how much at a time, so that a page can say why a stage waits."""

    name = models.CharField(primary_key=True, max_length=120)
    lanes = models.JSONField(default=list)
    places = models.PositiveSmallIntegerField(help_text="Engines at the same time.")
    seen = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
