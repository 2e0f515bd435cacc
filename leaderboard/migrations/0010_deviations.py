"""What ranks are computed from, kept."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leaderboard", "0009_claims")]

    operations = [
        migrations.CreateModel(
            name="StoredDeviation",
            fields=[
                ("content", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "deviations",
                    models.BinaryField(help_text="For each replicate, in points: 16-bit floats, little-endian."),
                ),
            ],
        ),
    ]
