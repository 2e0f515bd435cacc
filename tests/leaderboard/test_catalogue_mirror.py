"""The catalogue in the database equals the one in `runner.tasks`."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from leaderboard.models import Encoder, Language, Task
from leaderboard.services import catalogue
from runner.tasks import registry
from runner.tasks.encoders import ENCODERS
from runner.tasks.kinds import Role, Suite
from runner.tasks.languages import LANGUAGES, POCKET_LANGUAGES

pytestmark = pytest.mark.django_db

# One savepoint with: upsert languages, upsert tasks, read the links, insert encoders.
UNCHANGED_QUERIES = 6


def test_migrate_has_filled_it():
    assert set(Language.objects.values_list("code", flat=True)) == set(LANGUAGES)
    assert Language.objects.count() == 40 + len(POCKET_LANGUAGES)
    assert list(Task.objects.values_list("slug", flat=True)) == list(registry.TASKS)
    assert set(Encoder.objects.values_list("slug", flat=True)) == set(ENCODERS)


def test_xtreme_has_its_162_cells():
    targets = Task.objects.filter(suite=Suite.XTREME.value, role=Role.TARGET.value)
    assert targets.count() == 9
    assert sum(task.languages.count() for task in targets) == 162


@pytest.mark.parametrize("slug", sorted(registry.TASKS))
def test_a_row_says_what_the_literal_says(slug):
    spec, row = registry.TASKS[slug], Task.objects.get(slug=slug)
    assert (row.title, row.role, row.suite, row.kind) == (spec.title, spec.role, spec.suite, spec.kind)
    assert (row.group, row.headline, row.metrics) == (spec.group, spec.headline, list(spec.metrics))
    assert (row.trained_on, row.stands_in_for) == (spec.trained_on or "", spec.stands_in_for)
    assert set(row.languages.values_list("code", flat=True)) == set(spec.languages)


def test_a_second_time_changes_nothing_and_costs_little(django_assert_num_queries):
    before = list(Task.languages.through.objects.order_by("pk").values_list("pk", flat=True))
    with django_assert_num_queries(UNCHANGED_QUERIES):
        catalogue.mirror()
    assert list(Task.languages.through.objects.order_by("pk").values_list("pk", flat=True)) == before


def test_it_mends_what_was_changed_by_hand():
    slug = next(iter(registry.TASKS))
    Task.objects.filter(slug=slug).update(title="Something else")
    Task.objects.get(slug=slug).languages.set(["yo"])
    Language.objects.filter(code="de").update(name="Deutsch")

    catalogue.mirror()

    task = Task.objects.get(slug=slug)
    assert task.title == registry.TASKS[slug].title
    assert set(task.languages.values_list("code", flat=True)) == set(registry.TASKS[slug].languages)
    assert Language.objects.get(code="de").name == "German"


def test_it_keeps_a_maintainer_s_changes_to_an_encoder():
    Encoder.objects.filter(slug="xlm-roberta-base").update(note="Ours is on a slow disk.")
    catalogue.mirror()
    assert Encoder.objects.get(slug="xlm-roberta-base").note == "Ours is on a slow disk."


def test_it_keeps_a_task_that_left_the_catalogue():
    task = Task.objects.get(slug=next(iter(registry.TASKS)))
    task.slug = "retired"
    task.save()
    catalogue.mirror()
    assert Task.objects.filter(slug="retired").exists()


def test_nothing_is_mirrored_while_migrating_backwards():
    Task.objects.filter(slug="xnli").update(title="Something else")
    catalogue.mirror_after_migrate(using="default", plan=[("0001_initial", True)])
    assert Task.objects.get(slug="xnli").title == "Something else"


def test_migrate_mirrors():
    Task.objects.filter(slug="xnli").update(title="Something else")
    call_command("migrate", verbosity=0)
    assert Task.objects.get(slug="xnli").title == registry.TASKS["xnli"].title
