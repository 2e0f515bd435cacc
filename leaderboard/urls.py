"""The URL map. A table's `.csv` stands beside its page and takes the same query string."""

from django.contrib import admin
from django.urls import path, re_path

from leaderboard.api.version1 import api, nothing_here
from leaderboard.views import actions, live, reference, runs, snapshots, sources, tables

urlpatterns = [
    path("", tables.leaderboard, name="leaderboard"),
    path("leaderboard.csv", tables.leaderboard_csv, name="leaderboard-csv"),
    path("transfer/", tables.transfer, name="transfer"),
    path("transfer.csv", tables.transfer_csv, name="transfer-csv"),
    path("tasks/", reference.tasks, name="tasks"),
    path("tasks/<slug:slug>.csv", tables.task_csv, name="task-csv"),
    path("tasks/<slug:slug>/", tables.task, name="task"),
    path("runs/", runs.runs, name="runs"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/state/", live.state, name="run-state"),
    path("runs/<int:pk>/cancel/", actions.cancel, name="run-cancel"),
    path("runs/<int:pk>/retry/", actions.retry, name="run-retry"),
    path("runs/<int:pk>/reproduce/", actions.reproduce, name="run-reproduce"),
    path("runs/<int:pk>/reproduce.zip", actions.reproduce_archive, name="run-reproduce-archive"),
    path("studies/<int:pk>/", runs.study, name="study"),
    path("snapshots/", snapshots.snapshots, name="snapshots"),
    path("snapshots/<slug:address>/", snapshots.snapshot, name="snapshot"),
    path("snapshots/<slug:address>/changes/", snapshots.since, name="snapshot-changes"),
    path("snapshots/<slug:address>/content.jsonl", snapshots.content, name="snapshot-content"),
    path("snapshots/<slug:address>/scores.csv", snapshots.scores_csv, name="snapshot-scores-csv"),
    path("snapshots/<slug:address>/tables/<str:key>.csv", snapshots.table_csv, name="snapshot-table-csv"),
    path("sources/", sources.sources, name="sources"),
    path("sources/<str:key>/", sources.source, name="source"),
    path("about/", reference.about, name="about"),
    path("favicon.ico", reference.favicon),
    path("scores.csv", tables.scores_csv, name="scores-csv"),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    re_path(r"^api/(?P<path>.*)$", nothing_here),
]
