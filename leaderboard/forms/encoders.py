"""Describing an encoder."""

from __future__ import annotations

from typing import Any

from django import forms

from leaderboard.models import Encoder
from leaderboard.services import encoders
from runner.errors import RecipeError


class EncoderForm(forms.ModelForm):
    """An encoder; for a folder, `layers` and `revision` are read from it where they are left empty."""

    class Meta:
        model = Encoder
        fields = ["slug", "title", "location", "revision", "layers", "licence", "note"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "layers" in self.fields:  # absent where it is read-only
            self.fields["layers"].required = False
            self.fields["layers"].help_text += " Empty for a folder: read from its config.json."

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if "location" in data:
            location = data["location"] = data["location"].strip()
            (self._clean_folder if encoders.is_folder(location) else self._clean_hub)(location)
        return data

    def _known(self, name: str) -> Any:
        """The value as entered, or the row's own where the field is read-only."""
        return self.cleaned_data.get(name) if name in self.fields else getattr(self.instance, name)

    def _clean_folder(self, location: str) -> None:
        try:
            found = encoders.read_folder(location)
        except RecipeError as error:
            self.add_error("location", str(error))
            return
        for name, right in (("revision", found.revision), ("layers", found.layers)):
            given = self._known(name)
            if given and given != right:
                field = name if name in self.fields else "location"
                self.add_error(
                    field, f"The folder's {name} is {right}, found {given}: leave it empty to take the folder's."
                )
            elif name in self.fields:
                self.cleaned_data[name] = right

    def _clean_hub(self, location: str) -> None:
        if not encoders.HUB_ID.fullmatch(location):
            self.add_error("location", f"“{location}” is neither a folder that is here nor a hub id such as org/model.")
        revision = self._known("revision") or ""
        if not encoders.COMMIT.fullmatch(revision):
            found = f"found “{revision}”" if revision else "found nothing"
            field = "revision" if "revision" in self.fields else "location"
            self.add_error(field, f"A hub id needs the commit to read, 40 hexadecimal digits; {found}.")
        if self._known("layers") is None and "layers" in self.fields and "layers" not in self.errors:
            self.add_error("layers", "A hub id needs its number of transformer layers, as its config.json has it.")
