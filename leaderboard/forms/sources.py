"""Describing a source of published numbers, and saying that it was checked."""

from __future__ import annotations

from typing import Any

from django import forms

from leaderboard.models import Source, SourceStatus


class _HttpsField(forms.URLField):
    """An address that is written without a scheme is of the secure one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"assume_scheme": "https", **options})


class SourceForm(forms.ModelForm):
    """A source; its status and what it was checked against are for `leaderboard.services.checking` to store."""

    status = forms.ChoiceField(choices=SourceStatus.choices, initial=SourceStatus.UNVERIFIED)
    checked_against = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For a check: what was compared, such as the PDF with its table and version. All scores of the "
        "source become checked with it.",
    )

    class Meta:
        model = Source
        fields = ["key", "title", "url", "note"]
        field_classes = {"url": _HttpsField}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("status", "checked_against"):
            if self.instance.pk and name in self.fields:
                self.initial[name] = getattr(self.instance, name)

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("status") == SourceStatus.CHECKED and not data.get("checked_against", "").strip():
            self.add_error("checked_against", "A check says against what: the PDF, its table, its version.")
        return data
