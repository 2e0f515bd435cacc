"""Uploading predictions."""

from __future__ import annotations

from django import forms

from leaderboard.models import Run, Upload
from leaderboard.services.uploads import SYSTEM_LENGTH, Offer


class UploadForm(forms.Form):
    """A zip of predictions, and what its sender says about the system that made them."""

    file = forms.FileField(
        label="Predictions",
        help_text="A zip in XTREME's submission layout: a folder for each task, such as xnli, with test-<language>.tsv "
        "(.json for question answering) for every language of the task.",
    )
    system = forms.CharField(max_length=SYSTEM_LENGTH, help_text="The name of the row, such as “XLM-R large, MNLI”.")
    link = forms.URLField(
        required=False,
        assume_scheme="https",
        max_length=Upload._meta.get_field("link").max_length,
        help_text="A paper or a page about the system.",
    )
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    corrects = forms.ModelChoiceField(
        Run.objects.none(),
        required=False,
        empty_label="none",
        help_text="An earlier upload that this one replaces: it is withdrawn, and stays on record.",
    )

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.fields["corrects"].queryset = Run.objects.on_board().filter(origin=Run.Origin.UPLOADED)

    def offer(self) -> Offer:
        """What was said; only after `is_valid`."""
        data = self.cleaned_data
        corrected = data["corrects"]
        return Offer(data["system"], data["note"], data["link"], corrected.pk if corrected else None)
