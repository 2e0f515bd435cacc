"""Importing published results in the admin: a preview with row errors and differences, then all of it or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import tablib
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import mark_safe
from import_export.admin import ImportMixin
from import_export.fields import Field
from import_export.formats.base_formats import Format as FileFormat
from import_export.forms import ConfirmImportForm, ImportForm
from import_export.instance_loaders import BaseInstanceLoader
from import_export.resources import Diff, Resource
from import_export.results import Error, Result

from leaderboard.models import Score, Source
from leaderboard.published.formats import FORMATS, Format
from leaderboard.published.tables import COLUMNS, PublishedScore, published_score
from leaderboard.services import published
from runner.errors import RecipeError

LARGEST_MIB = 20
NAMED_AT_MOST = 12


class PlainError(Error):
    """An error as a sentence: a traceback is for the log, not for a page."""

    @property
    def traceback(self) -> str:
        return ""

    @traceback.setter
    def traceback(self, value: str) -> None:
        """The library offers one; it is not kept."""


class PlainDiff(Diff):
    """The difference with marked insertions and deletions, without inline styles, which the pages' policy forbids."""

    def as_html(self) -> list[str]:
        # In the cells' own text every < is escaped.
        return [mark_safe(re.sub(r'<(ins|del) style="[^"]*">', r"<\1>", cell)) for cell in super().as_html()]


class Draft(SimpleNamespace):
    """A row as the preview compares it: the columns of a table as attributes, and nothing that saves itself."""

    pk = None

    def __str__(self) -> str:
        return ", ".join(str(part) for part in (self.system, self.task, self.language, self.metric) if part)


def _said(score: Score) -> dict[str, Any]:
    """What is stored of a score beyond its identity."""
    status = score.publication.status if hasattr(score, "publication") else ""
    value, n, note = published.said(score)
    return {"value": value, "n": n, "note": note, "status": status}


class PublishedScoreResource(Resource):
    """Rows of published results; `source` and `system` fill these columns where a file has none.

    The rows are checked one by one, so that the preview has an error for each, and stored together at the end.
    """

    class Meta:
        import_id_fields = ()
        instance_loader_class = BaseInstanceLoader
        use_transactions = True
        skip_unchanged = True
        report_skipped = True

    def __init__(self, source: str = "", system: str = "", tell: Callable[[str], None] = str, **options: Any) -> None:
        super().__init__(**options)
        self._filled = {"source": source, "system": system}
        self._tell = tell
        self._scores: dict[tuple[str, ...], PublishedScore] = {}
        self._before: dict[tuple[str, ...], Score] = {}
        self._sources = frozenset(Source.objects.values_list("pk", flat=True))
        self._current: PublishedScore | None = None

    @classmethod
    def get_display_name(cls) -> str:
        return "published scores"

    def before_import(self, dataset: tablib.Dataset, **options: Any) -> None:
        if left_out := getattr(dataset, "left_out", ()):
            more = f" and {len(left_out) - NAMED_AT_MOST} more" if len(left_out) > NAMED_AT_MOST else ""
            self._tell(
                f"Left out, because the catalogue has no such score: {', '.join(left_out[:NAMED_AT_MOST])}{more}."
            )
        self._before = published.stored({row["source"] or self._filled["source"] for row in dataset.dict})

    def before_import_row(self, row: dict[str, Any], **options: Any) -> None:
        for name, value in self._filled.items():
            row[name] = row.get(name) or value
        try:
            score = published_score(row)
            if score.identity in self._scores:
                raise RecipeError("The same score is in the file twice.")
            published.check_source(score.source, self._sources)
        except RecipeError as error:
            raise ValidationError(str(error)) from error
        self._scores[score.identity] = self._current = score

    def get_instance(self, instance_loader: Any, row: dict[str, Any]) -> Draft | None:
        before = self._before.get(self._current.identity)
        return Draft(**{**vars(self._current), **_said(before)}) if before else None

    def init_instance(self, row: dict[str, Any] | None = None) -> Draft:
        return Draft(**dict.fromkeys(COLUMNS))

    def import_instance(self, instance: Draft, row: dict[str, Any], **options: Any) -> None:
        vars(instance).update(vars(self._current))
        if before := self._before.get(self._current.identity):
            # A file that says nothing of the status leaves it.
            instance.status = _said(before)["status"]

    def validate_instance(self, instance: Draft, *args: Any, **options: Any) -> None:
        """The row was checked before it became one."""

    def save_instance(self, instance: Draft, is_create: bool, row: dict[str, Any], **options: Any) -> None:  # noqa: FBT001
        """All are stored together, in `after_import`."""

    def skip_row(self, instance: Draft, original: Draft, *args: Any, **options: Any) -> bool:
        return vars(instance) == vars(original)

    def after_import(self, dataset: tablib.Dataset, result: Result, **options: Any) -> None:
        if not result.has_errors() and not result.has_validation_errors():
            published.load(list(self._scores.values()))

    def get_diff_class(self) -> type[Diff]:
        return PlainDiff

    def get_error_result_class(self) -> type[Error]:
        return PlainError


for _name in COLUMNS:
    PublishedScoreResource.fields[_name] = Field(attribute=_name, column_name=_name)


def file_format(kind: Format) -> type[FileFormat]:
    """import-export's face of one of FORMATS."""

    class Readable(FileFormat):
        def __init__(self, encoding: str | None = None) -> None:
            self.encoding = encoding or "utf-8-sig"

        def get_title(self) -> str:
            return kind.title

        def create_dataset(self, in_stream: bytes | str) -> tablib.Dataset:
            try:
                text = in_stream.decode(self.encoding) if isinstance(in_stream, bytes) else in_stream
                reading = kind.read(text, "The file")
            except UnicodeDecodeError:
                raise RecipeError("The file is not text in UTF-8.") from None
            if not reading.rows:
                raise RecipeError("The file has no score of a task of this catalogue.")
            dataset = tablib.Dataset(headers=COLUMNS)
            for row in reading.rows:
                dataset.append([row.get(name) or "" for name in COLUMNS])
            dataset.left_out = reading.left_out
            return dataset

        def is_binary(self) -> bool:
            return True

        def can_import(self) -> bool:
            return True

    return Readable


class _WhereFrom(forms.Form):
    """What a file may leave open: the source, and the system that was measured."""

    source = forms.ModelChoiceField(
        Source.objects.all(), required=False, help_text="For rows without a source. Add the source first."
    )
    system = forms.CharField(
        required=False, max_length=200, help_text="For rows without a system: MTEB's results do not name the model."
    )


class PublishedImportForm(_WhereFrom, ImportForm):
    """The file, its kind, and where it comes from."""

    field_order = ["source", "system", "format", "import_file"]

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > LARGEST_MIB * 2**20:
            raise ValidationError(f"The file has {file.size / 2**20:.0f} MiB; at most {LARGEST_MIB} are taken.")
        return file


class PublishedConfirmForm(ConfirmImportForm):
    """The second step, with the same values."""

    source = forms.ModelChoiceField(Source.objects.all(), required=False, widget=forms.HiddenInput)
    system = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)


class PublishedImportMixin(ImportMixin):
    """The import's two pages: the first shows what a file would change, the second stores it."""

    resource_classes = [PublishedScoreResource]
    import_form_class = PublishedImportForm
    confirm_form_class = PublishedConfirmForm

    def get_import_formats(self) -> list[type[FileFormat]]:
        return [file_format(kind) for kind in FORMATS.values()]

    def has_import_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("leaderboard.add_publication")

    def get_confirm_form_initial(self, request: HttpRequest, import_form: PublishedImportForm | None) -> dict[str, Any]:
        initial = super().get_confirm_form_initial(request, import_form)
        if import_form:
            initial |= {"source": import_form.cleaned_data["source"], "system": import_form.cleaned_data["system"]}
        return initial

    def get_import_resource_kwargs(self, request: HttpRequest, **options: Any) -> dict[str, Any]:
        form = options.get("form")
        data = getattr(form, "cleaned_data", None) or {}
        source = data.get("source")
        return {
            "source": source.pk if source else "",
            "system": data.get("system") or "",
            "tell": lambda sentence: messages.info(request, sentence),
        }

    def add_data_read_fail_error_to_form(self, form: PublishedImportForm, e: Exception) -> None:
        if not isinstance(e, RecipeError):
            raise e
        form.add_error("import_file", str(e))

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        """What was right in the preview may be wrong by now: then nothing is stored, and the first reason is said."""
        errors = [str(error.error) for error in result.base_errors]
        errors += [str(error.error) for _, row in result.row_errors() for error in row]
        errors += [" ".join(row.error.messages) for row in result.invalid_rows]
        if not errors:
            return super().process_result(result, request)
        messages.error(request, f"Nothing was stored. {errors[0]}")
        return HttpResponseRedirect(reverse("admin:leaderboard_publication_changelist"))

    def get_import_data_kwargs(self, **options: Any) -> dict[str, Any]:
        return {**super().get_import_data_kwargs(**options), "rollback_on_validation_errors": True}

    def generate_log_entries(self, result: Result, request: HttpRequest) -> None:
        """One entry for each source that got scores: a row for each would bury everything else."""
        sources = {row.instance.source for row in result if row.import_type in ("new", "update")}
        for source in Source.objects.filter(pk__in=sources):
            self.log_change(
                request, source, f"Imported scores: {result.totals['new']} new, {result.totals['update']} changed."
            )
