"""Uploads: predictions become a run, or nothing is kept of them; a correction is a new run."""

from __future__ import annotations

import hashlib
import io
import json
import sys

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.html import escape

from leaderboard.models import Artifact, Protocol, Run, Score, Upload
from leaderboard.services import uncertainty, uploads, withdrawals
from leaderboard.services.results import ResultError
from leaderboard.services.uploads import Offer
from leaderboard.standings import outcomes
from leaderboard.standings.filters import Filters
from leaderboard.standings.query import load
from runner.data.readers import load as load_data
from runner.errors import RecipeError
from runner.scoring.layout import file_of, task_of_items
from runner.tasks.registry import task as find_task
from tests import uploads as made_up
from tests.uploads import ITEMS, mirror, write, zipped

pytestmark = pytest.mark.django_db

ADD = reverse("admin:leaderboard_upload_add")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("mirror")
    return root, mirror(root, "paws_x", "xquad")[0]


@pytest.fixture(autouse=True)
def _places(settings, made, tmp_path):
    settings.ARTIFACT_DIR = tmp_path / "artifacts"
    settings.DATA_DIR = str(made[0])


@pytest.fixture
def files(made):
    return dict(made[1])


@pytest.fixture
def maker():
    return User.objects.create_user("maker")


def receive(files, system="Theirs", user=None, **said):
    return uploads.receive(zipped(files), "theirs.zip", Offer(system, **said), user)


def stored(settings):
    return sorted(path.name for path in settings.ARTIFACT_DIR.rglob("*") if path.is_file())


@pytest.fixture
def refused(settings):
    """What is said of an upload; nothing of it may be kept."""

    def refused(files, **said):
        before = stored(settings)
        with pytest.raises(RecipeError) as caught:
            receive(files, **said)
        assert not Upload.objects.exists()
        assert not Run.objects.exists()
        assert not Protocol.objects.exists()
        assert stored(settings) == before
        return str(caught.value)

    return refused


def test_it_works(files, settings, maker):
    receipt = receive(files, user=maker, note="From the paper.", link="https://example.org/paper")

    run = receipt.run
    assert receipt.created
    assert (run.origin, run.system, run.submitted_by, run.recipe) == ("uploaded", "Theirs", maker, None)
    assert run.upload.tasks == ["paws_x", "xquad"]
    # Accuracy in 7 languages, F1 and exact match in 11.
    assert run.scores.count() == 7 + 2 * 11
    assert set(run.scores.values_list("n", flat=True)) == {ITEMS}
    assert {row["language"] for row in run.upload.data if row["task"] == "paws_x"} == set(find_task("paws_x").languages)
    assert stored(settings) == ["items-paws_x.parquet", "items-xquad.parquet", "upload.zip"]


def test_the_file_that_was_sent_is_kept_with_its_hash(files, settings):
    sent = zipped(files)
    run = uploads.receive(sent, "theirs.zip", Offer("Theirs")).run
    artifact = run.artifacts.get(kind="upload")
    kept = (settings.ARTIFACT_DIR / artifact.path).read_bytes()
    assert kept == sent.getvalue()
    assert artifact.sha256 == hashlib.sha256(kept).hexdigest()
    assert artifact.size == len(kept)


def test_the_row_is_on_the_board_as_uploaded(client, files):
    receive(files)
    (row,) = load(Filters()).rows
    assert (row.title, row.origin_label) == ("Theirs", "Uploaded")
    assert {column.protocol_label for column in load(Filters()).columns if column.task} == {
        "test split, uploaded predictions"
    }
    text = client.get(reverse("leaderboard")).content.decode()
    assert "Theirs" in text
    assert "Uploaded" in text


def test_its_page_says_what_it_is(client, files):
    run = receive(files, note="From the paper.", link="https://example.org/paper").run
    text = client.get(run.get_absolute_url()).content.decode()
    for part in ("Uploaded", "From the paper.", "https://example.org/paper", run.upload.fingerprint, "upload.zip"):
        assert part in text


def test_the_same_predictions_twice_are_one_run(files):
    first = receive(files)
    # Packed in another way, inside a folder, under another name.
    again = receive({f"mine/{name}": files[name] for name in reversed(files)}, system="Another")
    assert (again.run, again.created) == (first.run, False)
    assert Run.objects.get().system == "Theirs"
    assert Score.objects.count() == 29


def test_a_folder_is_the_same_as_its_zip(files, tmp_path):
    folder = write(tmp_path / "theirs", files)
    run = uploads.receive_folder(folder, Offer("Theirs")).run
    assert run.upload.name == "theirs.zip"
    assert receive(files).run == run


def test_one_task_is_enough(files):
    run = receive({name: text for name, text in files.items() if name.startswith("pawsx")}).run
    assert set(run.scores.values_list("task", flat=True)) == {"paws_x"}


def test_what_happened_to_its_items_is_prepared_for_intervals(files):
    run = receive(files).run
    uncertainty.refresh([])
    for artifact in run.artifacts.filter(kind="items"):
        task = find_task(task_of_items(artifact.path.rpartition("/")[2]))
        found = outcomes.outcomes(artifact.sha256, "any")
        assert set(found) == set(outcomes.replicates(artifact.sha256).deviations) == set(task.languages)
        for language, one in found.items():
            values = run.scores.filter(task=task.slug, language=language, metric__in=task.headline_metrics)
            assert one.value == pytest.approx(sum(values.values_list("value", flat=True)) / values.count())


# What is refused, with nothing kept.


def test_a_language_that_is_missing(refused, files):
    del files["pawsx/test-ko.tsv"]
    assert refused(files) == (
        "PAWS-X lacks 1 of 7 languages, the first is pawsx/test-ko.tsv: a task is scored in all of its languages, or "
        "left out."
    )


def test_a_folder_of_no_task(refused, files):
    sentence = refused({**files, "paws/test-de.tsv": "0\n"})
    assert sentence.startswith("paws/test-de.tsv is not in a task's folder: the folders are xnli, pawsx, ")


def test_a_file_that_a_task_has_not(refused, files):
    sentence = refused({**files, "pawsx/test-sw.tsv": "0\n"})
    assert sentence == (
        "pawsx/test-sw.tsv is no file of PAWS-X: they are named as pawsx/test-de.tsv is, for de, en, es, fr, ja, ko, "
        "zh."
    )


def test_predictions_that_cannot_be_scored(refused, files):
    files["pawsx/test-de.tsv"] = "0\n" * 3 + "2\n" + "0\n" * 2
    assert refused(files) == "Predictions pawsx/test-de.tsv, line 4: expected one of the labels 0, 1, found '2'."


def test_gold_data_that_is_not_here(refused, files, settings, tmp_path):
    settings.DATA_DIR = str(tmp_path)
    assert "google/xtreme, configuration PAWS-X.de, split test is not in the local mirror" in refused(files)


def test_what_takes_too_long(refused, files, settings):
    settings.UPLOAD_COMMAND, settings.UPLOAD_SECONDS = [sys.executable, "-c", "import time; time.sleep(60)"], 0.2
    assert refused(files) == "Scoring took longer than 0.2 seconds: send fewer tasks at a time."


def test_a_file_that_is_too_long(refused, files, settings):
    settings.UPLOAD_LIMIT = 0
    assert refused(files) == "The file has more than 0 MiB: that is the most that is taken."


@pytest.mark.parametrize("system", ["", "  ", "x" * 201])
def test_a_system_without_a_name(refused, files, system):
    assert "name of" in refused(files, system=system)


def test_a_folder_with_a_link(files, tmp_path):
    folder = write(tmp_path / "theirs", files)
    (folder / "pawsx/test-de.tsv").unlink()
    (folder / "pawsx/test-de.tsv").symlink_to(folder / "pawsx/test-en.tsv")
    with pytest.raises(RecipeError, match=r"pawsx/test-de\.tsv is a link"):
        uploads.receive_folder(folder, Offer("Theirs"))


def test_a_bug_of_the_scorer_is_no_fault_of_the_sender(files, settings):
    settings.UPLOAD_COMMAND = [sys.executable, "-c", "import sys; sys.exit('oops')"]
    with pytest.raises(ResultError, match="oops"):
        receive(files)
    assert not Run.objects.exists()


# Again: what was withdrawn, and corrections.


def test_withdrawn_predictions_are_not_taken_again(files):
    run = withdrawals.withdraw(receive(files).run, "A mistake.")
    with pytest.raises(RecipeError, match=rf"were withdrawn \(run {run.pk}: A mistake\.\)"):
        receive(files)


def test_a_correction_is_a_new_run_and_withdraws_the_old_one(client, files):
    first = made_up.stored()
    files["pawsx/test-de.tsv"] = "0\n" * ITEMS
    second = receive(files, corrects=first.pk).run

    first.refresh_from_db()
    assert first.withdrawal == f"Corrected by run {second.pk}."
    assert [row.title for row in load(Filters()).rows] == ["Theirs"]
    assert second.get_absolute_url() in client.get(first.get_absolute_url()).content.decode()


def test_only_an_upload_on_the_board_can_be_corrected(files):
    with pytest.raises(RecipeError, match="There is no upload 999 on the board"):
        receive(files, corrects=999)


# The admin.


def staff(client, *permissions):
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


def sent(files, **fields):
    archive = zipped(files)
    archive.name = "theirs.zip"
    return {"file": archive, "system": "Theirs", **fields}


def test_the_admin_takes_a_zip(client, files):
    user = staff(client, "add_upload")
    assert "pawsx" in client.get(ADD).content.decode()
    response = client.post(ADD, sent(files), follow=True)
    run = Run.objects.get()
    assert run.submitted_by == user
    assert run.upload.name == "theirs.zip"
    assert f'Scored: “<a href="{run.get_absolute_url()}">Theirs</a>” is on the board.' in response.content.decode()

    response = client.post(ADD, sent(files), follow=True)
    assert "nothing was added" in response.content.decode()
    assert Run.objects.count() == 1


def test_the_admin_says_what_is_wrong_beside_the_file(admin_client, files):
    files["pawsx/test-de.tsv"] = "2\n" * ITEMS
    response = admin_client.post(ADD, sent(files))
    assert response.status_code == 200
    assert escape("line 1: expected one of the labels 0, 1, found '2'.") in response.content.decode()
    assert not Run.objects.exists()


def test_the_admin_refuses_who_may_not(client, files):
    staff(client, "view_upload")
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, sent(files)).status_code == 403
    assert not Run.objects.exists()


# The database holds it.


def test_an_artifact_belongs_to_a_stage_or_to_a_run():
    with pytest.raises(IntegrityError), transaction.atomic():
        Artifact.objects.create(kind="upload", path="x", sha256="0" * 64, size=1)


# The command.


def test_the_command_takes_a_folder_and_a_zip(files, tmp_path, maker):
    folder = write(tmp_path / "theirs", files)
    said = io.StringIO()
    call_command("upload", folder, system="Theirs", user="maker", json=True, stdout=said)
    run = Run.objects.get()
    assert json.loads(said.getvalue()) == {"run": run.pk, "created": True, "url": run.get_absolute_url()}
    assert run.submitted_by == maker

    (tmp_path / "theirs.zip").write_bytes(zipped(files).getvalue())
    call_command("upload", tmp_path / "theirs.zip", system="Theirs", stdout=said)
    assert said.getvalue().endswith(f"are there already: run {run.pk}, at {run.get_absolute_url()}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({"user": "nobody"}, "There is no user 'nobody'"), ({}, "There is neither a folder nor a file")],
)
def test_the_command_refuses_in_one_sentence(tmp_path, arguments, said):
    with pytest.raises(CommandError, match=said):
        call_command("upload", tmp_path / "absent.zip", system="Theirs", **arguments)


# The pocket suite, whose data are made here: uploads work without any mirror.


def test_predictions_of_the_pocket_suite_are_scored_without_a_mirror(settings):
    settings.DATA_DIR = ""
    task = find_task("pocket_search")
    rows = {code: len(load_data(task, "test", code, "").examples) for code in task.languages}
    files = {str(file_of(task.slug, code)): "".join(f"{row}\n" for row in range(rows[code])) for code in rows}
    run = receive(files).run
    assert set(run.scores.values_list("value", flat=True)) == {100.0}
    assert [row.title for row in load(Filters(suite="pocket")).rows] == ["Theirs"]
    assert load(Filters()).rows == ()
