"""The application: after every migrate come the catalogue, published results and claims, and triggers on scores."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class LeaderboardConfig(AppConfig):
    name = "leaderboard"
    verbose_name = "Leaderboard"

    def ready(self) -> None:
        from leaderboard.services.catalogue import mirror_after_migrate
        from leaderboard.services.headlines import keep_after_migrate
        from leaderboard.services.literature import load_after_migrate as load_claims_after_migrate
        from leaderboard.services.published import load_after_migrate

        post_migrate.connect(mirror_after_migrate, sender=self)
        # In this order: the triggers log what is published, and published scores refer to tasks and languages.
        post_migrate.connect(keep_after_migrate, sender=self)
        post_migrate.connect(load_after_migrate, sender=self)
        post_migrate.connect(load_claims_after_migrate, sender=self)
