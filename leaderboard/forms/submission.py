"""Submitting a study: one form, with a form of its own for each phase, for sampling and for MLM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from leaderboard.forms.parsing import choose_languages, parse_seeds, parse_translations
from leaderboard.forms.training import MaskedWordsForm, PhaseForm, SamplingForm
from leaderboard.models import Encoder, Stage, Study
from leaderboard.services.submission_checks import NOTHING_TO_DO, POOLINGS, PRECISIONS
from leaderboard.services.submission_recipes import Submission, recipe_problems
from leaderboard.variants import Variant
from runner.recipes import Diagnosis, Evaluation, Method, parallel_texts
from runner.spec import NOISES, Noise
from runner.tasks import registry
from runner.tasks.kinds import Role, TaskSpec

METHODS = (
    (Method.BASELINE, "Baseline: the encoder fine-tuned without an intermediate task"),
    (Method.INTERMEDIATE, "Intermediate task: one recipe for each task chosen below"),
    (Method.MULTI_TASK, "Multi-task: one recipe with all tasks chosen below at once"),
    (Method.TRANSLATE_TRAIN, "Translate-train: no intermediate task; translated data of the target, as below"),
)
VARIANTS = (
    (Variant.PLAIN, "Plain: English data alone"),
    (Variant.MLM, "With MLM: multilingual text beside the tasks, as below; for the baseline, MLM alone"),
    (Variant.TRANSLATED, "With translated data: of the intermediate tasks, as below; not for the baseline"),
)
TARGET_PARTS = ("split", "languages", "limit")
PARTS = ("intermediate", "target", "sampling", "masked")


class SubmissionForm(forms.Form):
    """A study: encoder, methods in variants, tasks, languages, seeds, limits, and the settings of training.

    `intermediate`, `target`, `sampling` and `masked` are forms of their own. Every target task has a checkbox, a
    split, and its own languages and limit, which go before those of the whole study.
    """

    name = forms.CharField(max_length=Study._meta.get_field("name").max_length)
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))
    encoder = forms.ModelChoiceField(Encoder.objects.none(), empty_label=None)
    methods = forms.MultipleChoiceField(
        choices=METHODS, widget=forms.CheckboxSelectMultiple, initial=[Method.BASELINE, Method.INTERMEDIATE]
    )
    variants = forms.MultipleChoiceField(
        choices=VARIANTS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        initial=[Variant.PLAIN],
        help_text="Each variant of each method is a recipe of its own. Translate-train has none.",
    )
    intermediate_tasks = forms.MultipleChoiceField(choices=[], required=False, widget=forms.CheckboxSelectMultiple)
    translations = forms.CharField(
        label="Translated intermediate data",
        required=False,
        help_text="Languages of the variant “with translated data”. Recipes are separated by commas, the languages of "
        "one joined by “+”: “de, ru, sw” or “en+de+ru”.",
    )
    translate_train = forms.CharField(
        label="Translate-train",
        required=False,
        help_text="Languages of the method “translate-train”, in which the data of the target tasks is read; written "
        "in the same way.",
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
    noises = forms.MultipleChoiceField(
        label="Noise",
        choices=[(kind, f"{kind.capitalize()}: {meaning}") for kind, meaning in NOISES.items()],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Every target is evaluated again with each of these in its test data, as a protocol of its own. "
        "Not BUCC, which mines whole pools.",
    )
    noise_rate = forms.FloatField(
        label="Rate of noise (%)",
        required=False,
        min_value=0.1,
        max_value=100,
        initial=10,
        help_text="How many of the letters, marks or words that can be hit are hit.",
    )
    alignment = forms.MultipleChoiceField(
        label="Alignment on",
        choices=[],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Measure how well every layer aligns the languages with English, or the pocket suite's own base "
        "language, before and after the intermediate phase, on these parallel sentences. One forward pass per "
        "sentence; equal checkpoints are measured once.",
    )
    alignment_limit = forms.IntegerField(
        label="Pairs per language",
        required=False,
        min_value=2,
        initial=Diagnosis.limit,
        help_text="The first pairs of each language, for alignment. Retrieval gets harder the more there are. "
        "Empty: all.",
    )
    lane = forms.ChoiceField(
        label="Workers",
        choices=[(Stage.Lane.GPU, "GPU"), (Stage.Lane.CPU, "CPU")],
        help_text="Which workers take the stages; what is known to be small goes to those for short work.",
    )
    priority = forms.TypedChoiceField(choices=Stage.Priority.choices, coerce=int, initial=Stage.Priority.NORMAL)

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None, **options: Any) -> None:
        """`initial` may hold dictionaries `intermediate`, `target`, `sampling` and `masked`, for those forms."""
        super().__init__(data, initial=initial, **options)
        self.fields["encoder"].queryset = Encoder.objects.all()
        self.fields["intermediate_tasks"].choices = [
            (spec.slug, _label(spec)) for spec in registry.tasks(Role.INTERMEDIATE)
        ]
        self.fields["alignment"].choices = [(spec.slug, spec.title) for spec in parallel_texts()]
        self.targets = list(registry.tasks(Role.TARGET))
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
        methods, variants = self["methods"].value() or (), self["variants"].value() or ()
        given = {name: {"prefix": name, "initial": self.initial.get(name)} for name in PARTS}
        self.intermediate = PhaseForm(data, **given["intermediate"])
        self.target = PhaseForm(data, **given["target"])
        self.sampling = SamplingForm(data, **given["sampling"], wanted=Method.MULTI_TASK in methods)
        self.masked = MaskedWordsForm(data, **given["masked"], wanted=Variant.MLM in variants)
        self.parts = [self.intermediate, self.target, self.sampling, self.masked]

    def is_valid(self) -> bool:
        # All of them, so that all errors show at once.
        return all([super().is_valid(), *(part.is_valid() for part in self.parts)])

    @property
    def any_errors(self) -> bool:
        return any(form.errors for form in (self, *self.parts))

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

    def clean_translations(self) -> tuple[tuple[str, ...], ...]:
        return parse_translations(self.cleaned_data["translations"])

    def clean_translate_train(self) -> tuple[tuple[str, ...], ...]:
        return parse_translations(self.cleaned_data["translate_train"])

    def clean(self) -> dict[str, Any]:
        self._check_layer()
        chosen = [spec for spec in self.targets if self.cleaned_data.get(f"target-{spec.slug}")]
        if not chosen and not self.cleaned_data.get("alignment"):
            self.add_error(None, NOTHING_TO_DO)
        self.evaluations = tuple(self._evaluation(spec) for spec in chosen)
        self.diagnoses = tuple(self._diagnosis(slug) for slug in self.cleaned_data.get("alignment", ()))
        self._check_recipes()
        return self.cleaned_data

    def _check_recipes(self) -> None:
        """What the service would refuse, at its field; only where what it looks at could be read."""
        if self.masked.idle:
            self.add_error("variants", "MLM is described below: choose the variant “with MLM”, or leave it as it was.")
        if self.sampling.idle:
            self.add_error("methods", "Sampling is set below: choose the method “multi-task”, or leave it as it was.")
        if "methods" in self.errors or "variants" in self.errors:
            return
        # What could not be read says so already; that it is then missing is no news.
        said = {*self.errors, *(["masked"] if self.masked.errors else [])}
        for problem in recipe_problems(Submission(name="", encoder="", seeds=(), **self._recipe_fields())):
            if problem.field not in said:
                self.add_error(problem.field, problem.sentence)

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
            noises=() if spec.pools else self._noises(),
        )

    def _noises(self) -> tuple[Noise, ...]:
        rate = self.cleaned_data.get("noise_rate") or self.fields["noise_rate"].initial
        return tuple(Noise(kind, rate / 100) for kind in self.cleaned_data.get("noises", ()))

    def _diagnosis(self, slug: str) -> Diagnosis:
        """On all languages of the text, or on those of the study that it has."""
        text = registry.task(slug)
        try:
            languages = choose_languages(self.cleaned_data.get("languages", ""), text.languages)
        except forms.ValidationError as error:
            if error.messages[0] not in self.errors.get("languages", []):
                self.add_error("languages", error)
            return Diagnosis(slug)
        if not set(languages) - {text.pivot}:
            self.add_error("alignment", f"{text.title} has none of {self.cleaned_data['languages']}.")
        return Diagnosis(
            slug,
            () if languages == text.languages else languages,
            limit=self.cleaned_data.get("alignment_limit"),
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
            seeds=data["seeds"],
            intermediate=self.intermediate.settings(),
            target=self.target.settings(),
            sampling=self.sampling.settings(),
            priority=data["priority"],
            lane=data["lane"],
            **self._recipe_fields(),
        )

    def _recipe_fields(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "methods": tuple(Method(value) for value in data["methods"]),
            "variants": tuple(Variant(value) for value in data["variants"]),
            "intermediate_tasks": tuple(data.get("intermediate_tasks", ())),
            "masked": self.masked.settings() if self.masked.wanted and not self.masked.errors else None,
            "translations": data.get("translations", ()),
            "translate_train": data.get("translate_train", ()),
            "evaluations": self.evaluations,
            "diagnoses": self.diagnoses,
        }


def _label(spec: TaskSpec) -> str:
    return (
        f"{spec.title} (stands in for {registry.task(spec.stands_in_for).title})" if spec.stands_in_for else spec.title
    )
