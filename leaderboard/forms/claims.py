"""A claim and its conditions, as maintainers write them: in the admin, or in a file for `manage.py add_claim`."""

from __future__ import annotations

from typing import Any

from django import forms

from leaderboard.models import Claim, Condition
from leaderboard.services import claims
from leaderboard.standings.filters import FilterError, checked_languages
from runner.tasks.kinds import Suite


class ClaimForm(forms.ModelForm):
    class Meta:
        model = Claim
        fields = ["key", "statement", "published", "source", "reading", "position"]


class ConditionForm(forms.ModelForm):
    """A condition that can be tested: its tasks, suite and languages are those of the catalogue."""

    suite = forms.ChoiceField(choices=[(suite.value, suite.value) for suite in Suite], initial=Suite.XTREME.value)

    class Meta:
        model = Condition
        fields = [
            "position",
            "method",
            "variant",
            "intermediate",
            "against",
            "suite",
            "targets",
            "languages",
            "over",
            "quantifier",
            "margin",
        ]

    def clean_languages(self) -> str:
        try:
            return checked_languages(self.cleaned_data["languages"])
        except FilterError as error:
            near = f" Did you mean {', '.join(error.suggestions[:3])}?" if error.suggestions else ""
            raise forms.ValidationError(f"{error}{near}") from error

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.errors:
            return data
        for problem in claims.problems({name: value for name, value in data.items() if name not in ("id", "DELETE")}):
            self.add_error(problem.field, problem.sentence)
        return data
