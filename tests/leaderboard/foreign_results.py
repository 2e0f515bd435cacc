"""Results as other tools write them: their own keys and nesting, seen in results that are public (docs/numbers.md names
them), and values of our own."""

from __future__ import annotations

# As 0.4.9 writes it, with a group whose mean stands among the tasks.
LM_EVAL = {
    "results": {
        "xnli": {"acc,none": 0.5, "acc_stderr,none": 0.002, "alias": "xnli"},
        "xnli_de": {"alias": " - xnli_de", "acc,none": 0.57, "acc_stderr,none": 0.0125},
        "xquad_el": {
            "alias": "xquad_el",
            "exact_match,none": 0.5,
            "exact_match_stderr,none": "N/A",
            "f1,none": 0.625,
            "f1_stderr,none": 0.01,
        },
        "xquad_ro": {"alias": "xquad_ro", "f1,none": 0.5, "f1_stderr,none": 0.01},
        "mlqa_de_de": {"alias": "mlqa_de_de", "exact_match,none": 0.25, "exact_match_stderr,none": 0.01},
        "mlqa_de_ar": {"alias": "mlqa_de_ar", "exact_match,none": 0.125, "exact_match_stderr,none": 0.01},
        "tydiqa_goldp_sw": {"alias": "tydiqa_goldp_sw", "f1,none": 0.75, "f1_stderr,none": 0.02},
        "gsm8k": {"alias": "gsm8k", "exact_match,strict-match": 0.1, "exact_match_stderr,strict-match": 0.01},
    },
    "groups": {"xnli": {"acc,none": 0.5, "acc_stderr,none": 0.002, "alias": "xnli"}},
    "group_subtasks": {"xnli": ["xnli_de"], "xquad_el": [], "gsm8k": []},
    "configs": {
        "xnli_de": {
            "task": "xnli_de",
            "dataset_path": "facebook/xnli",
            "training_split": "train",
            "validation_split": "validation",
            "num_fewshot": 0,
            "metadata": {"version": 1.0},
        },
        "xquad_el": {"task": "xquad_el", "dataset_path": "google/xquad", "validation_split": "validation"},
        "mlqa_de_de": {"task": "mlqa_de_de", "test_split": "test", "validation_split": "validation"},
        "tydiqa_goldp_sw": {"training_split": "train", "validation_split": "validation", "fewshot_split": "train"},
    },
    "versions": {"xnli": 1.0, "xnli_de": 1.0, "xquad_el": 1.0},
    "n-shot": {"xnli_de": 0, "xquad_el": 0},
    "higher_is_better": {"xnli_de": {"acc": True}},
    "n-samples": {
        "xnli_de": {"original": 2490, "effective": 100},
        "xquad_el": {"original": 1190, "effective": 100},
    },
    "config": {
        "model": "hf",
        "model_args": {"pretrained": "some/model", "trust_remote_code": True},
        "model_dtype": "torch.bfloat16",
        "limit": 100.0,
        "bootstrap_iters": 100000,
    },
    "git_hash": "abc1234",
    "date": 1768964383.8,
    "transformers_version": "4.57.6",
    "lm_eval_version": "0.4.9.2",
    "task_hashes": {"xnli_de": "41e4"},
    "model_source": "hf",
    "model_name": "some/model",
    "model_name_sanitized": "some__model",
    "total_evaluation_time_seconds": "12.5",
}
# As 0.3 and earlier wrote it.
LM_EVAL_OLD = {
    "results": {
        "xnli_hi": {"acc": 0.375, "acc_stderr": 0.0068},
        "pawsx_de": {"acc": 0.5465, "acc_stderr": 0.011},
    },
    "versions": {"xnli_hi": 0, "pawsx_de": 0},
    "config": {
        "model": "hf-causal-experimental",
        "model_args": "pretrained=some/model,dtype=float16",
        "num_fewshot": 0,
        "batch_size": "auto",
        "limit": None,
        "bootstrap_iters": 100000,
        "description_dict": {},
    },
}
# As 1.11 and later write it; the file was filled up by a later version.
MTEB = {
    "dataset_revision": "69e8f12da6e31d59addadda9a9c8a2e601a0e282",
    "task_name": "Tatoeba",
    "mteb_version": "1.36.32-1.39.7",
    "evaluation_time": 14.5,
    "kg_co2_emissions": None,
    "scores": {
        "test": [
            {
                "precision": 0.9612,
                "recall": 0.975,
                "f1": 0.97,
                "accuracy": 0.975,
                "main_score": 0.97,
                "hf_subset": "deu-eng",
                "languages": ["deu-Latn", "eng-Latn"],
                "mteb_version": "1.39.7",
            },
            {
                "precision": 0.55,
                "recall": 0.6,
                "f1": 0.57,
                "accuracy": 0.6,
                "main_score": 0.57,
                "hf_subset": "swh-eng",
                "languages": ["swh-Latn", "eng-Latn"],
            },
            {
                "precision": 0.08,
                "recall": 0.1,
                "f1": 0.09,
                "accuracy": 0.1,
                "main_score": 0.09,
                "hf_subset": "xho-eng",
                "languages": ["xho-Latn", "eng-Latn"],
            },
        ]
    },
}
# As versions before 1.11 wrote it.
MTEB_OLD = {
    "dataset_version": None,
    "mteb_version": "0.0.2",
    "test": {
        "de-en": {"accuracy": 0.99, "f1": 0.985, "precision": 0.98, "recall": 0.99},
        "evaluation_time": 1053.52,
        "zh-en": {"accuracy": 0.97, "f1": 0.9625, "precision": 0.96, "recall": 0.97},
    },
    "mteb_dataset_name": "BUCC",
}
# A result of lm-evaluation-harness as every_eval_ever 0.3 converts it.
CONVERTED = {
    "schema_version": "0.3.0",
    "evaluation_id": "xnli_de/some/model/1768964383",
    "retrieved_timestamp": "1768964383",
    "source_metadata": {
        "source_name": "lm-evaluation-harness",
        "source_type": "evaluation_run",
        "source_organization_name": "Somebody",
        "evaluator_relationship": "first_party",
    },
    "eval_library": {"name": "lm_eval", "version": "0.4.9.2"},
    "model_info": {
        "name": "some/model",
        "id": "some/model",
        "developer": "some",
        "inference_engine": {"name": "transformers"},
        "additional_details": {"deployment_type": "unknown", "model_availability": "unknown"},
    },
    "evaluation_results": [
        {
            "evaluation_result_id": "acc",
            "evaluation_name": "xnli_de",
            "source_data": {
                "dataset_name": "xnli_de",
                "source_type": "hf_dataset",
                "hf_repo": "facebook/xnli",
                "hf_split": "validation",
            },
            "evaluation_timestamp": "1768964383",
            "metric_config": {
                "evaluation_description": "acc",
                "metric_id": "accuracy",
                "metric_name": "acc",
                "metric_kind": "accuracy",
                "metric_unit": "proportion",
                "lower_is_better": False,
                "score_type": "continuous",
                "min_score": 0.0,
                "max_score": 1.0,
            },
            "score_details": {
                "score": 0.57,
                "uncertainty": {"standard_error": {"value": 0.0125, "method": "analytic"}, "num_samples": 2490},
            },
        },
        {
            "evaluation_name": "mmlu",
            "source_data": {"dataset_name": "mmlu", "source_type": "other"},
            "metric_config": {"lower_is_better": False},
            "score_details": {"score": 0.5},
        },
    ],
}
