"""Pinned commits of the hub's data sets and models: what a stage reads where no local mirror has it.

Only commits that a public file names for exactly this hub id stand here. A data set that is absent is read
from the mirror alone: add its commit here to read it from the hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

REVISIONS: Mapping[str, str] = MappingProxyType(
    {
        # The table of pretrained weights of a reproduction guide (TeamCook, entity resolution), and many others.
        "FacebookAI/xlm-roberta-base": "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089",
        # The same table.
        "FacebookAI/xlm-roberta-large": "c23d21b0620b635a76227c604d44e43a9f0ee389",
        # `DATASET_REVISIONS` of an evaluation script, compared with the hub on 2026-09-15.
        "Rowan/hellaswag": "218ec52e09a7e7462a5400043bb9a69a41d06b76",
        # A `Source` table with repository, revision and licence; the conversion to Parquet (refs/convert/parquet)
        # of commit 28d9d5e2aae025e73e11177891a88dba51190013, which holds a loading script that newer versions of
        # `datasets` refuse to run.
        "allenai/cosmos_qa": "ed50fe83db62b355759053b1cd5eef344ee371e0",
        # The usage text of a benchmark script that checks commits: load_dataset("facebook/anli", revision=...).
        "facebook/anli": "8e4813d81f46d313dac7892e1c28076917cfcdf9",
        # embeddings-benchmark/mteb, mteb/tasks/PairClassification/multilingual/PawsXPairClassification.py
        "google-research-datasets/paws-x": "8a04d940a42cd40658986fdd8e3da561533a3646",
        # A `DatasetSpec` table (key xtreme_mlqa_en_en), a protocol in Chinese (MLQA.en.en) and a script on PAWS-X.es.
        "google/xtreme": "ec5f1f46e9af79639a90684a7a70a956c4998f04",
        # The test of `extract_repo_name`: hf://datasets/nyu-mll/glue@<commit>/mrpc/train-00000-of-00001.parquet.
        "nyu-mll/glue": "bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
        # A table of hub ids and commits in a settings module, and several protocols: rajpurkar/squad@<commit>.
        "rajpurkar/squad": "7b6d24c440a36b6815f21b70d25016731768db1f",
        # A data table: "SQuAD 2.0 | HF rajpurkar/squad_v2@<commit> | CC BY-SA 4.0", and several others.
        "rajpurkar/squad_v2": "3ffb306f725f7d2ce8394bc1873b24868140c412",
        # The same `Source` table as for cosmos_qa, and a published data card.
        "stanfordnlp/snli": "cdb5c3d5eed6ead6e5a341c8e56e669bb666725b",
        # A model card that pins what it was trained on, and the same `Source` table.
        "tau/commonsense_qa": "94630fe30dad47192a8546eb75f094926d47e155",
        # A script that samples 20231101.ru, a data card of 20231101.zh, and many others.
        "wikimedia/wikipedia": "b04c8d1ceb2f5cd4588862100d08de323dccfbaa",
    }
)
