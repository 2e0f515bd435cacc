"""What the admin adds, a script adds: sources, encoders, claims and tokens, under the same rules; and studies' rest."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError

from leaderboard.models import Claim, Encoder, Run, Source, Token
from leaderboard.services import progress, tokens
from tests import factories
from tests.leaderboard.test_commands import say, table, told

pytestmark = pytest.mark.django_db
COMMIT = "a" * 40


def test_it_works(tmp_path):
    """From nothing to an imported number."""
    added = told("add_source", "paper", "--title", "A paper", "--url", "https://example.org", "--status", "quoted")
    assert added == {"source": "paper", "title": "A paper", "status": "quoted"}
    assert told("import_published", table(tmp_path))["new"] == 1
    assert Source.objects.get(pk="paper").url == "https://example.org"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["paper"], "There is a source 'paper' already; the admin changes it."),
        (["A Paper"], "key: "),
        (["other", "--url", "nonsense"], "url: "),
    ],
)
def test_a_source_that_cannot_be_is_refused(arguments, sentence):
    say("add_source", "paper", "--title", "A paper")
    with pytest.raises(CommandError, match=sentence):
        say("add_source", *arguments, "--title", "Another")
    assert Source.objects.count() == 1


def test_an_encoder_is_described():
    found = told("add_encoder", "mine", "org/model", "--title", "Mine", "--revision", COMMIT, "--layers", "12")
    assert (found["slug"], found["layers"]) == ("mine", 12)
    assert Encoder.objects.get(pk="mine").location == "org/model"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tiny", "org/model"], "There is an encoder 'tiny' already"),
        (["mine", "org/model"], "A hub id needs the commit to read, 40 hexadecimal digits; found nothing."),
        (["mine", "no such folder"], "is neither a folder that is here nor a hub id"),
    ],
)
def test_an_encoder_that_cannot_be_is_refused(arguments, sentence):
    factories.encoder()
    with pytest.raises(CommandError, match=sentence):
        say("add_encoder", *arguments, "--title", "Mine", "--layers", "12")
    assert Encoder.objects.filter(pk="mine").count() == 0


def test_a_tokens_secret_is_printed_once_and_it_can_be_revoked():
    user = User.objects.create_user("maker")
    secret = say("token", "maker", "cluster scripts", "--scope", "submit").strip()
    made = tokens.find(secret)
    assert (made.user, made.name, made.scope) == (user, "cluster scripts", "submit")
    assert secret not in json.dumps(list(Token.objects.values()), default=str)
    assert told("token", "maker", "--revoke", secret[:10])["revoked"]
    assert tokens.find(secret) is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nobody", "a name"], "There is no user 'nobody'."),
        (["maker"], "A token has a name of 1 to 80 characters"),
        (["maker", "--revoke", "lbt_"], "0 tokens of maker that are not revoked begin with 'lbt_'"),
    ],
)
def test_a_token_that_cannot_be_is_refused(arguments, sentence):
    User.objects.create_user("maker")
    with pytest.raises(CommandError, match=sentence):
        say("token", *arguments)
    assert not Token.objects.exists()


CLAIM = {
    "key": "nli-helps",
    "statement": "Inference helps.",
    "conditions": [{"intermediate": ["nli_cad"], "targets": ["xnli_cad"], "margin": 1}],
}


def written(tmp_path, **changes):
    path = tmp_path / "claim.json"
    path.write_text(json.dumps({**CLAIM, **changes}))
    return str(path)


def test_a_claim_is_added_and_tested(tmp_path):
    User.objects.create_user("maker")
    factories.study(tasks=("xnli_cad",))
    found = told("add_claim", written(tmp_path), "--user", "maker")
    assert found == {"claim": "nli-helps", "conditions": 1, "verdicts": 1}
    claim = Claim.objects.get(pk="nli-helps")
    assert (claim.origin, claim.created_by.username, claim.position) == (Claim.Origin.OWN, "maker", 100)
    condition = claim.conditions.get()
    assert (condition.targets, condition.languages, condition.margin) == (["xnli_cad"], "all", 1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"key": "two words"}, "key: "),
        ({"statment": "Inference helps."}, "A claim has no 'statment'; it has key, statement"),
        ({"conditions": []}, "has no list of 'conditions'"),
        ({"conditions": [{"targets": ["xnly"]}]}, "targets: .*xnly"),
        ({"conditions": [{"languages": "xx"}]}, "languages: "),
        ({"conditions": [{"tasks": []}]}, "A condition has no 'tasks'"),
    ],
)
def test_a_claim_that_cannot_be_tested_is_refused_whole(tmp_path, changes, sentence):
    with pytest.raises(CommandError, match=sentence):
        say("add_claim", written(tmp_path, **changes))
    assert not Claim.objects.filter(origin=Claim.Origin.OWN).exists()


def test_what_a_study_lacks_is_queued():
    study = factories.study(tasks=("udpos",), seeds=(1, 2), scored=False).study
    first, second, *_ = study.runs.order_by("pk")
    progress.cancel_run(first)
    second.delete()
    assert told("complete", str(study.pk)) == {"study": study.pk, "retried": 1, "made": 1}
    assert Run.objects.filter(studies=study, cancelled=None).count() == 6
    assert told("complete", str(study.pk)) == {"study": study.pk, "retried": 0, "made": 0}
    with pytest.raises(CommandError, match="There is no study 999"):
        say("complete", "999")
