"""Frameworks whose logs are JSON lines: that their keys, units and steps come out right."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.base import Document
from barograph.sources.catalogue import recognise
from barograph.sources.runs import How, read_each, read_run

SAMPLES = Path(__file__).parent.parent / "samples"


def logged(path: Path) -> dict[str, list[tuple[int, float]]]:
    return {key: [(step, float(value)) for step, value in points]
            for key, points in json.loads(path.read_text()).items()}  # fmt: skip


def by_raw_key(run: Run) -> dict[str, list[tuple[int, float]]]:
    return {
        column.raw: [(run.steps[at], value) for at, value in zip(column.at, column.values, strict=True)]
        for column in run.columns.values()
    }


def must_be(read: list[tuple[int, float]], meant: list[tuple[int, float]]) -> None:
    assert [step for step, _ in read] == [step for step, _ in meant]
    assert [repr(value) for _, value in read] == [repr(value) for _, value in meant]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


# ms-swift


def test_ms_swift() -> None:
    run = read_run(SAMPLES / "ms_swift")
    read, meant = by_raw_key(run), logged(SAMPLES / "ms_swift" / "expected.json")
    for key in ("loss", "grad_norm", "rewards/margins", "rewards/accuracies", "logps/chosen", "eval_loss",
                "eval_rewards/margins"):  # fmt: skip
        assert [step for step, _ in read[key]] == [step for step, _ in meant[key]]
        for (_, value), (_, value_meant) in zip(read[key], meant[key], strict=True):
            assert math.isclose(value, value_meant, abs_tol=6e-9) or (math.isnan(value) and math.isnan(value_meant))
    assert (run.source, run.method.value, run.last_step, run.config["max_steps"]) == ("jsonl", "dpo", 20, 20)
    assert run.columns["step_time"].raw == "train_speed(s/it)"


def test_ms_swift_with_megatron(tmp_path: Path) -> None:
    rows = [{"iteration": f"{step}/100", "loss": 0.6, "rewards/chosen": 0.1, "rewards/rejected": 0.0,
             "rewards/accuracies": 0.7} for step in (5, 10)]  # fmt: skip
    run = read_run(write(tmp_path / "logging.jsonl", rows))
    assert (list(run.steps), run.config["max_steps"], run.method.value) == ([5, 10], 100, "dpo")


# prime-rl


def test_prime_rl() -> None:
    run = read_run(SAMPLES / "prime_rl" / "metrics.jsonl")
    read, meant = by_raw_key(run), logged(SAMPLES / "prime_rl" / "expected.json")
    for key in set(meant) - set(run.unknown_keys):
        must_be(read[key], meant[key])
    raws = {name: column.raw for name, column in run.columns.items()}
    assert raws == {
        "loss": "loss/mean",
        "entropy": "entropy/all/mean",
        "kl_infer": "mismatch_kl/all/mean",
        "clip_frac": "is_masked/mean",
        "lr": "optim/lr",
        "grad_norm": "optim/grad_norm",
        "tokens_per_second": "perf/throughput",
        "step_time": "time/step",
    }
    assert (run.source, run.method.value, run.first_step, run.last_step) == ("prime_rl", "grpo", 1, 20)


def test_prime_rl_leaves_out_what_is_not_finite() -> None:
    """In the sample the gradient norm of step 11 was NaN, and is missing beside its rate."""
    run = read_run(SAMPLES / "prime_rl" / "metrics.jsonl")
    gaps = [step for step, value in by_raw_key(run)["optim/grad_norm"] if math.isnan(value)]
    assert gaps == [11]
    assert any(note.startswith("`optim/grad_norm` is missing in 1 row: read as NaN") for note in run.notes)


def test_prime_rl_without_gradient_norms_has_no_gaps(tmp_path: Path) -> None:
    rows = [{"step": step, "time": 1.0 * step, "optim/lr": 1e-6, "mismatch_kl/all/mean": 0.1} for step in (1, 2)]
    run = read_run(write(tmp_path / "metrics.jsonl", rows))
    assert "grad_norm" not in run.columns
    assert run.source == "prime_rl"


def test_the_orchestrator_of_prime_rl(tmp_path: Path) -> None:
    rows = [
        {"step": step, "time": 1.0, "reward/all/mean": 0.25, "is_truncated/all/mean": 0.125, "solve_none/all": 0.25,
         "solve_all/all": 0.125, "effective_batch_size/all": 0.625, "decode_len/all/mean": 300.0,
         "progress/total_problems": 9, "val_reward/x": 1.0}
        for step in (0, 1)
    ]  # fmt: skip
    run = read_run(write(tmp_path / "metrics.jsonl", rows))
    assert run.method.value == "grpo"
    values = {name: run.latest(name) for name in run.columns}
    assert (
        values.items()
        >= {
            "score_mean": 0.25,
            "truncated_frac": 0.125,
            "zero_std_frac": 0.375,
            "solved_none_frac": 0.25,
            "solved_all_frac": 0.125,
            "len_mean": 300.0,
        }.items()
    )


def test_a_second_run_of_prime_rl_is_appended(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    text = (SAMPLES / "prime_rl" / "metrics.jsonl").read_text()
    log.write_text(text + text)
    runs = list(read_each(log, How()))
    assert [run.attempt for run in runs if isinstance(run, Run)] == [1, 2]


# tinker-cookbook


@pytest.mark.parametrize(("kind", "method", "last"), [("rl", "grpo", 11), ("dpo", "dpo", 19)])
def test_tinker(kind: str, method: str, last: int) -> None:
    run = read_run(SAMPLES / "tinker" / kind)
    read, meant = by_raw_key(run), logged(SAMPLES / "tinker" / kind / "expected.json")
    for key in set(meant) & set(read):
        if key != "env/all/by_group/frac_mixed":
            must_be(read[key], meant[key])
    assert len(set(meant) & set(read)) >= 6
    assert (run.source, run.method.value, run.first_step, run.last_step) == ("tinker", method, 0, last)
    assert (run.config["model_name"], run.config["lora"]) == ("Qwen/Qwen3-4B", True)


def test_what_tinker_means() -> None:
    run = read_run(SAMPLES / "tinker" / "rl")
    mixed = logged(SAMPLES / "tinker" / "rl" / "expected.json")["env/all/by_group/frac_mixed"]
    assert list(run.columns["zero_std_frac"].values) == [1.0 - value for _, value in mixed]
    raws = {name: column.raw for name, column in run.columns.items()}
    assert (
        raws.items()
        >= {
            "score_mean": "env/all/reward/total",
            "len_mean": "env/all/ac_tokens_per_turn",
            "kl_infer": "optim/kl_sample_train_v2",
            "entropy": "optim/entropy",
            "solved_none_frac": "env/all/by_group/frac_all_bad",
            "eval/test.score_mean": "test/env/all/reward/total",
        }.items()
    )
    dpo = read_run(SAMPLES / "tinker" / "dpo")
    assert dpo.config["beta"] == 0.1
    # It counts the tokens of a batch under a name that elsewhere counts them all.
    tokens = logged(SAMPLES / "tinker" / "dpo" / "expected.json")["num_tokens"]
    assert list(dpo.columns["tokens_in_step"].values) == [value for _, value in tokens]
    assert "tokens_seen" not in dpo.columns


@pytest.mark.parametrize("config", [None, "", "[1]", '{"architectures": ["X"], "hidden_size": 8}', "{"])
def test_settings_of_somebody_else_beside_tinker(tmp_path: Path, config: str | None) -> None:
    shutil.copy(SAMPLES / "tinker" / "dpo" / "metrics.jsonl", tmp_path)
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    run = read_run(tmp_path)
    assert (run.source, run.config) == ("tinker", {})


def test_no_settings_are_looked_for_beside_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = SAMPLES / "tinker" / "dpo"
    monkeypatch.chdir(folder)
    source = recognise(Document("-", (folder / "metrics.jsonl").read_bytes()))
    assert (source.name, source.facts_beside("-")) == ("tinker", {})


# NeMo-RL


def samples_of_nemo(tmp_path: Path) -> None:
    for step in (1, 2):
        rows = [{"content": ["2 + 2?", "4"], "rewards": [1.0], "generation_logprobs": [-0.1, -0.2],
                 "input_lengths": [12], "idx": index} for index in range(4)]  # fmt: skip
        write(tmp_path / f"train_data_step{step}.jsonl", rows)


def test_samples_that_nemo_dumps_are_no_metrics(tmp_path: Path) -> None:
    samples_of_nemo(tmp_path)
    with pytest.raises(UnreadableRun, match=r"no known metric|no numbers|no metrics"):
        read_run(tmp_path / "train_data_step1.jsonl")


def test_samples_beside_a_console_of_nemo(tmp_path: Path) -> None:
    samples_of_nemo(tmp_path)
    shutil.copy(SAMPLES / "nemo_rl" / "console.log", tmp_path / "ray-driver.log")
    (run,) = list(read_each(tmp_path, How()))
    assert isinstance(run, Run)
    assert (run.source, run.last_step) == ("nemo_rl", 12)


def test_the_keys_of_nemo(tmp_path: Path) -> None:
    """As its loggers for W&B and TensorBoard get them; shares of groups are in percent."""
    rows = [
        {"step": step, "train/loss": 0.1, "train/reward": 0.5, "train/probs_ratio": 1.0, "train/kl_penalty": 0.01,
         "train/gen_kl_error": 0.001, "train/token_mult_prob_error": 1.01, "train/approx_entropy": 0.4,
         "train/truncation_rate": 0.05, "train/natural_termination_rate": 0.95,
         "train/baseline_reward/pct_mixed": 60.0, "train/baseline_reward/pct_0": 30.0,
         "train/baseline_reward/pct_1": 10.0, "train/mean_gen_tokens_per_sample": 300.0,
         "validation/accuracy": 0.4}
        for step in (1, 2)
    ]  # fmt: skip
    run = read_run(write(tmp_path / "log.jsonl", rows))
    values = {name: pytest.approx(run.latest(name)) for name in run.columns}
    assert run.method.value == "grpo"
    assert values == {
        "loss": 0.1, "score_mean": 0.5, "ratio_mean": 1.0, "kl_ref": 0.01, "kl_infer": 0.001, "mult_prob_error": 1.01,
        "entropy": 0.4, "truncated_frac": 0.05, "eos_frac": 0.95, "zero_std_frac": 0.4, "solved_none_frac": 0.3,
        "solved_all_frac": 0.1, "len_mean": 300.0, "eval.task_accuracy": 0.4,
    }  # fmt: skip


# verl


def test_verls_file_logger(tmp_path: Path) -> None:
    rows = [{"step": step, "data": {"actor/pg_loss": 0.01, "critic/score/mean": 0.5, "response_length/clip_ratio": 0.02,
                                    "actor/ppo_kl": -1e-4, "actor/kl_loss": 0.002, "actor/pg_clipfrac_lower": 0.0,
                                    "rollout_corr/k3_kl": 0.001, "val-core/gsm8k/acc/mean@8": 0.6}}
            for step in (1, 2)]  # fmt: skip
    run = read_run(write(tmp_path / "project" / "experiment.jsonl", rows))
    assert (run.method.value, list(run.steps)) == ("grpo", [1, 2])
    assert {name: run.latest(name) for name in run.columns} == {
        "policy_loss": 0.01, "score_mean": 0.5, "truncated_frac": 0.02, "approx_kl": -1e-4, "kl_ref": 0.002,
        "dual_clip_frac": 0.0, "kl_infer": 0.001, "eval/gsm8k.task_accuracy": 0.6,
    }  # fmt: skip


# TRL before 0.12


def test_trls_first_ppo(tmp_path: Path) -> None:
    """As it reached W&B: histograms are lists there, and no numbers."""
    rows = [
        {"_step": step, "objective/kl": 0.5 * step, "objective/kl_dist": [0.1, 0.9], "objective/kl_coef": 0.2,
         "objective/entropy": 40.0, "ppo/mean_non_score_reward": -0.01, "ppo/mean_scores": 0.3, "ppo/std_scores": 0.1,
         "ppo/loss/policy": -0.01, "ppo/loss/value": 0.2, "ppo/loss/total": 0.01, "ppo/policy/entropy": 2.0,
         "ppo/policy/approxkl": 0.01, "ppo/policy/policykl": -0.01, "ppo/policy/clipfrac": 0.05,
         "ppo/policy/ratio": [1.0, 1.1], "ppo/policy/advantages_mean": 0.0, "ppo/returns/mean": 0.4,
         "ppo/val/vpred": 0.3, "ppo/val/clipfrac": 0.02, "ppo/val/var_explained": 0.5, "ppo/learning_rate": 1e-5,
         "tokens/queries_len_mean": 8.0, "tokens/responses_len_mean": 24.0, "env/reward_mean": 0.31,
         "env/reward_std": 0.12, "env/reward_dist": [0.1, 0.5], "time/ppo/total": 9.0}
        for step in (0, 1, 2)
    ]  # fmt: skip
    run = read_run(write(tmp_path / "history.jsonl", rows))
    assert (run.method.value, list(run.steps)) == ("ppo", [0, 1, 2])
    values = {name: run.latest(name) for name in run.columns}
    assert values.items() >= {
        "kl_ref_sequence": 1.0, "kl_coef": 0.2, "non_score_reward": -0.01, "score_mean": 0.3, "score_std": 0.1,
        "policy_loss": -0.01, "value_loss": 0.2, "loss": 0.01, "entropy": 2.0, "approx_kl": 0.01, "clip_frac": 0.05,
        "adv_mean": 0.0, "return_mean": 0.4, "value_mean": 0.3, "value_clip_frac": 0.02, "explained_var": 0.5,
        "lr": 1e-5, "prompt_len_mean": 8.0, "len_mean": 24.0, "step_time": 9.0,
    }.items()  # fmt: skip
    assert "kl_ref" not in values
    assert any("`objective/kl_dist` is a list" in note for note in run.notes)
