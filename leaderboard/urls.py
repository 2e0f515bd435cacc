"""The URL map. A table's `.csv`, `.json`, `.tex` and `.md` stand beside its page and take the same query string."""

from django.contrib import admin
from django.urls import path, re_path, register_converter
from django.urls.converters import StringConverter

from leaderboard.api.version1 import api, nothing_here
from leaderboard.views import (
    actions,
    claims,
    compared,
    diagnostics,
    exports,
    live,
    reference,
    runs,
    snapshots,
    sources,
    tables,
)


class EndingConverter(StringConverter):
    """The ending of a file that a table is offered as."""

    regex = "|".join(tables.FORMATS)


register_converter(EndingConverter, "ending")

urlpatterns = [
    path("", tables.leaderboard, name="leaderboard"),
    path("leaderboard.<ending:ending>", tables.file, {"table": "leaderboard"}, name="leaderboard-file"),
    path("ranks/", tables.ranks, name="ranks"),
    path("transfer/", tables.transfer, name="transfer"),
    path("transfer.<ending:ending>", tables.file, {"table": "transfer"}, name="transfer-file"),
    path("alternatives/", compared.alternatives, name="alternatives"),
    path("alternatives.<ending:ending>", compared.alternatives_file, name="alternatives-file"),
    path("compare/", compared.compare, name="compare"),
    path("compare.<ending:ending>", compared.compare_file, name="compare-file"),
    path("alignment/", diagnostics.alignment, name="alignment"),
    re_path(r"^alignment\.(csv|json)$", diagnostics.file, {"page": "alignment"}, name="alignment-file"),
    path("robustness/", diagnostics.robustness, name="robustness"),
    re_path(r"^robustness\.(csv|json)$", diagnostics.file, {"page": "robustness"}, name="robustness-file"),
    path("low-resource/", diagnostics.low_resource, name="low_resource"),
    re_path(r"^low-resource\.(csv|json)$", diagnostics.file, {"page": "low-resource"}, name="low_resource-file"),
    path("tasks/", reference.tasks, name="tasks"),
    path("tasks/<slug:slug>.<ending:ending>", tables.file, {"table": "task"}, name="task-file"),
    path("tasks/<slug:slug>/", tables.task, name="task"),
    path("languages/", reference.languages, name="languages"),
    path("languages/<slug:slug>.<ending:ending>", tables.file, {"table": "language"}, name="language-file"),
    path("languages/<slug:slug>/", tables.language, name="language"),
    path("runs/", runs.runs, name="runs"),
    path("runs/<int:pk>/", runs.run, name="run"),
    path("runs/<int:pk>/state/", live.state, name="run-state"),
    path("runs/<int:pk>/cancel/", actions.cancel, name="run-cancel"),
    path("runs/<int:pk>/retry/", actions.retry, name="run-retry"),
    path("runs/<int:pk>/reproduce/", actions.reproduce, name="run-reproduce"),
    path("runs/<int:pk>/reproduce.zip", actions.reproduce_archive, name="run-reproduce-archive"),
    path("studies/<int:pk>/", runs.study, name="study"),
    path("studies/<int:pk>/complete/", actions.complete, name="study-complete"),
    path("sources/", sources.sources, name="sources"),
    path("sources/<str:key>/", sources.source, name="source"),
    path("claims/", claims.claims, name="claims"),
    path("claims.tex", claims.latex, name="claims-latex"),
    path("claims/<slug:key>/", claims.claim, name="claim"),
    path("claims/<slug:key>.tex", claims.latex, name="claim-latex"),
    path("claims/<slug:key>/next/", claims.what_next, name="claim-next"),
    path("claims/<slug:key>/queue/", claims.queue, name="claim-queue"),
    path("snapshots/", snapshots.snapshots, name="snapshots"),
    path("snapshots/<slug:address>/", snapshots.snapshot, name="snapshot"),
    path("snapshots/<slug:address>/changes/", snapshots.since, name="snapshot-changes"),
    path("snapshots/<slug:address>/content.jsonl", snapshots.content, name="snapshot-content"),
    path("snapshots/<slug:address>/every_eval_ever.jsonl", snapshots.records, name="snapshot-every-eval-ever"),
    re_path(
        r"^snapshots/(?P<address>[-a-zA-Z0-9_]+)/scores\.(?P<layout>csv|jsonl|parquet)$",
        snapshots.scores,
        name="snapshot-scores",
    ),
    path("snapshots/<slug:address>/tables/<str:key>.<ending:ending>", snapshots.table_file, name="snapshot-table-file"),
    path("about/", reference.about, name="about"),
    path("favicon.ico", reference.favicon),
    path("scores.csv", exports.scores, {"layout": "csv"}, name="scores-csv"),
    path("scores.jsonl", exports.scores, {"layout": "jsonl"}, name="scores-jsonl"),
    path("scores.parquet", exports.scores, {"layout": "parquet"}, name="scores-parquet"),
    path("every_eval_ever.jsonl", exports.every_eval_ever_records, name="every-eval-ever"),
    path("columns.csv", exports.dictionary, name="columns-csv"),
    path("runs/<int:pk>/predictions.zip", exports.run_predictions, name="run-predictions"),
    path("runs/<int:pk>/items.jsonl", exports.run_item_lines, name="run-item-lines"),
    path("runs/<int:pk>/items.zip", exports.run_items, name="run-items"),
    path("runs/<int:pk>/every_eval_ever.json", exports.run_every_eval_ever, name="run-every-eval-ever"),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    re_path(r"^api/(?P<path>.*)$", nothing_here),
]
