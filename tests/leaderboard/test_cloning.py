"""Cloning: the submit form is filled as the run or the study was, so that sending it again changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from leaderboard.cloning import free_name, initial_of_run, initial_of_study
from leaderboard.forms import SubmissionForm
from leaderboard.models import Recipe, Run, Stage, Study
from tests import factories
from tests.leaderboard.test_admin import ADD, filled

pytestmark = pytest.mark.django_db

# Every method in every variant, mixed and masked in ways of their own, on targets of three kinds.
EVERYTHING = {
    "methods": ["baseline", "intermediate", "multi_task", "translate_train"],
    "variants": ["plain", "mlm", "translated"],
    "intermediate_tasks": ["nli_cad", "mrpc"],
    "translations": "de, en+sw",
    "translate_train": "de+ru",
    "sampling-strategy": "temperature",
    "sampling-temperature": "2.5",
    "sampling-cap": "700",
    "masked-text": "ntrex",
    "masked-languages": "de, sw, th",
    "masked-share": "0.25",
    "masked-texts": "40",
    "intermediate-patience": "3",
    "intermediate-evaluate_every": "50",
    "target-learning_rate": "3e-5",
    "target-udpos": None,
    "target-xnli_cad": "on",
    "languages-xnli_cad": "de, sw",
    "limit-xnli_cad": "20",
    "target-xquad_sample": "on",
    "target-tatoeba": None,
    "layer": "0",
    "noises": ["casing", "typos"],
    "noise_rate": "5",
    "alignment": ["xnli", "tatoeba"],
    "alignment_limit": "50",
    "seeds": "3-5",
    "lane": "cpu",
    "priority": "1",
}


def as_sent(form: SubmissionForm) -> dict[str, Any]:
    """What a browser sends of a form that nobody touched."""
    values = {}
    for part in (form, *form.parts):
        for bound in part:
            value = bound.value()
            if value is None and hasattr(bound.field, "choices") and not bound.field.widget.allow_multiple_selected:
                value = next(iter(bound.field.choices))[0]
            if value is not None and value is not False:
                values[bound.html_name] = value
    return values


def submitted(client, url: str = ADD, **changes: Any) -> Study:
    response = client.post(url, filled(**changes))
    assert response.status_code == 302, response.context["form"].errors
    return Study.objects.latest("created")


def test_it_works(admin_client) -> None:
    submitted(admin_client, **{"target-train_limit": "300", "limit-udpos": "20", "languages": "de, sw, en"})
    run = Run.objects.get(recipe__intermediate_tasks="nli_cad")
    url = f"{ADD}?run={run.pk}"
    values = as_sent(admin_client.get(url).context["form"])
    assert values["name"].endswith(", again")

    assert admin_client.post(url, values).status_code == 302

    assert (Recipe.objects.count(), Run.objects.count(), Study.objects.count()) == (3, 3, 2)
    assert set(Study.objects.latest("created").runs.all()) == {run}
    changed = {**values, "name": "Changed", "target-learning_rate": "3e-5"}
    assert admin_client.post(url, changed).status_code == 302
    assert Run.objects.count() == 4


def test_a_run_of_every_method_and_variant_is_cloned(admin_client) -> None:
    study = submitted(admin_client, **EVERYTHING)
    runs = set(study.runs.all())
    # Baseline (plain, MLM), two tasks and their mixture (plain, MLM, two translations), translate-train; three seeds.
    assert len(runs) == (2 + 3 * 4 + 1) * 3
    stages = set(Stage.objects.all())
    for run in study.runs.filter(seed=4):
        url = f"{ADD}?run={run.pk}"
        assert admin_client.post(url, as_sent(admin_client.get(url).context["form"])).status_code == 302
        assert set(Study.objects.latest("created").runs.all()) == {run}, run
    assert set(Run.objects.all()) == runs
    assert set(Stage.objects.all()) == stages


def test_a_whole_study_is_cloned(admin_client) -> None:
    study = submitted(admin_client, **EVERYTHING)
    url = f"{ADD}?study={study.pk}"
    form = admin_client.get(url).context["form"]
    assert (form["lane"].value(), form["priority"].value()) == ("cpu", 0)

    assert admin_client.post(url, as_sent(form)).status_code == 302

    again = Study.objects.latest("created")
    assert again.name == "First, again"
    assert (again.seeds, again.targets) == (study.seeds, study.targets)
    assert set(again.runs.all()) == set(study.runs.all())


def test_what_a_clone_no_longer_needs_may_stand_as_it_was(admin_client) -> None:
    study = submitted(admin_client, **EVERYTHING)
    url = f"{ADD}?study={study.pk}"
    values = as_sent(admin_client.get(url).context["form"])
    values |= {"methods": ["baseline"], "variants": ["plain"], "intermediate_tasks": []}
    values |= {"translations": "", "translate_train": ""}
    assert admin_client.post(url, values).status_code == 302
    assert set(Study.objects.latest("created").recipes.values_list("method", "mlm")) == {("baseline", False)}


def test_the_pages_of_a_run_and_of_a_study_lead_to_their_clones(admin_client, client, django_user_model) -> None:
    study = submitted(admin_client)
    run = study.runs.first()
    links = {run.get_absolute_url(): f"{ADD}?run={run.pk}", f"/studies/{study.pk}/": f"{ADD}?study={study.pk}"}
    for page, link in links.items():
        assert link in admin_client.get(page).content.decode()
    client.force_login(django_user_model.objects.create_user("reader", is_staff=True))
    for page in links:
        assert ADD not in client.get(page).content.decode()


def test_a_name_is_free_and_fits() -> None:
    Study.objects.create(name="x" * 120)
    assert free_name("x" * 300) == "x" * 118 + " 2"
    assert free_name("new") == "new"


@pytest.mark.parametrize("what", ["run", "study"])
def test_only_what_is_there_can_be_cloned(admin_client, what: str) -> None:
    assert admin_client.get(f"{ADD}?{what}=999").status_code == 404
    for nonsense in ("x", "-1", ""):
        form = admin_client.get(f"{ADD}?{what}={nonsense}").context["form"]
        assert not form.initial


def test_a_published_run_cannot_be_cloned(admin_client) -> None:
    run = factories.published("A system")
    assert admin_client.get(f"{ADD}?run={run.pk}").status_code == 404


def test_initial_values_are_those_of_fields(admin_client) -> None:
    study = submitted(admin_client, **EVERYTHING)
    form = SubmissionForm()
    names = {bound.html_name for bound in form} | {"intermediate", "target", "sampling", "masked"}
    parts = {"intermediate": form.intermediate, "target": form.target, "sampling": form.sampling, "masked": form.masked}
    for initial in (initial_of_study(study), *(initial_of_run(run) for run in study.runs.all())):
        assert set(initial) <= names
        for name, part in parts.items():
            assert set(initial.get(name, {})) <= set(part.fields)
