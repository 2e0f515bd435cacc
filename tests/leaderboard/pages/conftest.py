"""Small boards for the tests of pages."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _artifacts(settings, tmp_path):
    """Stages of equal content have the same folder in every test."""
    settings.ARTIFACT_DIR = tmp_path / "artifacts"


@pytest.fixture
def seeded():
    # Inside: this file is read before Django is set up.
    from tests import factories

    return factories.study(seeds=(1,))


@pytest.fixture
def varied():
    # Inside: this file is read before Django is set up.
    from tests import factories

    return factories.study(intermediates=("qqp", "nli_cad"), tasks=("xnli_cad",), seeds=(1,), **factories.EVERYTHING)
