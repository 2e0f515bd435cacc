import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Language",
            fields=[
                ("code", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=60)),
                ("family", models.CharField(max_length=60)),
                ("branch", models.CharField(blank=True, max_length=60)),
                ("script", models.CharField(max_length=10)),
                ("cc100_gib", models.FloatField(blank=True, null=True, verbose_name="CC-100 size (GiB)")),
                ("cc100_tokens", models.IntegerField(blank=True, null=True, verbose_name="CC-100 tokens (millions)")),
                (
                    "resource_class",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="resource class (Joshi et al. 2020)"
                    ),
                ),
            ],
            options={
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="Protocol",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(max_length=64, unique=True)),
                ("split", models.CharField(max_length=40)),
                (
                    "limit",
                    models.PositiveIntegerField(blank=True, help_text="Items per language; empty: all.", null=True),
                ),
                ("max_length", models.PositiveIntegerField(blank=True, null=True)),
                ("layer", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("pooling", models.CharField(blank=True, max_length=10)),
                ("precision", models.CharField(blank=True, max_length=10)),
                ("scorer_version", models.CharField(max_length=10)),
                (
                    "data",
                    models.CharField(
                        blank=True, help_text="Hash of the revisions or contents evaluated on.", max_length=64
                    ),
                ),
                ("label", models.CharField(help_text="In a few words, for column heads.", max_length=200)),
            ],
            options={
                "ordering": ["task", "label"],
            },
        ),
        migrations.CreateModel(
            name="Encoder",
            fields=[
                (
                    "slug",
                    models.CharField(
                        max_length=60,
                        primary_key=True,
                        serialize=False,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9]+(?:[-_.][a-z0-9]+)*$",
                                "Use lower-case letters and digits, joined by single '-', '_' or '.'.",
                            )
                        ],
                    ),
                ),
                ("title", models.CharField(max_length=120)),
                (
                    "location",
                    models.CharField(
                        help_text="Hub id, such as FacebookAI/xlm-roberta-base, or a folder.", max_length=400
                    ),
                ),
                (
                    "revision",
                    models.CharField(
                        blank=True,
                        help_text="The hub's commit. Left empty for a folder, it becomes the hash of the folder's files.",
                        max_length=64,
                    ),
                ),
                (
                    "layers",
                    models.PositiveSmallIntegerField(
                        help_text="Transformer layers, without the embeddings.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("licence", models.CharField(blank=True, max_length=120)),
                ("note", models.TextField(blank=True)),
            ],
            options={
                "ordering": ["slug"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("layers__gte", 1)), name="encoder_has_layers"),
                    models.CheckConstraint(
                        condition=models.Q(("location", ""), _negated=True), name="encoder_has_location"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Recipe",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(max_length=64, unique=True)),
                ("title", models.CharField(max_length=200)),
                (
                    "method",
                    models.CharField(
                        choices=[
                            ("baseline", "Baseline"),
                            ("intermediate", "Intermediate task"),
                            ("multi_task", "Multi-task"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "settings",
                    models.JSONField(default=dict, help_text="Hyper-parameters of both phases, as submitted."),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "encoder",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="recipes", to="leaderboard.encoder"
                    ),
                ),
            ],
            options={
                "ordering": ["encoder", "method", "title"],
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                ("key", models.CharField(max_length=60, primary_key=True, serialize=False)),
                ("title", models.TextField()),
                ("url", models.URLField(blank=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("quoted", "Quoted from the source"),
                            ("secondary", "Quoted from a secondary source"),
                            ("unverified", "Not verified"),
                            ("checked", "Checked by a maintainer"),
                        ],
                        default="unverified",
                        max_length=12,
                    ),
                ),
                ("note", models.TextField(blank=True)),
                ("checked", models.DateTimeField(blank=True, null=True)),
                (
                    "checked_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["key"],
            },
        ),
        migrations.CreateModel(
            name="Stage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fingerprint", models.CharField(max_length=64, unique=True)),
                ("action", models.CharField(choices=[("train", "Train"), ("evaluate", "Evaluate")], max_length=10)),
                ("title", models.CharField(max_length=200)),
                ("spec", models.JSONField(help_text="`runner.spec.Stage.to_dict()`.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting for another stage"),
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("cancel_requested", models.BooleanField(default=False)),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("losses", models.PositiveSmallIntegerField(default=0, help_text="How often its worker was lost.")),
                ("worker", models.CharField(blank=True, max_length=120)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("sent", models.DateTimeField(blank=True, help_text="When its message was last sent.", null=True)),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("unit", models.CharField(blank=True, max_length=20)),
                ("activity", models.CharField(blank=True, max_length=200)),
                (
                    "failure",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("submitter", "The submission cannot work"),
                            ("bug", "A fault of the program"),
                            ("out_of_memory", "Out of memory"),
                            ("time_limit", "Time limit"),
                            ("lost_worker", "Worker lost too often"),
                            ("parent", "A stage it needs has failed"),
                        ],
                        max_length=20,
                    ),
                ),
                ("message", models.TextField(blank=True, help_text="One plain sentence about the failure.")),
                ("environment", models.JSONField(blank=True, default=dict)),
                (
                    "data",
                    models.JSONField(blank=True, default=list, help_text="Data read, with the hash of its content."),
                ),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("started", models.DateTimeField(blank=True, null=True)),
                ("finished", models.DateTimeField(blank=True, null=True)),
                ("seconds", models.FloatField(default=0, help_text="Wall time on the worker, over all attempts.")),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="leaderboard.stage",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Artifact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(help_text="checkpoint, predictions, items, curve or log", max_length=20)),
                ("path", models.CharField(max_length=300, unique=True)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField(help_text="Bytes.")),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "stage",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="artifacts", to="leaderboard.stage"
                    ),
                ),
            ],
            options={
                "ordering": ["path"],
            },
        ),
        migrations.CreateModel(
            name="Study",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, unique=True)),
                ("note", models.TextField(blank=True)),
                ("targets", models.JSONField(default=list)),
                ("seeds", models.JSONField(default=list)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("recipes", models.ManyToManyField(related_name="studies", to="leaderboard.recipe")),
                (
                    "submitted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="studies",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "studies",
                "ordering": ["-created"],
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "origin",
                    models.CharField(
                        choices=[("local", "Ran here"), ("published", "Published"), ("uploaded", "Uploaded")],
                        default="local",
                        max_length=10,
                    ),
                ),
                ("seed", models.BigIntegerField(blank=True, null=True)),
                (
                    "system",
                    models.CharField(
                        blank=True, help_text="The name of a published or uploaded system.", max_length=200
                    ),
                ),
                ("cancelled", models.DateTimeField(blank=True, null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "recipe",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="leaderboard.recipe",
                    ),
                ),
                (
                    "submitted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="runs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="leaderboard.source",
                    ),
                ),
                ("stages", models.ManyToManyField(blank=True, related_name="runs", to="leaderboard.stage")),
                ("studies", models.ManyToManyField(blank=True, related_name="runs", to="leaderboard.study")),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                ("slug", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=120)),
                ("role", models.CharField(max_length=20)),
                ("suite", models.CharField(max_length=20)),
                ("kind", models.CharField(max_length=20)),
                ("group", models.CharField(max_length=20)),
                ("position", models.PositiveSmallIntegerField(help_text="Order in tables: the catalogue's own.")),
                ("metrics", models.JSONField(default=list)),
                ("headline", models.CharField(max_length=30, verbose_name="headline metric")),
                ("trained_on", models.CharField(blank=True, max_length=40)),
                ("stands_in_for", models.CharField(blank=True, max_length=40)),
                ("parallel", models.BooleanField(default=False)),
                ("dataset", models.CharField(blank=True, max_length=120, verbose_name="hub dataset")),
                ("licence", models.CharField(max_length=200)),
                ("citation", models.TextField()),
                ("note", models.TextField(blank=True)),
                ("languages", models.ManyToManyField(related_name="tasks", to="leaderboard.language")),
            ],
            options={
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="Score",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("metric", models.CharField(max_length=30)),
                ("value", models.FloatField()),
                ("n", models.PositiveIntegerField(blank=True, help_text="Test items.", null=True)),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "language",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scores",
                        to="leaderboard.language",
                    ),
                ),
                (
                    "protocol",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="scores", to="leaderboard.protocol"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="scores", to="leaderboard.run"
                    ),
                ),
                (
                    "stage",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="scores",
                        to="leaderboard.stage",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="scores", to="leaderboard.task"
                    ),
                ),
            ],
            options={
                "ordering": ["run", "task", "language", "metric"],
            },
        ),
        migrations.AddField(
            model_name="recipe",
            name="intermediate_tasks",
            field=models.ManyToManyField(blank=True, related_name="recipes", to="leaderboard.task"),
        ),
        migrations.AddField(
            model_name="protocol",
            name="task",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="protocols", to="leaderboard.task"
            ),
        ),
        migrations.AddIndex(
            model_name="stage",
            index=models.Index(fields=["status", "lease_until"], name="stage_sweep"),
        ),
        migrations.AddConstraint(
            model_name="stage",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["waiting", "queued", "running", "done", "failed", "cancelled"])),
                name="stage_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="stage",
            constraint=models.CheckConstraint(
                condition=models.Q(("done__lte", models.F("total"))), name="stage_progress_within_total"
            ),
        ),
        migrations.AddConstraint(
            model_name="stage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "running"), _negated=True), ("lease_until__isnull", False), _connector="OR"
                ),
                name="stage_running_has_lease",
            ),
        ),
        migrations.AddConstraint(
            model_name="stage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "failed"), _negated=True),
                    models.Q(("failure", ""), _negated=True),
                    _connector="OR",
                ),
                name="stage_failed_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="artifact",
            constraint=models.CheckConstraint(condition=models.Q(("size__gte", 0)), name="artifact_size_not_negative"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin__in", ["local", "published", "uploaded"])), name="run_origin_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("origin", "local"), _negated=True),
                    models.Q(("recipe__isnull", False), ("seed__isnull", False)),
                    _connector="OR",
                ),
                name="run_local_has_recipe_and_seed",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("origin", "published"), _negated=True), ("source__isnull", False), _connector="OR"
                ),
                name="run_published_has_source",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin", "local"), models.Q(("system", ""), _negated=True), _connector="OR"),
                name="run_from_outside_has_system",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("origin", "local")), fields=("recipe", "seed"), name="run_recipe_seed_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("origin", "published")), fields=("source", "system"), name="run_source_system_once"
            ),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(fields=["metric", "task", "run", "language", "value"], name="score_standings"),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.CheckConstraint(
                condition=models.Q(("value__gte", 0), ("value__lte", 100)), name="score_between_0_and_100"
            ),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.UniqueConstraint(
                condition=models.Q(("language__isnull", False)),
                fields=("run", "task", "language", "metric", "protocol"),
                name="score_cell_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="score",
            constraint=models.UniqueConstraint(
                condition=models.Q(("language__isnull", True)),
                fields=("run", "task", "metric", "protocol"),
                name="score_mean_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="recipe",
            constraint=models.CheckConstraint(
                condition=models.Q(("method__in", ["baseline", "intermediate", "multi_task"])),
                name="recipe_method_known",
            ),
        ),
    ]
