from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leaderboard", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="recipe", name="recipe_method_known"),
        migrations.AddField(
            model_name="recipe",
            name="mlm",
            field=models.BooleanField(
                default=False,
                help_text="Whether MLM is trained beside the tasks, or alone.",
                verbose_name="with MLM",
            ),
        ),
        migrations.AddField(
            model_name="recipe",
            name="translation",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Languages of machine-translated training data, such as de+en.",
                max_length=200,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="recipe",
            name="method",
            field=models.CharField(
                choices=[
                    ("baseline", "Baseline"),
                    ("intermediate", "Intermediate task"),
                    ("multi_task", "Multi-task"),
                    ("translate_train", "Translate-train"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="recipe",
            name="settings",
            field=models.JSONField(
                default=dict, help_text="Hyper-parameters of both phases, sampling and MLM, as submitted."
            ),
        ),
        migrations.AddConstraint(
            model_name="recipe",
            constraint=models.CheckConstraint(
                condition=models.Q(("method__in", ["baseline", "intermediate", "multi_task", "translate_train"])),
                name="recipe_method_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="recipe",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("method", "baseline"), _negated=True), ("translation", ""), _connector="OR"
                ),
                name="recipe_baseline_not_translated",
            ),
        ),
        migrations.AddConstraint(
            model_name="recipe",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("method", "translate_train"), _negated=True),
                    models.Q(models.Q(("translation", ""), _negated=True), ("mlm", False)),
                    _connector="OR",
                ),
                name="recipe_translate_train_has_languages",
            ),
        ),
    ]
