"""WSGI entry point: `gunicorn leaderboard.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
application = get_wsgi_application()

# Loads all views now: the first reader shall not wait for it.
get_resolver().url_patterns  # noqa: B018
