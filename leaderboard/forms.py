"""The forms of the admin: submitting a study, and describing an encoder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms.boundfield import BoundField

from leaderboard.models import Encoder, Stage, Study
from leaderboard.services import encoders
from leaderboard.services.submission_checks import (
    MAX_SEED,
    MAX_SEEDS,
    POOLINGS,
    PRECISIONS,
    Submission,
    not_runnable,
)
from runner.errors import RecipeError
from runner.recipes import Evaluation, Method, PhaseSettings
from runner.tasks import registry
from runner.tasks.kinds import Role, TaskSpec

METHODS = (
    (Method.BASELINE, "Baseline: the encoder fine-tuned without an intermediate task"),
    (Method.INTERMEDIATE, "Intermediate task: one recipe for each task chosen below"),
    (Method.MULTI_TASK, "Multi-task: one recipe with all tasks chosen below at once"),
)
DEFAULTS = PhaseSettings()
TARGET_PARTS = ("split", "languages", "limit")


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

    def settings(self) -> PhaseSettings:
        return PhaseSettings(**self.cleaned_data)


class SubmissionForm(forms.Form):
    """A study: encoder, methods, tasks, languages, seeds, limits, and the settings of both phases.

    `intermediate` and `target` are forms of their own. Every target task has a checkbox, a split, and its own
    languages and limit, which go before those of the whole study.
    """

    name = forms.CharField(max_length=Study._meta.get_field("name").max_length)
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    encoder = forms.ModelChoiceField(Encoder.objects.none(), empty_label=None)
    methods = forms.MultipleChoiceField(
        choices=METHODS, widget=forms.CheckboxSelectMultiple, initial=[Method.BASELINE, Method.INTERMEDIATE]
    )
    intermediate_tasks = forms.MultipleChoiceField(choices=[], required=False, widget=forms.CheckboxSelectMultiple)
    mixture_cap = forms.IntegerField(
        required=False,
        min_value=1,
        help_text="Multi-task only: tasks are drawn in proportion to min(examples, cap). Empty: no cap.",
    )
    languages = forms.CharField(
        required=False,
        help_text="Codes, such as “de, sw, th”, or all but some: “-th”; each task takes those that it covers. "
        "Empty: all languages.",
    )
    seeds = forms.CharField(initial="1", help_text="Such as “1 2 3” or “1-5”: one run for each recipe and seed.")
    evaluation_limit = forms.IntegerField(
        label="Items per language",
        required=False,
        min_value=1,
        help_text="At most so many, the first of each language, for small trials. Part of the protocol. Empty: all.",
    )
    layer = forms.IntegerField(
        label="Retrieval layer",
        required=False,
        min_value=0,
        help_text="0 is the embeddings. Empty: the relative depth that XTREME reads (14 of 24 layers).",
    )
    pooling = forms.ChoiceField(label="Retrieval pooling", choices=[(name, name) for name in POOLINGS])
    evaluation_precision = forms.ChoiceField(choices=[(name, name) for name in PRECISIONS])
    lane = forms.ChoiceField(
        label="Workers",
        choices=[(Stage.Lane.GPU, "GPU"), (Stage.Lane.CPU, "CPU")],
        help_text="Which workers take the stages; what is known to be small goes to those for short work.",
    )
    priority = forms.TypedChoiceField(choices=Stage.Priority.choices, coerce=int, initial=Stage.Priority.NORMAL)

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None, **options: Any) -> None:
        """`initial` may hold dictionaries `intermediate` and `target`, for the forms of the phases."""
        phases = {name: (initial or {}).get(name) for name in ("intermediate", "target")}
        super().__init__(data, initial=initial, **options)
        self.fields["encoder"].queryset = Encoder.objects.all()
        self.fields["intermediate_tasks"].choices = [
            (spec.slug, _label(spec)) for spec in registry.tasks(Role.INTERMEDIATE) if not any(not_runnable(spec))
        ]
        self.targets = [spec for spec in registry.tasks(Role.TARGET) if not any(not_runnable(spec))]
        self.waiting = [spec.title for spec in registry.TASKS.values() if any(not_runnable(spec))]
        for spec in self.targets:
            splits = [(split, split) for split in ("test", "validation") if split in spec.splits]
            self.fields[f"target-{spec.slug}"] = forms.BooleanField(label=spec.title, required=False)
            self.fields[f"split-{spec.slug}"] = forms.ChoiceField(label=f"Split of {spec.title}", choices=splits)
            self.fields[f"languages-{spec.slug}"] = forms.CharField(
                label=f"Languages of {spec.title}", required=False, widget=forms.TextInput(attrs={"size": 18})
            )
            self.fields[f"limit-{spec.slug}"] = forms.IntegerField(
                label=f"Items per language of {spec.title}", required=False, min_value=1
            )
        self.intermediate = PhaseForm(data, prefix="intermediate", initial=phases["intermediate"])
        self.target = PhaseForm(data, prefix="target", initial=phases["target"])

    def is_valid(self) -> bool:
        # All three, so that all errors show at once.
        return all([super().is_valid(), self.intermediate.is_valid(), self.target.is_valid()])

    def target_rows(self) -> Iterator[tuple[TaskSpec, BoundField, list[BoundField]]]:
        """For the template: a task, its checkbox, and its split, languages and limit."""
        for spec in self.targets:
            yield spec, self[f"target-{spec.slug}"], [self[f"{part}-{spec.slug}"] for part in TARGET_PARTS]

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if Study.objects.filter(name=name).exists():
            raise forms.ValidationError(f"There is a study “{name}” already: choose another name.")
        return name

    def clean_encoder(self) -> Encoder:
        encoder = self.cleaned_data["encoder"]
        if not encoder.revision:
            raise forms.ValidationError(f"{encoder} has no revision: give it the hub's commit first.")
        return encoder

    def clean_seeds(self) -> tuple[int, ...]:
        return parse_seeds(self.cleaned_data["seeds"])

    def clean(self) -> dict[str, Any]:
        self._check_methods()
        self._check_layer()
        chosen = [spec for spec in self.targets if self.cleaned_data.get(f"target-{spec.slug}")]
        if not chosen:
            self.add_error(None, "Choose at least one target task.")
        self.evaluations = tuple(self._evaluation(spec) for spec in chosen)
        return self.cleaned_data

    def _check_methods(self) -> None:
        methods = self.cleaned_data.get("methods", [])
        tasks = self.cleaned_data.get("intermediate_tasks", [])
        if methods == [Method.BASELINE] and tasks:
            self.add_error("methods", "The baseline has no intermediate task: choose another method too, or no task.")
        if Method.INTERMEDIATE in methods and not tasks:
            self.add_error("intermediate_tasks", "The method “intermediate task” needs at least one of these.")
        if Method.MULTI_TASK in methods and len(tasks) < 2:
            self.add_error("intermediate_tasks", f"The method “multi-task” needs two or more, found {len(tasks)}.")

    def _check_layer(self) -> None:
        layer, encoder = self.cleaned_data.get("layer"), self.cleaned_data.get("encoder")
        if layer is not None and encoder and layer > encoder.layers:
            self.add_error("layer", f"{encoder} has layers 0 to {encoder.layers}, found {layer}.")

    def _languages(self, spec: TaskSpec) -> tuple[str, ...]:
        """The task's languages that are wanted, by its own field or else by that of the study."""
        own = f"languages-{spec.slug}"
        field = own if self.cleaned_data.get(own) else "languages"
        text = self.cleaned_data.get(field, "")
        try:
            languages = choose_languages(text, spec.languages)
        except forms.ValidationError as error:
            # The study's own field is read once per task, and its error belongs there once.
            if error.messages[0] not in self.errors.get(field, []):
                self.add_error(field, error)
            return ()
        if not languages:
            covered = ", ".join(spec.languages)
            self.add_error(f"target-{spec.slug}", f"{spec.title} has none of {text}: it has {covered}.")
        return languages

    def _evaluation(self, spec: TaskSpec) -> Evaluation:
        return Evaluation(
            task=spec.slug,
            split=self.cleaned_data.get(f"split-{spec.slug}", ""),
            languages=self._languages(spec),
            limit=self.cleaned_data.get(f"limit-{spec.slug}") or self.cleaned_data.get("evaluation_limit"),
            layer=self.cleaned_data.get("layer"),
            pooling=self.cleaned_data.get("pooling", ""),
            precision=self.cleaned_data.get("evaluation_precision", ""),
        )

    def submission(self) -> Submission:
        """What was asked for; only after `is_valid`."""
        data = self.cleaned_data
        return Submission(
            name=data["name"],
            note=data["note"],
            encoder=data["encoder"].slug,
            methods=tuple(Method(value) for value in data["methods"]),
            intermediate_tasks=tuple(data["intermediate_tasks"]),
            evaluations=self.evaluations,
            seeds=data["seeds"],
            intermediate=self.intermediate.settings(),
            target=self.target.settings(),
            mixture_cap=data["mixture_cap"],
            priority=data["priority"],
            lane=data["lane"],
        )


def parse_seeds(text: str) -> tuple[int, ...]:
    """`1 2 3`, `1,2,3` and `1-5`, also mixed; each seed once, in the order given."""
    seeds: dict[int, None] = {}
    for part in re.split(r"[\s,;]+", text.strip()):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part, re.ASCII)
        if not match:
            raise forms.ValidationError(f"Seeds are whole numbers, such as “1 2 3” or “1-5”; found “{part}”.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last > MAX_SEED:
            raise forms.ValidationError(f"A seed is between 0 and {MAX_SEED}, a range goes upwards; found “{part}”.")
        if last - first >= MAX_SEEDS or len(seeds.keys() | set(range(first, last + 1))) > MAX_SEEDS:
            raise forms.ValidationError(f"A study has at most {MAX_SEEDS} seeds.")
        seeds |= dict.fromkeys(range(first, last + 1))
    return tuple(seeds)


def choose_languages(text: str, covered: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `covered` that `text` names (`de, sw`), or all but those (`-th, -yo`), or all where it is empty."""
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    named = {_language(part.removeprefix("-")) for part in parts}
    without = [part.startswith("-") for part in parts]
    if any(without) and not all(without):
        raise forms.ValidationError(
            f"Name languages to take or, each with “-”, languages to leave out; found “{text}”."
        )
    if not parts:
        return covered
    return tuple(code for code in covered if (code in named) != all(without))


def _language(code: str) -> str:
    try:
        return registry.language(code.lower()).code
    except RecipeError as error:
        raise forms.ValidationError(str(error)) from error


def _label(spec: TaskSpec) -> str:
    return (
        f"{spec.title} (stands in for {registry.task(spec.stands_in_for).title})" if spec.stands_in_for else spec.title
    )


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
