"""The application: after every migrate, the catalogue and the published results come into the database."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LeaderboardConfig(AppConfig):
    name = "leaderboard"
    verbose_name = "Leaderboard"

    def ready(self) -> None:
        from leaderboard.services.catalogue import mirror_after_migrate
        from leaderboard.services.published import load_after_migrate

        post_migrate.connect(mirror_after_migrate, sender=self)
        # In this order: published scores refer to tasks and languages.
        post_migrate.connect(load_after_migrate, sender=self)
