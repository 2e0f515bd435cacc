"""Our records of Every Eval Ever have what its schema demands: eval.schema.json 0.3.0, as the package every-eval-ever
0.3.0 has it. The package needs a later Python than this project, so its demands stand here in our own words; all 50
records of this board were valid under the schema itself when they were written down."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from leaderboard.exports import every_eval_ever
from leaderboard.models import Run
from leaderboard.published.tables import own_scores, own_sources
from leaderboard.services.published import load
from leaderboard.standings.listing import every_score
from tests import factories, uploads

pytestmark = pytest.mark.django_db

# What each object has at least.
RECORD = ("schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata", "model_info", "eval_library")
RECORD += ("evaluation_results",)
RESULT = ("evaluation_name", "source_data", "metric_config", "score_details")
# What may stand where the schema has a list.
SOURCE_TYPES = ("documentation", "evaluation_run")
RELATIONSHIPS = ("first_party", "third_party", "collaborative", "other")
DEPLOYMENTS = ("self_deployed", "externally_managed", "unknown")
AVAILABILITIES = ("open_weights", "closed_weights", "unknown")
DATA_TYPES = ("url", "hf_dataset", "other")


@pytest.fixture
def board():
    """Runs from here, published scores with and without a check, and an upload."""
    seeded = factories.study(intermediates=("qqp", "nli_cad"), tasks=("xnli_cad",), seeds=(1,), **factories.EVERYTHING)
    load(own_scores(), own_sources())
    uploads.stored()
    return seeded


def texts(details) -> bool:
    return isinstance(details, dict) and all(isinstance(text, str) for text in details.values())


def test_it_works(client, board):
    response = client.get(reverse("every-eval-ever"))
    records = [json.loads(line) for line in b"".join(response.streaming_content).splitlines()]
    assert len(records) == len({score.run for score in every_score()})
    assert sum(len(record["evaluation_results"]) for record in records) == len(list(every_score()))


def test_records_have_what_the_schema_requires(board):
    for record in every_eval_ever.records(every_score(unverified=True, by_run=True)):
        # No key beside its own.
        assert set(record) == set(RECORD)
        assert record["schema_version"] == "0.3.0"
        # Seconds since 1970, as text.
        assert record["retrieved_timestamp"].isdecimal()
        source, model, library = record["source_metadata"], record["model_info"], record["eval_library"]
        assert source["source_type"] in SOURCE_TYPES
        assert source["evaluator_relationship"] in RELATIONSHIPS
        assert source["source_organization_name"]
        assert model["name"]
        assert model["id"]
        assert model["additional_details"]["deployment_type"] in DEPLOYMENTS
        assert model["additional_details"]["model_availability"] in AVAILABILITIES
        assert library["name"]
        assert library["version"]
        assert texts(source["additional_details"])
        assert texts(model["additional_details"])


def test_results_have_what_the_schema_requires(board):
    for record in every_eval_ever.records(every_score(unverified=True, by_run=True)):
        for result in record["evaluation_results"]:
            assert set(RESULT) <= set(result)
            data, config, score = result["source_data"], result["metric_config"], result["score_details"]
            assert data["dataset_name"]
            assert data["source_type"] in DATA_TYPES
            assert data.get("hf_split", "test") in ("train", "val", "test")
            assert isinstance(data.get("samples_number", 1), int)
            assert config["lower_is_better"] is False
            # A continuous score is to have both ends of its range.
            assert config["score_type"] == "continuous"
            assert config["min_score"] <= score["score"] <= config["max_score"]
            assert all(texts(one) for one in (data["additional_details"], config["additional_details"]))
            assert texts(score["details"])
            assert isinstance(score.get("uncertainty", {"num_samples": 1})["num_samples"], int)


def test_who_measured_is_said(board):
    found = {
        record["source_metadata"]["additional_details"]["origin"]: record["source_metadata"]["evaluator_relationship"]
        for record in every_eval_ever.records(every_score(by_run=True))
    }
    assert set(found) == set(Run.Origin.values)
    assert found == {"local": "first_party", "uploaded": "third_party", "published": "other"}


def test_one_record_of_one_run(client, board):
    run = board.run("qqp mlm")
    record = json.loads(client.get(reverse("run-every-eval-ever", args=[run.pk])).content)
    assert record["model_info"]["id"] == "tiny"
    assert record["model_info"]["additional_details"]["intermediate_tasks"] == "qqp"
    assert len(record["evaluation_results"]) == run.scores.count()
