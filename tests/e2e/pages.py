"""The addresses of all public pages, for the tests that look at each."""

from __future__ import annotations

from tests.factories import Seeded


def addresses(seeded: Seeded) -> list[str]:
    rows = "&".join(f"rows={seeded.recipes[key].fingerprint[:12]}" for key in ("", "ccg_pmb"))
    return [
        "/",
        "/?show=difference&sort=-overall&aggregate=worst",
        "/transfer/",
        "/transfer/?show=score",
        "/alternatives/",
        f"/compare/?{rows}&by=language",
        "/compare/",
        "/tasks/",
        "/tasks/udpos/",
        "/tasks/xnli_cad/?order=family",
        "/tasks/mnli/",
        "/languages/",
        "/languages/sw/",
        "/runs/",
        f"/runs/{seeded.run('ccg_pmb').pk}/",
        f"/studies/{seeded.study.pk}/",
        "/about/",
    ]
