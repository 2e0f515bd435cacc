"""Where the catalogue says that data lies, and that what lies there is as it says."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from runner.tasks.encoders import ENCODERS
from runner.tasks.kinds import DataSplit, Role, Suite, TaskSpec
from runner.tasks.languages import XTREME_LANGUAGES as LANGUAGES
from runner.tasks.registry import TASKS, revision_of, task, tasks
from runner.tasks.revisions import REVISIONS

EVERY_TASK = pytest.mark.parametrize("spec", TASKS.values(), ids=TASKS)

UDPOS_CONFIGURATIONS = {
    *("udpos.Afrikaans", "udpos.Arabic", "udpos.Basque", "udpos.Bulgarian", "udpos.Chinese", "udpos.Dutch"),
    *("udpos.English", "udpos.Estonian", "udpos.Finnish", "udpos.French", "udpos.German", "udpos.Greek"),
    *("udpos.Hebrew", "udpos.Hindi", "udpos.Hungarian", "udpos.Indonesian", "udpos.Italian", "udpos.Japanese"),
    *("udpos.Kazakh", "udpos.Korean", "udpos.Marathi", "udpos.Persian", "udpos.Portuguese", "udpos.Russian"),
    *("udpos.Spanish", "udpos.Tagalog", "udpos.Tamil", "udpos.Telugu", "udpos.Thai", "udpos.Turkish"),
    *("udpos.Urdu", "udpos.Vietnamese", "udpos.Yoruba"),
}


class TestWhereDataLies:
    @EVERY_TASK
    def test_training_data_is_always_english(self, spec: TaskSpec):
        """But for text for MLM, and for translations."""
        if "train" in spec.splits and spec.role is not Role.AUXILIARY:
            train = spec.splits["train"]
            assert "{code}" not in train.config
            assert not train.language_prefix_column or train.code("en") == "english"

    def test_xnli_is_one_configuration_with_a_language_column(self):
        split = task("xnli").splits["test"]
        assert (split.dataset, split.config_for("sw"), split.language_column) == ("google/xtreme", "XNLI", "language")

    def test_mnli_is_validated_on_the_matched_half(self):
        assert task("mnli").splits["validation"].split == "validation_matched"

    def test_paws_x(self):
        splits = task("paws_x").splits
        assert splits["train"].config == "PAWS-X.en"
        assert [splits["test"].config_for(code) for code in ("de", "zh")] == ["PAWS-X.de", "PAWS-X.zh"]

    def test_udpos_is_named_in_english_words(self):
        spec = task("udpos")
        assert {spec.splits["test"].config_for(code) for code in spec.languages} == UDPOS_CONFIGURATIONS
        names = {code: LANGUAGES[code].name for code in spec.languages} | {"zh": "Chinese"}
        assert spec.splits["test"].codes == names
        assert spec.splits["train"].config == "udpos.English"

    def test_panx_covers_all_forty_by_their_own_codes(self):
        spec = task("panx")
        assert set(spec.languages) == set(LANGUAGES)
        assert {spec.splits["test"].config_for(code) for code in spec.languages} == {
            f"PAN-X.{code}" for code in LANGUAGES
        }

    @pytest.mark.parametrize("slug", ["xquad", "tatoeba"])
    def test_the_hub_s_validation_split_is_the_test_set(self, slug):
        assert task(slug).splits.keys() == {"test"}
        assert task(slug).splits["test"].split == "validation"

    def test_mlqa_has_context_and_question_in_one_language(self):
        assert task("mlqa").splits["test"].config_for("hi") == "MLQA.hi.hi"

    def test_tydiqa_is_told_apart_by_the_prefix_of_the_id(self):
        spec = task("tydiqa")
        test = spec.splits["test"]
        assert (test.config, test.split, test.language_prefix_column) == ("tydiqa", "validation", "id")
        assert {code: test.code(code) for code in spec.languages} == {
            code: LANGUAGES[code].name.lower() for code in spec.languages
        }

    def test_bucc_keeps_the_names_of_the_sentences(self):
        spec = task("bucc2018")
        assert spec.splits["test"].config_for("zh") == "bucc18.zh"
        assert (spec.columns["source_id"], spec.columns["target_id"]) == ("source_lang", "target_lang")

    def test_bucc_mines_the_pools_that_xtreme_renamed(self):
        """The shared task's sample data is XTREME's dev, its training data XTREME's test."""
        spec = task("bucc2018")
        assert spec.pools["validation"].config_for("zh") == "zh-en.dev"
        assert spec.pools["test"].config_for("zh") == "zh-en.test"
        assert {split.parts for split in spec.pools.values()} == {("source", "target")}
        assert "training data" in spec.pools["test"].origin
        assert [other.slug for other in TASKS.values() if other.pools] == ["bucc2018", "pocket_mining"]

    @pytest.mark.parametrize(
        ("code", "iso3"),
        [("sw", "swh"), ("zh", "cmn"), ("fa", "pes"), ("ar", "ara"), ("et", "est"), ("tl", "tgl"), ("el", "ell")],
    )
    def test_tatoeba_is_named_by_iso_639_3(self, code, iso3):
        assert task("tatoeba").splits["test"].config_for(code) == f"tatoeba.{iso3}"

    def test_tatoeba_lacks_four_of_the_forty(self):
        spec = task("tatoeba")
        assert set(LANGUAGES) - set(spec.languages) == {"en", "ms", "my", "yo"}
        codes = [spec.splits["test"].code(code) for code in spec.languages]
        assert len(set(codes)) == 36
        assert all(re.fullmatch(r"[a-z]{3}", code) for code in codes)

    def test_a_split_s_own_revision_comes_first(self):
        glue = DataSplit("nyu-mll/glue", "mnli", "train")
        assert revision_of(glue) == REVISIONS["nyu-mll/glue"]
        assert revision_of(replace(glue, revision="f" * 40)) == "f" * 40
        assert revision_of(DataSplit("ldc/ccgbank", "default", "train")) is None

    def test_every_data_set_of_xtreme_that_is_on_the_hub_is_pinned(self):
        originals = {split.dataset for spec in tasks(suite=Suite.XTREME) for split in spec.splits.values()}
        assert originals - REVISIONS.keys() == {"ldc/ccgbank"}

    def test_pinned_revisions_are_whole_commits(self):
        assert all(re.fullmatch(r"[0-9a-f]{40}", revision) for revision in REVISIONS.values())

    def test_every_pinned_revision_is_of_something_in_the_catalogue_or_named_by_it(self):
        used = {split.dataset for spec in TASKS.values() for split in spec.splits.values()}
        used |= {spec.translations.dataset for spec in TASKS.values()}
        used |= {encoder.location for encoder in ENCODERS.values()}
        named = " ".join(spec.note for spec in TASKS.values())
        assert [name for name in REVISIONS if name not in used and name not in named] == []


DATA_DIR = Path(os.environ.get("DATA_DIR") or Path(__file__).resolve().parents[3] / "shared" / "data")


def mirrored(spec: TaskSpec) -> dict[Path, tuple[DataSplit, str]]:
    """The files of the mirror that hold a split of `spec`, in any of its languages, with one such language's code."""
    files = {
        DATA_DIR / split.dataset / split.config_for(code) / f"{part}.parquet": (split, split.code(code))
        for split in spec.splits.values()
        for code in spec.languages
        for part in split.parts
    }
    return {file: place for file, place in files.items() if file.is_file()}


@pytest.mark.real_data
@pytest.mark.skipif(not DATA_DIR.is_dir(), reason="no local data mirror (DATA_DIR)")
class TestMirror:
    @EVERY_TASK
    def test_declared_columns_and_labels_are_those_of_the_data(self, spec: TaskSpec):
        parquet = pytest.importorskip("pyarrow.parquet")
        files = mirrored(spec)
        if not files:
            pytest.skip("nothing of this task is in the mirror")
        for file, (split, code) in files.items():
            names = [name.replace("{code}", code) for value in spec.columns.values() for name in value.split(",")]
            columns = set(parquet.read_schema(file).names)
            asked = {name.partition(".")[0] for name in names} | {split.language_column, split.language_prefix_column}
            assert asked - {""} <= columns, file
            for part in ("label", "tags"):
                if spec.labels and part in spec.columns:
                    values = parquet.read_table(file, columns=[spec.columns[part]]).column(0)
                    found = set(values.combine_chunks().flatten().to_pylist() if part == "tags" else values.to_pylist())
                    assert found <= {-1, *range(len(spec.labels)), *spec.labels}, file

    @pytest.mark.parametrize("slug", ["xnli", "tydiqa"])
    def test_all_languages_of_a_joint_configuration_are_found(self, slug):
        parquet = pytest.importorskip("pyarrow.parquet")
        spec = task(slug)
        # The mirror's copy of TyDiQA's test set has no answers, and another name.
        name = "test" if slug == "xnli" else "validation_no_answers"
        split = spec.splits["test"]
        file = DATA_DIR / split.dataset / split.config / f"{name}.parquet"
        if not file.is_file():
            pytest.skip(f"{name} is not in the mirror")
        column = split.language_column or split.language_prefix_column
        found = {value.partition("-")[0] for value in parquet.read_table(file, columns=[column]).column(0).to_pylist()}
        assert found == {split.code(code) for code in spec.languages}

    def test_parallel_tasks_have_as_many_rows_in_every_language(self):
        parquet = pytest.importorskip("pyarrow.parquet")
        spec = task("xquad")
        counts = {file: parquet.read_metadata(file).num_rows for file in mirrored(spec)}
        assert set(counts.values()) <= {spec.sizes["test"]}
