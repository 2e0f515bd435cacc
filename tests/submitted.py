"""A study as somebody submits it, for tests of what a submission makes, and of what is refused."""

from __future__ import annotations

from leaderboard.services.submission_recipes import Submission
from runner.recipes import Evaluation, Method
from runner.spec import MaskedWords

POS = Evaluation("udpos", "test", ("en", "de", "yo"))
TATOEBA = Evaluation("tatoeba", "test", ("de", "sw"))
FIRST = Submission(
    name="First",
    encoder="xlm-roberta-base",
    methods=(Method.BASELINE, Method.INTERMEDIATE),
    intermediate_tasks=("ccg_pmb", "nli_cad"),
    evaluations=(POS, TATOEBA),
    seeds=(1, 2),
)
MLM = MaskedWords("ntrex", ("sw", "de"), share=0.3, texts=100)
