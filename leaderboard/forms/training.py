"""How training is set up: the hyper-parameters of a phase, the sampling of a mixture, and MLM."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from leaderboard.forms.parsing import choose_languages
from leaderboard.services.submission_checks import PRECISIONS, WITHOUT_PATIENCE
from leaderboard.services.submission_recipes import masked_problems
from runner.errors import RecipeError
from runner.recipes import PhaseSettings
from runner.spec import PIVOT, SAMPLING, MaskedWords, Sampling
from runner.tasks import registry
from runner.tasks.kinds import Role
from runner.tasks.languages import LANGUAGES

DEFAULTS = PhaseSettings()


class PhaseForm(forms.Form):
    """Hyper-parameters of one phase: a field for each field of `PhaseSettings`; the published defaults are set."""

    learning_rate = forms.FloatField(
        initial=DEFAULTS.learning_rate, validators=[MinValueValidator(1e-9), MaxValueValidator(1.0)]
    )
    epochs = forms.IntegerField(
        required=False, min_value=1, help_text="Empty: the task's own (XNLI 2, PAWS-X 5, POS and NER 10, questions 2)."
    )
    batch_size = forms.IntegerField(
        required=False, min_value=1, help_text="Examples per optimiser step. Empty: the task's own (32; questions 16)."
    )
    max_length = forms.IntegerField(
        required=False, min_value=8, help_text="Pieces. Empty: the task's own (256; questions 384)."
    )
    warmup = forms.FloatField(
        label="Warm-up", initial=DEFAULTS.warmup, min_value=0, max_value=1, help_text="Share of all steps, 0 to 1."
    )
    weight_decay = forms.FloatField(initial=DEFAULTS.weight_decay, min_value=0)
    max_grad_norm = forms.FloatField(
        label="Largest gradient norm", initial=DEFAULTS.max_grad_norm, validators=[MinValueValidator(1e-6)]
    )
    train_limit = forms.IntegerField(
        label="Training examples",
        required=False,
        min_value=1,
        help_text="At most so many per task, for small trials. Empty: all.",
    )
    precision = forms.ChoiceField(choices=[(name, name) for name in PRECISIONS], initial=DEFAULTS.precision)

    patience = forms.IntegerField(
        label="Patience",
        required=False,
        min_value=1,
        help_text="Early stopping: so many evaluations on English development data without a gain end the phase, and "
        "the best checkpoint is taken. Empty: no early stopping, the last one.",
    )
    evaluate_every = forms.IntegerField(
        required=False, min_value=1, help_text="Optimiser steps, with a patience only. Empty: four times a phase."
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("evaluate_every") and "patience" not in self.errors and data.get("patience") is None:
            self.add_error("evaluate_every", f"{WITHOUT_PATIENCE[0].upper()}{WITHOUT_PATIENCE[1:]}.")
        return data

    def settings(self) -> PhaseSettings:
        return PhaseSettings(**self.cleaned_data)


class OptionalForm(forms.Form):
    """Settings that are read only where something is chosen elsewhere; else they must stand as they were shown."""

    def __init__(self, data: Any = None, *, wanted: bool, **options: Any) -> None:
        super().__init__(data, empty_permitted=not wanted, use_required_attribute=False, **options)
        self.wanted = wanted

    @property
    def idle(self) -> bool:
        """Whether something was set that nothing would read."""
        return self.is_bound and not self.wanted and self.has_changed()


class SamplingForm(OptionalForm):
    """How the tasks of a mixture are drawn: a field for each field of `Sampling`."""

    strategy = forms.ChoiceField(
        choices=[(name, name) for name in SAMPLING],
        initial=Sampling.strategy,
        help_text="The task of each step is drawn in proportion to min(examples, cap), with a temperature to that to "
        "the power of 1/temperature, or uniformly: every task alike.",
    )
    cap = forms.IntegerField(required=False, min_value=1, help_text="Examples that count of each task. Empty: all.")
    temperature = forms.FloatField(
        required=False, help_text="With this strategy only: 1 is proportional, the higher the more uniform."
    )

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if not self.errors:
            try:
                self.settings()
            except RecipeError as error:
                self.add_error("temperature", str(error))
        return data

    def settings(self) -> Sampling:
        return Sampling(**self.cleaned_data)


class MaskedWordsForm(OptionalForm):
    """Multilingual MLM: a field for each field of `MaskedWords`."""

    text = forms.ChoiceField(choices=[])
    languages = forms.CharField(
        required=False,
        label="Languages of the text",
        help_text="Codes, such as “de, sw, th”, or all but some: “-th”. Empty: all languages of the text.",
    )
    share = forms.FloatField(initial=MaskedWords.share, label="Share of steps", help_text="Alone, MLM has all steps.")
    mask_rate = forms.FloatField(initial=MaskedWords.mask_rate, help_text="Share of the words that are predicted.")
    texts = forms.IntegerField(
        required=False,
        min_value=1,
        label="Texts per language",
        help_text="At most so many. Empty: all, which Wikipedia has too many for.",
    )

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        texts = list(registry.tasks(Role.AUXILIARY))
        self.fields["text"].choices = [(spec.slug, spec.title) for spec in texts]
        self.fields["text"].initial = texts[0].slug

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if "text" not in data:
            return data
        for name in ("share", "mask_rate"):
            # Each alone, so that what `MaskedWords` says of it stands at its field.
            try:
                MaskedWords(data["text"], (PIVOT,), **{name: data[name]} if name in data else {})
            except RecipeError as error:
                self.add_error(name, str(error))
        try:
            data["languages"] = self._languages(data["languages"], registry.task(data["text"]).languages)
            problems = [] if self.errors else list(masked_problems(self.settings()))
        except forms.ValidationError as error:
            self.add_error("languages", error)
        except RecipeError as error:  # no language is left
            self.add_error("languages", str(error))
        else:
            for problem in problems:
                self.add_error(problem.field, problem.sentence)
        return data

    def _languages(self, text: str, covered: tuple[str, ...]) -> tuple[str, ...]:
        # Languages that are named are taken as they are, so that one that the text lacks is not lost in silence.
        return choose_languages(text, covered if not text or "-" in text else tuple(LANGUAGES))

    def settings(self) -> MaskedWords:
        return MaskedWords(**self.cleaned_data)
