"""The catalogue as a specification: which tasks, languages and data XTREME and the paper have."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from runner.errors import RecipeError
from runner.tasks import intermediate, stand_ins, xtreme
from runner.tasks.encoders import BLANK, ENCODERS
from runner.tasks.kinds import Kind, Role, Suite, TaskSpec
from runner.tasks.languages import POCKET_LANGUAGES, low_resource_by_class, low_resource_by_size
from runner.tasks.languages import XTREME_LANGUAGES as LANGUAGES
from runner.tasks.registry import TASKS, CatalogueError, build, cells, language, task, tasks
from runner.tasks.revisions import REVISIONS

EVERY_TASK = pytest.mark.parametrize("spec", TASKS.values(), ids=TASKS)

# evaluate.py of XTREME, commit 838c13b: the number of languages of each task.
LANGUAGES_PER_TARGET = {
    "xnli": 15,
    "paws_x": 7,
    "udpos": 33,
    "panx": 40,
    "xquad": 11,
    "mlqa": 7,
    "tydiqa": 9,
    "bucc2018": 4,
    "tatoeba": 36,
}

# The tasks of each language, as XTREME's overview of languages counts them.
TASKS_PER_LANGUAGE = {
    **dict.fromkeys(["de", "zh"], 8),
    **dict.fromkeys(["ar", "en", "es", "ru"], 7),
    **dict.fromkeys(["fr", "hi", "vi"], 6),
    **dict.fromkeys(["el", "ko", "th", "tr"], 5),
    **dict.fromkeys(["bg", "fi", "id", "ja", "sw", "te", "ur"], 4),
    **dict.fromkeys(["af", "bn", "et", "eu", "fa", "he", "hu", "it", "kk", "mr", "nl", "pt", "ta", "tl"], 3),
    **dict.fromkeys(["jv", "ka", "ml", "yo"], 2),
    **dict.fromkeys(["ms", "my"], 1),
}


OPEN_TAG_SETS = {"ccg", "ccg_pmb", "pocket_supertags"}


class TestLanguages:
    def test_there_are_forty_and_all_are_complete(self):
        assert len(LANGUAGES) == 40
        for code, row in LANGUAGES.items():
            assert row.code == code
            assert re.fullmatch(r"[a-z]{2}", code)
            assert row.name
            assert row.family
            assert re.fullmatch(r"[A-Z][a-z]{3}", row.script), code
            assert row.resource_class in range(6)
            assert (row.cc100_gib is None) == (row.cc100_tokens is None), code

    def test_names_are_unique(self):
        assert len({row.name for row in LANGUAGES.values()}) == 40

    def test_only_yoruba_is_unknown_to_xlm_r(self):
        assert [code for code, row in LANGUAGES.items() if row.cc100_gib is None] == ["yo"]

    def test_burmese_is_the_sum_of_its_two_rows(self):
        assert (LANGUAGES["my"].cc100_gib, LANGUAGES["my"].cc100_tokens) == (2.0, 71)

    def test_low_resource_by_joshi_class(self):
        assert set(low_resource_by_class()) == {"jv", "ml", "my", "te", "mr", "sw", "yo"}
        assert len(low_resource_by_class()) == 7

    def test_low_resource_by_size_of_pretraining_data(self):
        assert set(low_resource_by_size()) == {"yo", "jv", "my", "af", "sw", "eu", "mr", "tl", "te"}
        assert len(low_resource_by_size()) == 9

    def test_every_language_of_xtreme_is_in_the_tasks_that_its_overview_lists(self):
        found = {code: sum(code == other for _, other in cells()) for code in LANGUAGES}
        assert found == TASKS_PER_LANGUAGE

    def test_pocket_languages_are_none_of_xtremes(self):
        assert not set(POCKET_LANGUAGES) & set(LANGUAGES)
        assert not {row.name for row in POCKET_LANGUAGES.values()} & {row.name for row in LANGUAGES.values()}
        # ISO 639-2 reserves qaa to qtz for local use.
        assert all(re.fullmatch(r"q[a-t][a-z]", code) for code in POCKET_LANGUAGES)
        assert all(set(spec.languages) <= set(POCKET_LANGUAGES) for spec in tasks(suite=Suite.POCKET))
        assert all(not set(spec.languages) & set(POCKET_LANGUAGES) for spec in tasks() if spec.suite != Suite.POCKET)


class TestTasks:
    def test_nine_intermediate_tasks(self):
        assert [spec.slug for spec in tasks(Role.INTERMEDIATE, Suite.XTREME)] == [
            "anli_plus",
            "mnli",
            "qqp",
            "squad_v2",
            "squad_v1",
            "hellaswag",
            "ccg",
            "cosmos_qa",
            "commonsense_qa",
        ]
        intermediate = list(tasks(Role.INTERMEDIATE))
        assert all(spec.languages == (spec.pivot,) for spec in intermediate)
        assert {spec.pivot for spec in intermediate if spec.suite is not Suite.POCKET} == {"en"}

    def test_nine_targets_and_162_cells(self):
        found = {spec.slug: len(spec.languages) for spec in tasks(Role.TARGET, Suite.XTREME)}
        assert found == LANGUAGES_PER_TARGET
        assert len(cells()) == len(set(cells())) == 162

    def test_anli_plus_is_a_mixture_of_three_tasks_with_the_same_labels(self):
        spec = task("anli_plus")
        parts = [task(slug) for slug in spec.mixture]
        assert [part.slug for part in parts] == ["snli", "mnli", "anli"]
        assert spec.sizes["train"] == sum(part.sizes["train"] for part in parts)
        assert [part.role for part in parts] == [Role.DIAGNOSTIC, Role.INTERMEDIATE, Role.DIAGNOSTIC]
        assert spec.trained_on == "anli_plus"

    def test_anli_reads_its_three_rounds_as_one_split(self):
        assert task("anli").splits["train"].parts == ("train_r1", "train_r2", "train_r3")

    @pytest.mark.parametrize(
        ("target", "trainer"),
        [
            ("xnli", "mnli"),
            ("paws_x", "paws_x"),
            ("udpos", "udpos"),
            ("panx", "panx"),
            ("xquad", "squad_v1"),
            ("mlqa", "squad_v1"),
            ("tydiqa", "tydiqa"),
            ("bucc2018", None),
            ("tatoeba", None),
            ("xnli_cad", "nli_cad"),
        ],
    )
    def test_what_a_target_is_fine_tuned_on(self, target, trainer):
        assert task(target).trained_on == trainer

    def test_targets_that_share_a_trainer_take_its_hyper_parameters(self):
        for spec in tasks(Role.TARGET):
            if spec.trained_on:
                assert spec.training == task(spec.trained_on).training, spec.slug

    def test_the_published_epochs(self):
        found = {spec.slug: spec.training.epochs for spec in tasks(Role.TARGET, Suite.XTREME)}
        assert found == {
            "xnli": 2,
            "paws_x": 5,
            "udpos": 10,
            "panx": 10,
            "xquad": 2,
            "mlqa": 2,
            "tydiqa": 2,
            "bucc2018": 0,
            "tatoeba": 0,
        }

    def test_question_answering_counts_as_the_mean_of_f1_and_exact_match(self):
        for spec in TASKS.values():
            if spec.kind is Kind.SPAN:
                assert spec.headline_metrics == ("f1", "exact_match"), spec.slug
            else:
                # Text for MLM is trained on and never scored.
                assert spec.headline_metrics == ((spec.headline,) if spec.role is not Role.AUXILIARY else ()), spec.slug

    @EVERY_TASK
    def test_licence_and_citation_are_given(self, spec: TaskSpec):
        assert spec.licence
        own = spec.slug == "local_text" or spec.suite is Suite.POCKET
        assert own or re.search(r"\b20\d\d\b", spec.citation), "a citation has a year"

    @EVERY_TASK
    def test_it_fits_the_catalogue_s_columns_in_the_database(self, spec: TaskSpec):
        assert re.fullmatch(r"[a-z0-9_]{1,40}", spec.slug)
        assert len(spec.title) <= 120
        assert len(spec.licence) <= 200

    @EVERY_TASK
    def test_labels_are_there_where_the_kind_has_a_closed_set(self, spec: TaskSpec):
        if spec.kind in {Kind.SENTENCE_PAIR, Kind.MULTIPLE_CHOICE}:
            assert len(spec.labels) >= 2
        elif spec.kind is Kind.TAGGING:
            assert bool(spec.labels) == (spec.slug not in OPEN_TAG_SETS)
        else:
            assert spec.labels == ()
        assert len(set(spec.labels)) == len(spec.labels)

    def test_stand_ins_say_what_they_stand_in_for(self):
        specs = list(tasks(suite=Suite.STAND_IN))
        assert {spec.slug: spec.stands_in_for for spec in specs} == {
            "ccg_pmb": "ccg",
            "nli_cad": "mnli",
            "mrpc": "qqp",
            "commonsense_qa_3": "commonsense_qa",
            "squad_subset": "squad_v1",
            "xnli_cad": "xnli",
            "paws_x_mrpc": "paws_x",
            "xquad_sample": "xquad",
            "mlqa_sample": "mlqa",
            "tydiqa_ko_sw": "tydiqa",
            "ntrex": "wikipedia",
            "local_text": "wikipedia",
        }
        # Those that share the original's test data say what they are trained on instead.
        assert all(
            spec.note.startswith("Stands in for") or " after training on " in spec.note for spec in stand_ins.TASKS
        )
        assert {spec.suite for spec in stand_ins.TASKS} == {Suite.STAND_IN}
        assert all(not spec.stands_in_for for spec in (*intermediate.TASKS, *xtreme.TASKS))

    def test_xnli_cad_is_evaluated_exactly_as_xnli(self):
        ours, original = task("xnli_cad"), task("xnli")
        assert (ours.splits, ours.languages, ours.labels) == (original.splits, original.languages, original.labels)


class TestEncoders:
    def test_xlm_r_in_two_sizes(self):
        assert {slug: encoder.layers for slug, encoder in ENCODERS.items()} == {
            "xlm-roberta-base": 12,
            "xlm-roberta-large": 24,
            "pocket": 2,
        }

    def test_each_is_pinned_and_says_what_to_cite(self):
        for encoder in ENCODERS.values():
            assert encoder.licence
            if encoder.location == BLANK:
                continue
            assert encoder.revision == REVISIONS[encoder.location]
            assert "Conneau" in encoder.citation

    def test_only_a_blank_encoder_is_pretrained_here(self):
        assert [slug for slug, encoder in ENCODERS.items() if encoder.pretraining] == ["pocket"]
        assert ENCODERS["pocket"].location == BLANK
        assert ENCODERS["pocket"].pretraining.text in TASKS


class TestUnknownNames:
    def test_a_task_that_is_nearly_there(self):
        with pytest.raises(RecipeError, match=r"^There is no task 'xnly'\. Did you mean xnli\?$"):
            task("xnly")

    def test_a_task_like_nothing_there(self):
        with pytest.raises(
            RecipeError, match=r"^There is no task '!!'\. Known are anli, anli_plus, bucc2018, .*xquad, xquad_sample\.$"
        ):
            task("!!")

    def test_a_language_by_its_name(self):
        with pytest.raises(RecipeError, match=r"^There is no language 'Swahili'\. Did you mean sw\?$"):
            language("Swahili")

    def test_a_language_like_nothing_there(self):
        with pytest.raises(RecipeError, match=r"^There is no language '12'\. Known are af, ar, bg, .*yo, zh\.$"):
            language("12")

    def test_known_names_are_found(self):
        assert task("xnli").title == "XNLI"
        assert language("sw").name == "Swahili"


def refusal(*specs: TaskSpec) -> str:
    with pytest.raises(CatalogueError) as caught:
        build(specs, LANGUAGES)
    return str(caught.value)


class TestRefusals:
    mnli = TASKS["mnli"]
    xnli = TASKS["xnli"]

    def test_two_tasks_of_one_name(self):
        assert refusal(self.mnli, self.mnli) == "Two tasks have the slug 'mnli'."

    def test_an_unknown_language(self):
        assert refusal(replace(self.mnli, languages=("en", "qq"))) == "Task 'mnli': unknown languages qq."

    def test_no_language(self):
        assert "unknown languages (none given)" in refusal(replace(self.mnli, languages=()))

    def test_a_language_named_twice(self):
        assert "a language is named twice" in refusal(replace(self.mnli, languages=("en", "en")))

    def test_a_headline_that_is_no_metric(self):
        assert "headline 'f1' is none of its metrics" in refusal(replace(self.mnli, headline="f1"))

    def test_a_composite_headline_without_its_metrics(self):
        found = refusal(replace(TASKS["squad_v1"], metrics=("f1",)))
        assert "headline 'f1_em' needs the metrics exact_match" in found

    def test_a_column_that_the_kind_needs(self):
        found = refusal(replace(self.mnli, columns={"first": "premise", "label": "label"}))
        assert found == "Task 'mnli': no column for second."

    def test_multiple_choice_about_nothing(self):
        found = refusal(replace(TASKS["hellaswag"], columns={"choices": "endings", "label": "label"}))
        assert "no column for context or question" in found

    def test_a_split_of_another_name(self):
        splits = {"train": self.mnli.splits["train"], "dev": self.mnli.splits["validation"]}
        assert "unknown splits dev" in refusal(replace(self.mnli, splits=splits))

    def test_a_task_without_data(self):
        assert "neither data nor a mixture" in refusal(replace(self.mnli, splits={}))

    def test_training_on_a_task_that_is_not_there(self):
        assert refusal(self.xnli) == "Task 'xnli': 'mnli' is not in the catalogue."

    def test_training_on_a_task_without_training_data(self):
        untrained = replace(self.mnli, splits={"validation": self.mnli.splits["validation"]})
        assert "'mnli' has no training data" in refusal(untrained, self.xnli)

    def test_training_on_a_task_with_other_labels(self):
        assert "'mnli' has another kind or other labels" in refusal(
            replace(self.mnli, labels=("0", "1", "2")), self.xnli
        )

    @pytest.mark.parametrize("field", ["licence", "citation"])
    def test_no_licence_or_no_citation(self, field):
        assert refusal(replace(self.mnli, **{field: " "})) == f"Task 'mnli': no {field}."

    def test_a_stand_in_for_nothing(self):
        assert "names the task that it stands in for" in refusal(replace(self.mnli, suite=Suite.STAND_IN))

    def test_pools_without_gold_pairs_or_names(self):
        bucc = task("bucc2018")
        only_test = {"test": bucc.pools["test"]}
        assert "pools of test, but gold pairs of validation, test" in refusal(replace(bucc, pools=only_test))
        assert "pools of test, but gold pairs of test" in refusal(
            replace(bucc, pools=only_test, splits={"test": bucc.splits["test"]})
        )
        nameless = {key: name for key, name in bucc.columns.items() if key != "target_id"}
        assert "no column for target_id" in refusal(replace(bucc, columns=nameless))

    def test_an_original_that_stands_in(self):
        assert "names the task that it stands in for" in refusal(replace(self.mnli, stands_in_for="mnli"))
