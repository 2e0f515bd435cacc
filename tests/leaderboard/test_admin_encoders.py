"""Encoders in the admin: a folder describes itself, and what identifies a used encoder stays."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from leaderboard.models import (
    Encoder,
)
from leaderboard.services import encoders
from tests.submitting import ADD, filled

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"num_hidden_layers": 3}))
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def encoder_values(**changes):
    values = {"slug": "mine", "title": "Mine", "location": "org/mine", "revision": "a" * 40, "layers": "12"}
    return {**values, "licence": "", "note": "", **changes}


def post_encoder(client, encoder=None, **changes):
    page = ("change", [encoder.pk]) if encoder else ("add", [])
    response = client.post(reverse(f"admin:leaderboard_encoder_{page[0]}", args=page[1]), encoder_values(**changes))
    return response.context["adminform"].form.errors if response.status_code == 200 else {}


def test_a_folder_describes_itself(admin_client, folder):
    assert not post_encoder(admin_client, location=str(folder), revision="", layers="")
    encoder = Encoder.objects.get(slug="mine")
    assert (encoder.layers, encoder.revision) == (3, encoders.folder_hash(folder))


def test_the_hash_of_a_folder_follows_its_contents_and_not_its_place(folder, tmp_path):
    before = encoders.folder_hash(folder)
    (folder / ".cache").write_text("not part of it")
    moved = folder.rename(tmp_path / "elsewhere")
    assert encoders.folder_hash(moved) == before
    (moved / "model.safetensors").write_bytes(b"other weights")
    assert encoders.folder_hash(moved) != before


@pytest.mark.parametrize("absent", encoders.REQUIRED_FILES)
def test_a_folder_without_a_file_is_refused(admin_client, folder, absent):
    (folder / absent).unlink()
    errors = post_encoder(admin_client, location=str(folder), revision="", layers="")
    assert f"The folder lacks {absent}" in errors["location"][0]


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"num_hidden_layers": 0}', '{"num_hidden_layers": "12"}'])
def test_a_folder_with_a_strange_config_is_refused(admin_client, folder, config):
    (folder / "config.json").write_text(config)
    errors = post_encoder(admin_client, location=str(folder), revision="", layers="")
    assert "num_hidden_layers" in errors["location"][0]


ENCODER_ERRORS = {
    "no such folder": ({"location": "/no/such/folder"}, "location", "There is no folder '/no/such/folder'."),
    "no hub id": ({"location": "org/my model"}, "location", "neither a folder that is here nor a hub id"),
    "no commit": ({"revision": ""}, "revision", "40 hexadecimal digits; found nothing."),
    "a branch": ({"revision": "main"}, "revision", "40 hexadecimal digits; found “main”."),
    "no layers": ({"layers": ""}, "layers", "needs its number of transformer layers"),
    "layer 0": ({"layers": "0"}, "layers", "greater than or equal to 1"),
    "a strange slug": ({"slug": "My Encoder"}, "slug", "lower-case letters and digits"),
}


@pytest.mark.parametrize("name", ENCODER_ERRORS)
def test_an_encoder_says_what_is_wrong(admin_client, name):
    changes, field, sentence = ENCODER_ERRORS[name]
    errors = post_encoder(admin_client, **changes)
    assert list(errors) == [field]
    assert sentence in errors[field][0]


def test_a_folder_s_hash_is_not_for_choosing(admin_client, folder):
    errors = post_encoder(admin_client, location=str(folder), revision="b" * 64, layers="12")
    assert "leave it empty to take the folder's" in errors["revision"][0]
    assert "The folder's layers is 3, found 12" in errors["layers"][0]


def test_a_used_encoder_keeps_what_identifies_it(admin_client, folder, tmp_path):
    post_encoder(admin_client, location=str(folder), revision="", layers="")
    encoder = Encoder.objects.get(slug="mine")
    revision = encoder.revision
    admin_client.post(ADD, filled(encoder="mine"))

    moved = folder.rename(tmp_path / "elsewhere")
    assert not post_encoder(admin_client, encoder, location=str(moved), title="Moved", revision="c" * 64, layers="9")
    encoder.refresh_from_db()
    assert (encoder.location, encoder.title) == (str(moved), "Moved")
    assert (encoder.revision, encoder.layers) == (revision, 3)

    (moved / "model.safetensors").write_bytes(b"other weights")
    assert "The folder's revision is" in post_encoder(admin_client, encoder, location=str(moved))["location"][0]
    assert "40 hexadecimal" in post_encoder(admin_client, encoder, location="org/mine")["location"][0]
