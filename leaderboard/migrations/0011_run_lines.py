from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leaderboard", "0010_deviations")]

    operations = [
        migrations.CreateModel(
            name="RunLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "parts",
                    models.TextField(
                        help_text="protocol:languages joined by semicolons, by protocol; languages as in Headline."
                    ),
                ),
                (
                    "means",
                    models.BinaryField(
                        help_text="For each protocol its mean: doubles, little-endian; NaN where there is none."
                    ),
                ),
                (
                    "statuses",
                    models.TextField(
                        blank=True, help_text="For each protocol those of Headline, by semicolons; empty where all are."
                    ),
                ),
                (
                    "run",
                    models.OneToOneField(on_delete=models.deletion.CASCADE, related_name="line", to="leaderboard.run"),
                ),
            ],
            options={"ordering": ["pk"]},
        ),
    ]
