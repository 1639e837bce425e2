"""A healthy run is called healthy, however long it is, however often it was logged, whatever its beta."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import pytest
from rule_logs import (
    Log,
    healthy_classifier,
    healthy_dpo,
    healthy_grpo,
    healthy_kto,
    healthy_orpo,
    healthy_ppo,
    healthy_reward,
    healthy_sft,
    learning,
)

import barograph
from barograph.core.finding import Severity, Verdict
from barograph.core.methods import Method
from barograph.core.run import run_from_rows
from barograph.engine.judge import judge

SEEDS = range(10)
#: Lengths of the runs that are logged every so many steps; taken in turn, seed by seed.
LENGTHS = {1: (60, 145, 300, 400), 5: (60, 150, 500, 1500), 10: (60, 200, 1000, 3000), 25: (100, 300, 1200, 3000)}

Build = Callable[[int, int, int], Log]


def preference(build: Callable[..., Log], beta: float, **options: object) -> Build:
    return lambda steps, every, seed: build(steps, every, seed, beta=beta, **options)


def of_unknown_beta(build: Callable[..., Log], beta: float) -> Build:
    """As most logs are: the configuration is not in them."""

    def log(steps: int, every: int, seed: int) -> Log:
        made = build(steps, every, seed, beta=beta)
        made.config.clear()
        return made

    return log


def growing_answers(steps: int, every: int, seed: int) -> Log:
    """Reasoning that pays off: answers three times as long, and a better score."""
    log = healthy_grpo(steps, every, seed)
    return log.put("len_mean", learning(steps, 220, 700), 20 * log.smoothing)


def sharpening(steps: int, every: int, seed: int) -> Log:
    """A task that is learned soon: the score rises to 0.9 and most of the entropy goes."""
    log = healthy_grpo(steps, every, seed)
    log.put("score_mean", learning(steps, 0.1, 0.9, speed=6), 0.06 * log.smoothing, low=0.0, high=1.0)
    return log.put("entropy", learning(steps, 0.5, 0.07, speed=6), 0.01 * log.smoothing, low=0.005)


def human_pairs(steps: int, every: int, seed: int) -> Log:
    """Noisy labels: an accuracy of two thirds and a loss of 0.6 are all there is."""
    log = healthy_reward(steps, every, seed)
    log.put("loss", learning(steps, 0.70, 0.60), 0.05 * log.smoothing)
    log.put("eval.loss", learning(steps, 0.70, 0.62), 0.004)
    log.put("rm_accuracy", learning(steps, 0.51, 0.68), 0.06 * log.smoothing)
    return log.put("eval.rm_accuracy", learning(steps, 0.51, 0.655), 0.008)


def rare_mistakes(steps: int, every: int, seed: int) -> Log:
    """A step classifier on data of which four fifths are right."""
    log = healthy_classifier(steps, every, seed)
    log.put("loss", learning(steps, 0.6, 0.2), 0.04 * log.smoothing, low=0.02)
    log.put("eval.loss", learning(steps, 0.5, 0.22), 0.002)
    for name, end in (("accuracy", 0.93), ("precision", 0.95), ("recall", 0.96), ("f1", 0.955), ("specificity", 0.7)):
        log.put(f"eval.cls_{name}", learning(steps, end - 0.15, end), 0.006)
    return log


HEALTHY: dict[str, Build] = {
    **{f"dpo, beta {beta}": preference(healthy_dpo, beta, evaluations=6) for beta in (0.01, 0.1, 0.5)},
    **{f"kto, beta {beta}": preference(healthy_kto, beta) for beta in (0.01, 0.1, 0.5)},
    "dpo, unknown beta of 0.01": of_unknown_beta(healthy_dpo, 0.01),
    "dpo, unknown beta of 0.5": of_unknown_beta(healthy_dpo, 0.5),
    "orpo": healthy_orpo,
    "sft": healthy_sft,
    "grpo": healthy_grpo,
    "grpo, growing answers": growing_answers,
    "grpo, sharpening": sharpening,
    "ppo": healthy_ppo,
    "reward": healthy_reward,
    "reward, human pairs": human_pairs,
    "classifier": healthy_classifier,
    "classifier, rare mistakes": rare_mistakes,
}


@pytest.mark.parametrize("every", LENGTHS)
@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_above_a_remark(name: str, every: int) -> None:
    lengths = LENGTHS[every]
    for seed in SEEDS:
        steps = lengths[seed % len(lengths)]
        diagnosis = judge(HEALTHY[name](steps, every, seed).run(), evaluator="scan")
        loud = [f"{f.code} at step {f.step}: {f.says}" for f in diagnosis.findings if f.severity > Severity.INFO]
        assert not loud, f"{steps} steps, seed {seed}: {loud}"
        assert diagnosis.verdict is Verdict.HEALTHY
        assert not diagnosis.causes


@pytest.mark.parametrize("every", [1, 5, 10, 25])
def test_a_margin_that_is_noise_around_zero_is_not_called_negative(every: int) -> None:
    """A slow learner: for half of the run nothing but noise, of one nat either way, then it learns."""
    for seed in range(60):
        rng = random.Random(seed)
        steps = 100 * every
        rows = []
        for step in range(every, steps + 1, every):
            half = rng.gauss(0, 0.025)
            learned = 0.5 * max(0.0, step / steps - 0.5)
            rows.append(
                (step, {"loss": 0.693 - 0.3 * learned + rng.gauss(0, 0.01), "reward_chosen": half + learned,
                        "reward_rejected": -half - learned, "reward_margin": 2 * (half + learned)})
            )  # fmt: skip
        codes = {finding.code for finding in judge(run_from_rows(rows, method=Method.DPO), evaluator="scan").findings}
        assert not codes & {"PREF03", "PREF05", "LOSS02"}, (seed, codes)


def test_a_solved_task_is_not_called_broken() -> None:
    """The score rises from 0.2 to exactly 1 and stays, every group with it."""
    rng = random.Random(1)
    rows = []
    for step in range(1, 301):
        score = min(1.0, 0.2 + step / 200 + (rng.gauss(0, 0.05) if step < 150 else 0.0)) if step < 160 else 1.0
        silent = min(1.0, max(0.0, (step - 60) / 100))
        rows.append((step, {"loss": rng.gauss(0, 0.001), "score_mean": score, "zero_std_frac": silent,
                            "score_std": 0.0 if step > 160 else 0.2}))  # fmt: skip
    diagnosis = judge(run_from_rows(rows, method=Method.GRPO))
    assert diagnosis.verdict is Verdict.HEALTHY, [finding.says for finding in diagnosis.findings]


@pytest.mark.parametrize("keys", [("loss", "reward", "kl", "grad_norm"), ("loss",)], ids=["few keys", "loss only"])
def test_a_grpo_log_of_few_keys_raises_nothing(keys: tuple[str, ...], tmp_path: Path) -> None:
    rng = random.Random(2)
    with (tmp_path / "log.jsonl").open("w") as file:
        for step in range(1, 301):
            row = {"loss": 1e-5 * step + rng.gauss(0, 2e-4), "reward": 0.3 + step / 600 + rng.gauss(0, 0.05),
                   "kl": 0.0002 * step, "grad_norm": abs(rng.gauss(0.4, 0.1))}  # fmt: skip
            file.write(json.dumps({"step": step, **{key: row[key] for key in keys}}) + "\n")
    diagnosis = barograph.check(tmp_path / "log.jsonl")
    assert not [finding.says for finding in diagnosis.findings if finding.severity > Severity.INFO]


def test_the_grpo_log_is_as_odd_as_real_ones() -> None:
    """What makes the silence above worth something: this loss rises, and is now and then negative."""
    losses = [list(healthy_grpo(300, seed=seed).series["loss"].values()) for seed in SEEDS]
    assert all(min(log) < 0 for log in losses)
    assert abs(mean(value for log in losses for value in log[:30])) < 0.001
    assert mean(value for log in losses for value in log[-100:]) > 0.001


@pytest.mark.parametrize("rows", [4, 6, 9])
def test_a_few_unlucky_batches_are_no_inverted_preferences(rows: int) -> None:
    """Sixteen pairs a batch at chance give 0.25 now and then; what may end a run needs more rows than these."""
    accuracies = [0.31, 0.25, 0.19, 0.31, 0.25, 0.31, 0.19, 0.25, 0.31]
    log = [
        (step, {"reward_accuracy": accuracies[step - 1], "rm_accuracy": accuracies[step - 1], "rm_margin": -0.2,
                "reward_margin": 0.01, "reward_chosen": 0.02, "reward_rejected": 0.01, "loss": 0.69})
        for step in range(1, rows + 1)
    ]  # fmt: skip
    for method in (Method.DPO, Method.REWARD):
        found = judge(run_from_rows(log, method=method, config={"max_steps": rows, "beta": 0.1})).findings
        assert not {finding.code for finding in found} & {"ACC02", "RM07"}
