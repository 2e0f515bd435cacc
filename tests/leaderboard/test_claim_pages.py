"""Pages of claims, their LaTeX, the admin's own claims, and what to run next."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from leaderboard.exports.claims import lettered
from leaderboard.models import Claim, Run, Source, Stage, Study, Verdict
from leaderboard.services import claims, literature, next_runs, snapshots
from leaderboard.standings import frozen
from runner.tasks import registry
from tests import measured
from tests.leaderboard.test_claims import LANGUAGES, claim, gains, study, verdict

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("prepared_files")]


@pytest.fixture
def maintainer(client: Client) -> User:
    user = User.objects.create_user("maintainer", password="x", is_staff=True)
    names = ["add_claim", "change_claim", "view_claim", "add_condition", "change_condition", "add_study"]
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_works(client: Client) -> None:
    study(nli_cad=0.25, ccg_pmb=0.25)
    verdict(claim({"over": "each"}))
    listed = text(client, "/claims/")
    assert "Something is better." in listed
    assert "Of 2 comparisons: 2 above the margin." in listed
    page = text(client, "/claims/own/")
    assert "Tiny encoder: holds" in page
    assert registry.task("nli_cad").title in page
    assert "t interval over 3 seeds" in page
    assert "The 9 runs behind it" in page
    for run in Run.objects.all():
        assert run.get_absolute_url() in page


def test_without_claims_the_page_says_where_they_come_from(client: Client) -> None:
    assert "No claims yet" in text(client, "/claims/")


def test_claims_of_the_literature_show_what_was_published_and_what_is_missing(client: Client) -> None:
    Source.objects.create(key="phang2020-abstract", title="Phang et al. 2020")
    literature.load_own()
    assert "Not tested yet" in text(client, "/claims/")
    claims.test_all()
    page = text(client, "/claims/squad-mnli-hellaswag-gain/")
    assert "SQuAD v2.0 +8.2, MNLI +7.5, HellaSwag +7.0" in page
    assert "No recipe that it is about was run here yet." in page
    assert "every difference is above 3 points" in page


def test_an_open_comparison_says_what_such_data_would_find(client: Client) -> None:
    study(nli_cad=0.01, ccg_pmb=0.25)
    verdict(claim({"over": "each"}))
    assert "with a chance of 80%" in text(client, "/claims/own/")


@pytest.mark.parametrize("address", ["/claims/none/", "/claims/none/next/", "/claims/none.tex"])
def test_a_claim_that_is_not_there(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


def test_the_list_takes_as_many_queries_for_six_claims_as_for_one(client: Client, django_assert_num_queries) -> None:
    literature.load_own()
    claims.test_all()
    with django_assert_num_queries(4):  # claims with sources, conditions, verdicts, snapshots
        client.get("/claims/")


# LaTeX.


def macros(client: Client, address: str = "/claims.tex") -> dict[str, str]:
    return dict(re.findall(r"^\\newcommand\{\\([A-Za-z]+)\}\{(.*)\}$", text(client, address), flags=re.MULTILINE))


def test_macros_have_the_numbers_of_the_page(client: Client) -> None:
    study(nli_cad=0.25, ccg_pmb=0.25)
    details = verdict(claim({"over": "each"})).details
    Claim.objects.update(published="+8.2 & more")
    found = macros(client)
    assert found["ClaimOwnTinyDecision"] == "holds"
    assert found["ClaimOwnTinyADifference"] == f"{details[0]['interval']['estimate']:+.1f}"
    assert found["ClaimOwnTinyBSeeds"] == "3"
    assert found["ClaimOwnTinyBDetectable"] == f"{details[1]['detectable']:.1f}"
    assert found["ClaimOwnPublished"] == r"+8.2 \& more"
    assert macros(client, "/claims/own.tex")["ClaimOwnTinyAP"] == found["ClaimOwnTinyAP"]
    assert "No snapshot: the state of" in text(client, "/claims.tex")


def test_macros_of_a_snapshot_stay_what_they_were(client: Client) -> None:
    own = claim({"over": "each"})
    study(nli_cad=0.25, ccg_pmb=0.25)
    verdict(own)
    taken = snapshots.take("Camera-ready", frozen.board)
    address = f"/claims.tex?snapshot={taken.hash[:12]}"
    before = macros(client, address)
    measured.study(
        "More", gain=gains(nli_cad=-0.4, ccg_pmb=0.25), tasks=("xnli_cad",), seeds=(4, 5, 6), languages=LANGUAGES
    )
    assert verdict(own).decision != "holds"
    assert macros(client, address) == before
    assert macros(client) != before
    assert f"Snapshot Camera-ready, {taken.hash}" in text(client, address)


def test_a_snapshot_that_is_not_there(client: Client) -> None:
    assert client.get("/claims.tex?snapshot=0123456789ab").status_code == 404


def test_letters_go_on_after_z() -> None:
    assert [lettered(place) for place in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]


# The admin.


def filled(**fields: object) -> dict[str, object]:
    condition = {
        "position": 0,
        "method": "intermediate",
        "variant": "plain",
        "intermediate": '["nli_cad"]',
        "against": "baseline",
        "suite": "stand_in",
        "targets": '["xnli_cad"]',
        "languages": "all",
        "over": "each",
        "quantifier": "all",
        "margin": 0,
        **fields,
    }
    return {
        "key": "nli-helps",
        "statement": "NLI helps.",
        "position": 7,
        "conditions-TOTAL_FORMS": 1,
        "conditions-INITIAL_FORMS": 0,
        **{f"conditions-0-{name}": value for name, value in condition.items()},
    }


def test_maintainers_add_their_own_claim_which_is_tested_at_once(client: Client, maintainer: User) -> None:
    answer = client.post(reverse("admin:leaderboard_claim_add"), filled())
    assert answer.status_code == 302, answer.context["errors"]
    found = Claim.objects.get(key="nli-helps")
    assert (found.origin, found.created_by) == ("own", maintainer)
    assert Verdict.objects.get(claim=found).decision == "open"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"intermediate": '["nli_cat"]'}, "nli_cad"),
        ({"targets": '["nli_cad"]'}, "is no target task"),
        ({"languages": "xx"}, "no language"),
        ({"margin": 400}, "points"),
    ],
)
def test_a_claim_that_cannot_be_tested_is_refused(
    client: Client, maintainer: User, fields: dict[str, object], sentence: str
) -> None:
    answer = client.post(reverse("admin:leaderboard_claim_add"), filled(**fields))
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not Claim.objects.exists()


def test_others_add_no_claim(client: Client) -> None:
    client.force_login(User.objects.create_user("guest", password="x", is_staff=True))
    assert client.get(reverse("admin:leaderboard_claim_add")).status_code == 403


def test_claims_of_the_literature_are_not_changed(client: Client, maintainer: User) -> None:
    literature.load_own()
    address = reverse("admin:leaderboard_claim_change", args=["multi-task-best"])
    assert client.post(address, filled()).status_code == 403


# What to run next.


def test_seeds_that_would_decide_are_suggested_with_their_cost(client: Client, maintainer: User) -> None:
    study(nli_cad=0.07, ccg_pmb=0.3)
    own = claim({"over": "each"})
    found = verdict(own)
    needed = found.details[0]["seeds_needed"]
    assert found.decision == "open"
    assert needed
    [one] = next_runs.suggestions(own)
    assert {wanted.title for wanted in one.wanted} == {registry.task("nli_cad").title, "Baseline"}
    assert one.wanted[0].seeds == tuple(range(4, min(needed, 13) + 1))
    assert one.forecast.hours > 0
    page = text(client, "/claims/own/next/")
    assert "Queue</button>" in page
    client.post("/claims/own/queue/", {"suggestion": one.key})
    queued = Study.objects.latest("pk")
    assert queued.name == f"For the claim own: {registry.task('nli_cad').title}"
    assert queued.runs.count() == 2 * len(one.wanted[0].seeds)
    assert queued.runs.filter(recipe__runs__seed=1).distinct().count() == queued.runs.count()
    assert next_runs.suggestions(own)[0].forecast.to_do == 0


def test_cells_that_are_missing_are_suggested(maintainer: User) -> None:
    measured.study(
        gain=gains(nli_cad=0.25), tasks=("xnli_cad",), seeds=(1, 2, 3), intermediates=("nli_cad",), languages=LANGUAGES
    )
    own = claim({"over": "each"})
    verdict(own)
    [one] = next_runs.suggestions(own)
    assert [wanted.title for wanted in one.wanted] == [registry.task("ccg_pmb").title, "Baseline"]
    assert one.wanted[0].seeds == (1, 2, 3)
    queued = next_runs.queue(own, one.key, maintainer)
    fresh = queued.runs.filter(recipe__intermediate_tasks="ccg_pmb")
    assert sorted(fresh.values_list("seed", flat=True)) == [1, 2, 3]
    for run in fresh:
        measured.finish(run, gains(ccg_pmb=0.25))
    assert verdict(own).decision == "holds"


def test_a_recipe_with_mlm_needs_a_first_one(maintainer: User) -> None:
    study(nli_cad=0.25, ccg_pmb=0.25)
    own = claim({"over": "each", "against": "mlm"})
    verdict(own)
    assert "submit the first in the admin" in next_runs.suggestions(own)[0].obstacle


def test_what_is_decided_suggests_nothing(client: Client) -> None:
    study(nli_cad=0.25, ccg_pmb=0.25)
    own = claim({"over": "each"})
    verdict(own)
    assert next_runs.suggestions(own) == []
    assert "Nothing to suggest" in text(client, "/claims/own/next/")


def test_only_who_may_submit_queues(client: Client) -> None:
    claim({"over": "each"})
    assert client.post("/claims/own/queue/", {"suggestion": "x"}).status_code == 403


def test_a_suggestion_that_has_changed_queues_nothing(client: Client, maintainer: User) -> None:
    claim({"over": "each"})
    answer = client.post("/claims/own/queue/", {"suggestion": "x"}, follow=True)
    assert "The scores have changed since this was suggested" in answer.content.decode()
    assert not Study.objects.exists()
    assert not Stage.objects.exists()
