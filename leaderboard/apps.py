"""The application: after every migrate come the catalogue, the published results, and triggers that watch scores."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LeaderboardConfig(AppConfig):
    name = "leaderboard"
    verbose_name = "Leaderboard"

    def ready(self) -> None:
        from leaderboard.services.catalogue import mirror_after_migrate
        from leaderboard.services.headlines import keep_after_migrate
        from leaderboard.services.published import load_after_migrate

        post_migrate.connect(mirror_after_migrate, sender=self)
        # In this order: the triggers log what is published, and published scores refer to tasks and languages.
        post_migrate.connect(keep_after_migrate, sender=self)
        post_migrate.connect(load_after_migrate, sender=self)
