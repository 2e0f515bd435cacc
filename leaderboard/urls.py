"""The URL map. A table's `.csv` stands beside its page and takes the same query string."""

from django.contrib import admin
from django.urls import path, re_path

from leaderboard.views import actions, diagnostics, live, reference, runs, tables

urlpatterns = [
    path("", tables.leaderboard, name="leaderboard"),
    path("leaderboard.csv", tables.leaderboard_csv, name="leaderboard-csv"),
    path("transfer/", tables.transfer, name="transfer"),
    path("transfer.csv", tables.transfer_csv, name="transfer-csv"),
    path("alignment/", diagnostics.alignment, name="alignment"),
    re_path(r"^alignment\.(csv|json)$", diagnostics.alignment_file, name="alignment-file"),
    path("robustness/", diagnostics.robustness, name="robustness"),
    re_path(r"^robustness\.(csv|json)$", diagnostics.robustness_file, name="robustness-file"),
    path("low-resource/", diagnostics.low_resource, name="low_resource"),
    re_path(r"^low-resource\.(csv|json)$", diagnostics.low_resource_file, name="low_resource-file"),
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
    path("about/", reference.about, name="about"),
    path("favicon.ico", reference.favicon),
    path("scores.csv", tables.scores_csv, name="scores-csv"),
    path("admin/", admin.site.urls),
]
