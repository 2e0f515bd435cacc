"""Everything at once: the same scores in every format, safe in a spreadsheet, under a header that has a version."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.urls import reverse

from leaderboard.exports import bulk, headers, markdown, parquet
from leaderboard.exports.objects import Origin
from leaderboard.models import Artifact, Encoder, Protocol, Publication, Run, Score, Source
from leaderboard.published.tables import own_scores, own_sources
from leaderboard.services import results
from leaderboard.services.published import load
from leaderboard.standings import bulk as copying
from leaderboard.standings.filters import Filters
from leaderboard.standings.listing import ScoreLine, every_score
from leaderboard.standings.query import load as standings
from tests import factories

pytestmark = pytest.mark.django_db

ORIGIN = Origin("Leaderboard", "https://example.org/", date(2026, 1, 2))
GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "headers.json").read_text())


@pytest.fixture
def board():
    """Runs of every method and variant, published scores with and without a check, an uneven value."""
    seeded = factories.study(intermediates=("qqp", "nli_cad"), tasks=("xnli_cad",), seeds=(1,), **factories.EVERYTHING)
    load(own_scores(), own_sources())
    Score.objects.filter(run=seeded.run()).update(value=100 / 3, created=datetime(2026, 1, 2, 3, 4, 5, 600, UTC))
    return seeded


def body(response) -> bytes:
    assert response.status_code == 200
    return b"".join(response.streaming_content)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def python_csv() -> bytes:
    """The file as it is written where no COPY is."""
    from leaderboard.exports.columns import SCORES
    from leaderboard.exports.files import lines

    return "".join(lines(SCORES, every_score())).encode()


def test_it_works(client, board):
    response = client.get(reverse("scores-csv"))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["X-Header-Version"] == "scores 2"
    rows = table(body(response))
    assert len(rows) == Score.objects.filter(publication=None).count() + 214
    third = next(row for row in rows if row["run"] == str(board.run().pk))
    assert float(third["value"]) == 100 / 3
    assert third["created"] == "2026-01-02T03:04:05+00:00"


def test_the_databases_write_the_same_file(client, board):
    """On PostgreSQL the server writes the lines, on SQLite this project does: byte for byte alike."""
    Score.objects.filter(run__system="RemBERT").update(value=1e-05)
    Run.objects.filter(system="VECO").update(system='  =cmd|"x"\n,y ')
    Publication.objects.filter(score__run__system="mT5 small").update(note="-2\r\n-3")
    assert body(client.get(reverse("scores-csv"))) == python_csv()
    if connection.vendor == "postgresql":
        assert copying.can_copy()


def test_json_lines_say_what_the_csv_says(client, board):
    from_json = [json.loads(line) for line in body(client.get(reverse("scores-jsonl"))).decode().splitlines()]
    rows = table(body(client.get(reverse("scores-csv"))))
    assert list(from_json[0]) == list(ScoreLine._fields)
    assert [{key: "" if value is None else str(value) for key, value in one.items()} for one in from_json] == rows


def test_json_keeps_text_that_a_spreadsheet_would_run(client, board):
    Run.objects.filter(system="VECO").update(system='=1+1 "quoted" \\ ü')
    lines = body(client.get(reverse("scores-jsonl"))).decode().splitlines()
    assert {json.loads(line)["system"] for line in lines} >= {'=1+1 "quoted" \\ ü'}


def test_parquet_has_types_and_the_same_rows(client, board, tmp_path):
    path = tmp_path / "scores.parquet"
    path.write_bytes(body(client.get(reverse("scores-parquet"))))
    found = pq.read_table(path)
    assert found.column_names == list(ScoreLine._fields)
    assert {name: str(found.schema.field(name).type) for name in ("run", "value", "n", "task")} == {
        "run": "int64",
        "value": "double",
        "n": "int64",
        "task": "string",
    }
    rows = table(body(client.get(reverse("scores-csv"))))
    as_text = [{key: "" if value is None else value for key, value in row.items()} for row in found.to_pylist()]
    assert [row["value"] for row in as_text] == [float(row["value"]) for row in rows]
    assert [row["system"] for row in as_text] == [row["system"] for row in rows]


def test_parquet_of_an_empty_board_has_its_columns(client, tmp_path):
    path = tmp_path / "scores.parquet"
    path.write_bytes(body(client.get(reverse("scores-parquet"))))
    assert pq.read_table(path).column_names == list(ScoreLine._fields)


def test_a_writer_that_fails_is_an_error_and_leaves_no_process():
    with pytest.raises(parquet.ParquetError, match="row"):
        list(parquet.from_csv(iter([b"value\r\n", b"no number\r\n"]), {"value": "float64"}))


@pytest.mark.parametrize("layout", ["csv", "jsonl"])
def test_unverified_scores_come_only_when_asked_for(client, board, layout):
    url = reverse(f"scores-{layout}")
    assert b"phang2020-table2" not in body(client.get(url))
    assert body(client.get(f"{url}?unverified=show")).count(b"phang2020-table2") == 132


def test_what_was_withdrawn_is_in_no_file(client, board):
    Run.objects.filter(system="RemBERT").update(withdrawn=datetime(2026, 1, 1, tzinfo=UTC), withdrawal="A slip.")
    for name in ("scores-csv", "scores-jsonl", "every-eval-ever"):
        assert b'"RemBERT"' not in body(client.get(reverse(name))).replace(b",RemBERT,", b'"RemBERT"')


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1+1"])
@pytest.mark.parametrize("where", ["system", "note", "label"])
def test_no_cell_of_the_file_is_a_formula(client, text, where):
    run = factories.published(text if where == "system" else "A system")
    if where == "note":
        Publication.objects.filter(score__run=run).update(note=text)
    if where == "label":
        Protocol.objects.filter(scores__run=run).update(label=text)
    [row] = table(body(client.get(reverse("scores-csv"))))
    cell = row["protocol" if where == "label" else where]
    assert cell == f"'{' '.join(text.split())}"
    assert row["value"] == "57.3"


def test_the_first_block_has_scores_in_it_and_fails_before_it_is_sent(client, board, monkeypatch):
    def broken(**options):
        raise RuntimeError("no database")

    monkeypatch.setattr("leaderboard.exports.bulk.every_score", broken)
    monkeypatch.setattr("leaderboard.standings.bulk.copied", lambda *args, **options: broken())
    with pytest.raises(RuntimeError, match="no database"):
        client.get(reverse("scores-csv"))


def test_copies_in_several_windows_are_one_file(client, board, monkeypatch):
    if not copying.can_copy():
        pytest.skip("only PostgreSQL copies")
    monkeypatch.setattr(copying, "FIRST_WINDOW", 3)
    monkeypatch.setattr(copying, "WINDOW", 7)
    assert b"".join(bulk.scores_csv()) == python_csv()


# The header.


@pytest.mark.parametrize("header", headers.HEADERS, ids=lambda header: header.name)
def test_a_header_never_changes_without_a_version(header):
    """To change one: raise its version in `leaderboard/exports/headers.py` and add it to the golden file."""
    versions = GOLDEN[header.name]
    assert max(map(int, versions)) == header.version
    assert versions[str(header.version)] == [column.name for column in header.columns]


@pytest.mark.parametrize(
    ("name", "arguments", "version"), [("scores-csv", [], "scores"), ("leaderboard-file", ["csv"], "view")]
)
def test_a_file_says_the_version_of_its_header(client, name, arguments, version):
    latest = max(map(int, GOLDEN[version]))
    assert client.get(reverse(name, args=arguments))["X-Header-Version"] == f"{version} {latest}"


def test_a_new_version_keeps_the_places_of_the_old_columns():
    for versions in GOLDEN.values():
        columns = [versions[str(number)] for number in sorted(map(int, versions))]
        for old, new in zip(columns, columns[1:], strict=False):
            assert new[: len(old)] == old


def test_the_header_file_documents_every_column(client):
    rows = table(body(client.get(reverse("columns-csv"))))
    for header in headers.HEADERS:
        mine = [row for row in rows if row["file"] == header.name]
        assert [row["column"] for row in mine] == [column.name for column in header.columns]
        assert all(row["unit"] and row["meaning"].endswith(".") for row in mine)
        assert {row["version"] for row in mine} == {str(header.version)}


def test_the_fields_of_a_score_are_the_columns():
    assert list(ScoreLine._fields) == [column.name for column in headers.SCORES.columns]


# The files of a run.


def evaluated(board):
    """A run with predictions in two languages and a file of outcomes, as the engine leaves them."""
    run = board.run()
    stage = run.stages.get(action="evaluate")
    folder = results.folder(stage)
    (folder / "predictions" / "xnli").mkdir(parents=True, exist_ok=True)
    files = {"predictions/xnli/test-de.tsv": b"neutral\n", "predictions/xnli/test-sw.tsv": b"entailment\n"}
    files["items.parquet"] = b"PAR1 stands for a table"
    for name, content in files.items():
        (folder / name).write_bytes(content)
        kind = "items" if name == "items.parquet" else "predictions"
        Artifact.objects.create(
            stage=stage,
            kind=kind,
            path=f"{stage.fingerprint[:2]}/{stage.fingerprint}/{name}",
            sha256="0" * 64,
            size=len(content),
        )
    return run


def test_predictions_come_in_xtremes_layout(client, board):
    run = evaluated(board)
    with zipfile.ZipFile(io.BytesIO(body(client.get(reverse("run-predictions", args=[run.pk]))))) as archive:
        assert archive.namelist() == ["xnli/test-de.tsv", "xnli/test-sw.tsv", "manifest.json"]
        assert archive.read("xnli/test-de.tsv") == b"neutral\n"
        about = json.loads(archive.read("manifest.json"))
    assert (about["run"], about["recipe"]) == (run.pk, run.recipe.fingerprint)
    assert about["files"][0] == {"name": "xnli/test-de.tsv", "sha256": "0" * 64, "size": 8}


def test_predictions_on_a_part_lie_apart(client, board):
    run = evaluated(board)
    stage = run.stages.get(action="evaluate")
    stage.spec["plan"]["limit"] = 50
    stage.save()
    with zipfile.ZipFile(io.BytesIO(body(client.get(reverse("run-predictions", args=[run.pk]))))) as archive:
        assert archive.namelist()[0] == "test-first-50/xnli/test-de.tsv"


def test_outcomes_of_a_run_are_there_by_item(client, board):
    run = evaluated(board)
    with zipfile.ZipFile(io.BytesIO(body(client.get(reverse("run-items", args=[run.pk]))))) as archive:
        assert archive.namelist() == ["xnli_cad.parquet", "manifest.json"]
        assert archive.read("xnli_cad.parquet").startswith(b"PAR1")


def test_a_run_without_files_and_one_whose_files_are_gone_are_not_found(client, board):
    published = Run.objects.filter(origin="published").first()
    assert client.get(reverse("run-items", args=[published.pk])).status_code == 404
    run = evaluated(board)
    (results.folder(run.stages.get(action="evaluate")) / "items.parquet").unlink()
    assert client.get(reverse("run-items", args=[run.pk])).status_code == 404


def test_outcomes_can_be_read_as_lines(client, board):
    run = evaluated(board)
    path = results.folder(run.stages.get(action="evaluate")) / "items.parquet"
    pq.write_table(pa.table({"language": ["de", "sw"], "item": [0, 1]}), path)
    lines = body(client.get(reverse("run-item-lines", args=[run.pk]))).decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"file": "xnli_cad", "language": "de", "item": 0},
        {"file": "xnli_cad", "language": "sw", "item": 1},
    ]


def test_outcomes_that_are_no_parquet_are_an_error_before_the_first_byte(client, board):
    run = evaluated(board)
    with pytest.raises(parquet.ParquetError, match="Parquet"):
        client.get(reverse("run-item-lines", args=[run.pk]))


# Markdown.


def test_markdown_shows_what_the_page_shows(board):
    found = standings(Filters())
    lines = "".join(markdown.standings_markdown(found, ORIGIN, partial=False)).splitlines()
    assert lines[0].startswith("| Row | Source |")
    assert len([line for line in lines if line.startswith("|")]) == len(found.rows) + 2
    assert {line.count(" | ") for line in lines if line.startswith("|")} == {len(found.columns) + 1}
    assert found.sentence.split(":")[0] in "\n".join(lines)


def test_markdown_stands_beside_the_page(client, board):
    response = client.get(reverse("leaderboard-file", args=["md"]))
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert body(response).startswith(b"| Row | Source |")


def test_markdown_marks_the_unverified_and_escapes_what_it_would_read(board):
    Source.objects.filter(pk="phang2020-table2").update(title="A | <b>paper</b>")
    text = "".join(markdown.standings_markdown(standings(Filters(unverified=True)), ORIGIN, partial=False))
    assert "80.1 (not verified)" in text
    assert r"A \| \<b\>paper\</b\>" in text
    assert Encoder.objects.exists()
