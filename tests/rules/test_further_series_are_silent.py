"""Healthy runs stay healthy whatever else their frameworks log: engines, rollouts, entropy, counts, throughput."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rule_logs import (
    Level,
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

from barograph.core.finding import Severity
from barograph.engine.judge import judge

Series = dict[str, tuple[float, float, float]]

#: Where each series begins and ends in good health, and its scatter from row to row.
OF_LANGUAGE: Series = {
    "token_accuracy": (0.62, 0.60, 0.02),
    "entropy": (0.90, 0.72, 0.05),
    "logit_chosen": (-1.2, -1.7, 0.15),
    "logit_rejected": (-1.1, -1.9, 0.15),
}
OF_SPEED: Series = {"tokens_per_second": (5200, 4900, 300), "samples_per_second": (3.1, 2.9, 0.3)}
OF_ENGINES: Series = {
    "kl_infer": (0.0008, 0.0012, 0.0004),
    "logp_diff_mean": (0.012, 0.016, 0.003),
    "prob_diff_mean": (0.004, 0.005, 0.001),
    "is_ratio_mean": (1.0, 0.99, 0.01),
    "ess": (0.97, 0.92, 0.02),
    "filtered_frac": (0.01, 0.02, 0.01),
    "mult_prob_error": (1.008, 1.010, 0.003),
    "staleness_mean": (1.0, 2.0, 0.3),
    "staleness_max": (2.0, 4.0, 0.8),
    "error_frac": (0.01, 0.01, 0.01),
    "aborted_frac": (0.0, 0.01, 0.01),
    "tool_failure_freq": (0.4, 0.1, 0.08),
    "repetition_frac": (0.01, 0.03, 0.01),
}
OF_GROUPS: Series = {
    "solved_none_frac": (0.5, 0.25, 0.08),
    "solved_all_frac": (0.1, 0.4, 0.08),
    "adv_mean": (0.0, 0.0, 0.05),
    "adv_std": (0.97, 0.97, 0.02),
    "adv_max": (2.4, 2.4, 0.3),
    "adv_min": (-2.4, -2.4, 0.3),
    "reward_component/format": (0.4, 0.97, 0.03),
    "reward_component/answer": (0.1, 0.45, 0.05),
}
MORE: dict[str, tuple[Callable[..., Log], Series]] = {
    "dpo": (healthy_dpo, {**OF_LANGUAGE, **OF_SPEED, "nll_loss": (1.50, 1.49, 0.08)}),
    "kto": (healthy_kto, {**OF_LANGUAGE, **OF_SPEED, "count_chosen": (8, 8, 2), "count_rejected": (7, 7, 2)}),
    "orpo": (
        healthy_orpo,
        {**OF_LANGUAGE, "log_odds": (0.05, 0.6, 0.1), "nll_loss": (1.6, 1.3, 0.08), "logp_chosen": (-1.35, -1.1, 0.05)},
    ),
    "sft": (healthy_sft, {"token_accuracy": (0.60, 0.68, 0.02), **OF_SPEED}),
    "grpo": (healthy_grpo, {**OF_ENGINES, **OF_GROUPS, **OF_SPEED}),
    "ppo": (healthy_ppo, {**OF_ENGINES, **OF_SPEED, "kl_coef": (0.05, 0.2, 0.002)}),
    "reward": (healthy_reward, OF_SPEED),
    "classifier": (healthy_classifier, OF_SPEED),
}
#: The same on held-out data, at every evaluation.
HELD_OUT: dict[str, dict[str, tuple[Level, float]]] = {
    "grpo": {"eval.task_accuracy": (learning(300, 0.40, 0.55), 0.02)},
    "reward": {"eval.rm_margin": (learning(300, 0.0, 1.0), 0.03)},
    "classifier": {
        "eval.cls_confidence": (learning(300, 0.58, 0.90), 0.01),
        "eval.cls_true_positives": (learning(300, 330, 510), 5),
        "eval.cls_false_negatives": (learning(300, 270, 90), 5),
        "eval.cls_true_negatives": (learning(300, 220, 352), 5),
        "eval.cls_false_positives": (learning(300, 180, 48), 5),
    },
}


@pytest.mark.parametrize("name", MORE)
def test_nothing_above_a_remark(name: str) -> None:
    build, series = MORE[name]
    for seed in range(10):
        log = build(300, 1, seed)
        for key, (begin, end, scatter) in series.items():
            shares = key.endswith(("_frac", "_freq")) or key == "ess"
            log.put(key, learning(300, begin, end), scatter, **({"low": 0.0, "high": 1.0} if shares else {}))
        for key, (level, scatter) in HELD_OUT.get(name, {}).items():
            log.put(key, level, scatter, at=log.evaluations(15))
        loud = [f.says for f in judge(log.run(), evaluator="scan").findings if f.severity > Severity.INFO]
        assert not loud, f"seed {seed}: {loud}"
