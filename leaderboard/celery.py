"""The Celery application, for `celery -A leaderboard worker`; its settings are in `leaderboard.celeryconfig`."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")

# The embedded broker: a folder, no server (leaderboard/transport.py). Its address is `folder://`.
TRANSPORT_ALIASES["folder"] = "leaderboard.transport:Transport"

app = Celery("leaderboard")
# By name, because Django's settings may not be read while this package is only being imported.
app.config_from_object("leaderboard.celeryconfig")
