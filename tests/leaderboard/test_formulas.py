"""Files hold no text that a spreadsheet would run as a formula, and numbers stay numbers."""

from __future__ import annotations

import pytest

from leaderboard.exports.files import safe
from leaderboard.models import Recipe
from tests import factories
from tests.leaderboard.test_exports import address, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded():
    return factories.study(tasks=("udpos",))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "\uff1d1+1"])
def test_text_that_a_spreadsheet_would_run_is_neutralised(client, seeded, text):
    Recipe.objects.filter(pk=seeded.recipes[""].pk).update(title=text)

    rows = {line[0] for line in read(client, address("leaderboard"))}

    assert f"'{text}" in rows
    assert text not in rows


@pytest.mark.parametrize("value", [-1.5, 0, 3, "text", "", "a=b", "low-size"])
def test_numbers_and_plain_text_stay_as_they_are(value):
    assert safe(value) == value


def test_negative_differences_stay_numbers(client, seeded):
    header, *lines = read(client, address("leaderboard"))
    differences = [line[header.index("difference")] for line in lines if line[header.index("difference")]]

    assert min(float(value) for value in differences) < 0
