"""WSGI entry point: `gunicorn leaderboard.wsgi`."""

import gc
import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.template.loader import get_template
from django.urls import get_resolver

from leaderboard.standings.statistics import distributions

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
application = get_wsgi_application()

# Loads all views and templates now: the first reader shall not wait for them.
get_resolver().url_patterns  # noqa: B018
for page in Path(settings.BASE_DIR, "templates").glob("*.html"):
    get_template(page.name)
distributions.load()

# A table is many thousand objects and no cycle: looking for cycles as often as usual takes a fifth of its time.
gc.freeze()
gc.set_threshold(50_000)
