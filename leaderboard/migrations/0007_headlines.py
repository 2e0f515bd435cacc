from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


def note_every_score(apps, schema_editor):
    """Scores that are there already are gathered by the first reader."""
    using = schema_editor.connection.alias
    scores, changes = apps.get_model("leaderboard", "Score"), apps.get_model("leaderboard", "Change")
    pairs = scores.objects.using(using).order_by().values_list("run_id", "protocol_id").distinct()
    changes.objects.using(using).bulk_create(
        (changes(run=run, protocol=protocol) for run, protocol in pairs), batch_size=2000
    )


class Migration(migrations.Migration):
    dependencies = [("leaderboard", "0006_diagnostics")]

    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run", models.BigIntegerField(null=True)),
                ("protocol", models.BigIntegerField(null=True)),
            ],
            options={
                "ordering": ["pk"],
                "indexes": [models.Index(fields=["run", "protocol"], name="change_of")],
            },
        ),
        migrations.CreateModel(
            name="Headline",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("metric", models.CharField(help_text="The headline metric that was gathered.", max_length=30)),
                (
                    "languages",
                    models.TextField(
                        help_text="Codes joined by commas; an empty one stands for a mean that was printed."
                    ),
                ),
                ("values", models.BinaryField(help_text="For each language its score: doubles, little-endian.")),
                (
                    "items",
                    models.BinaryField(
                        help_text="For each language its test items, 0 where unknown: 32 bits, little-endian."
                    ),
                ),
                (
                    "mean",
                    models.FloatField(
                        null=True, help_text="Over all languages of the task, or as printed; empty if one is missing."
                    ),
                ),
                (
                    "statuses",
                    models.TextField(
                        blank=True,
                        help_text=(
                            "For each language how far its score can be trusted, by commas; empty where it ran here."
                        ),
                    ),
                ),
                (
                    "stages",
                    models.TextField(blank=True, help_text="The stages that measured it: numbers joined by commas."),
                ),
                (
                    "protocol",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="headlines",
                        to="leaderboard.protocol",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="headlines", to="leaderboard.run"
                    ),
                ),
            ],
            options={
                "ordering": ["protocol", "run"],
                "constraints": [models.UniqueConstraint(fields=("protocol", "run"), name="headline_once")],
            },
        ),
        migrations.RunPython(note_every_score, migrations.RunPython.noop),
    ]
