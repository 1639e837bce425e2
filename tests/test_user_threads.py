"""What people asked in issue trackers, as logs: does the diagnosis give the answer that they were given?

Each log is made after the numbers that stand in the thread, under the keys of its framework, with noise of the size
that its batches leave. Where the answer was that nothing is wrong, nothing may be said.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import barograph
from barograph.core.finding import Diagnosis, Finding, Severity, Verdict

Level = float | Callable[[int], float]
#: A level alone, or with the scatter from row to row.
Series = Level | tuple[Level, float]
Row = dict[str, float]
Ask = Callable[..., Diagnosis]


def ramp(begin: float, end: float, since: int, until: int) -> Callable[[int], float]:
    return lambda step: begin + (end - begin) * min(max((step - since) / (until - since), 0.0), 1.0)


def log_of(steps: int, series: dict[str, Series], every: int = 1) -> list[Row]:
    """Rows of a trainer that logs every so many steps."""
    rng = random.Random(",".join(series))
    rows = []
    for step in range(every, steps + 1, every):
        row: Row = {"step": step}
        for key, given in series.items():
            level, scatter = given if isinstance(given, tuple) else (given, 0.0)
            row[key] = (level(step) if callable(level) else level) + (rng.gauss(0.0, scatter) if scatter else 0.0)
        rows.append(row)
    return rows


def pairs(
    steps: int,
    chosen: Level,
    rejected: Level,
    rate: float,
    *,
    beta: float = 0.1,
    every: int = 10,
    noise: float = 0.3,
    **more: Series,
) -> list[Row]:
    """A log of TRL's DPO trainer: the margin, its loss and its accuracy follow from the rewards."""
    rows = log_of(
        steps,
        {
            "rewards/chosen": (chosen, noise * beta),
            "rewards/rejected": (rejected, noise * beta),
            "learning_rate": lambda step: rate * min(step / (0.1 * steps), 1.0),
            "grad_norm": (4.0, 0.8),
            **more,
        },
        every,
    )
    rng = random.Random(steps)
    for row in rows:
        margin = row["rewards/chosen"] - row["rewards/rejected"]
        row["rewards/margins"] = margin
        # As wide as it is high, the margin of single pairs gives 0.84 of them to the chosen answer.
        row.setdefault(
            "rewards/accuracies", min(1.0, 0.5 + 0.34 * min(abs(margin) / (2 * beta), 1.0) + rng.gauss(0, 0.03))
        )
        row.setdefault("loss", math.log1p(math.exp(-margin)) + 0.1 * min(abs(margin), 1.0) + rng.gauss(0, 0.01))
        row["logps/chosen"] = -250 + row["rewards/chosen"] / beta + rng.gauss(0, 20)
        row["logps/rejected"] = -240 + row["rewards/rejected"] / beta + rng.gauss(0, 20)
    return rows


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """What is said of a log, given its method and settings."""

    def asked(rows: Iterable[Row], method: str, **config: object) -> Diagnosis:
        (tmp_path / "logs").mkdir(exist_ok=True)
        (tmp_path / "run.json").write_text(json.dumps({"method": method, "config": config, "state": "finished"}))
        (tmp_path / "logs/training_metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return barograph.check(tmp_path)

    return asked


def loud(diagnosis: Diagnosis) -> set[str]:
    return {finding.code for finding in diagnosis.findings if finding.severity > Severity.INFO}


def causes(diagnosis: Diagnosis) -> list[str]:
    return [cause.name for cause in diagnosis.causes]


def found(diagnosis: Diagnosis, code: str) -> Finding:
    return next(finding for finding in diagnosis.findings if finding.code == code)


def says_nothing_is_wrong(diagnosis: Diagnosis) -> bool:
    return not loud(diagnosis) and diagnosis.verdict is Verdict.HEALTHY


# 1 to 6: DPO


def test_both_rewards_fall_for_the_loss_asks_for_a_difference_only(ask: Ask) -> None:
    """hiyouga/LlamaFactory#6153, huggingface/trl#800, OpenRLHF/OpenRLHF#1054: beta 0.1, an adapter at 5e-5."""
    rows = pairs(3000, ramp(0, -4, 0, 3000), ramp(0, -7, 0, 3000), 5e-5, every=50)
    diagnosis = ask(rows, "dpo", beta=0.1, learning_rate=5e-5)
    assert causes(diagnosis)[0] == "pairs too alike: likelihood displacement"
    assert "LIK01" in loud(diagnosis)
    assert any("likelihood" in advice for advice in found(diagnosis, "LIK01").advice)


def test_half_a_unit_at_a_small_beta_is_as_far(ask: Ask) -> None:
    """hiyouga/LlamaFactory#7643: beta 0.01, so that -0.5 are 50 nats."""
    rows = pairs(3000, ramp(0, -0.5, 0, 3000), ramp(0, -0.8, 0, 3000), 5e-6, beta=0.01, noise=2.0)
    diagnosis = ask(rows, "dpo", beta=0.01, learning_rate=5e-6)
    assert causes(diagnosis)[0] == "pairs too alike: likelihood displacement"
    assert "LIK01" in loud(diagnosis)


def test_both_rewards_a_little_below_zero_are_no_alarm(ask: Ask) -> None:
    """eric-mitchell/direct-preference-optimization#8: "definitely not a sign that the model is degenerate"."""
    rows = pairs(1000, ramp(0, -0.4, 0, 1000), ramp(0, -1.3, 0, 1000), 5e-7)
    assert says_nothing_is_wrong(ask(rows, "dpo", beta=0.1, learning_rate=5e-7))


def test_a_margin_of_eight_and_worse_answers(ask: Ask) -> None:
    """eric-mitchell/direct-preference-optimization#36: an adapter at 4.6e-4, margin 8.5, log-probs dropping."""
    rows = pairs(1000, ramp(0, -6, 0, 600), ramp(0, -14.5, 0, 600), 4.6e-4, noise=3.0)
    diagnosis = ask(rows, "dpo", beta=0.1, learning_rate=4.6e-4)
    assert diagnosis.verdict is not Verdict.HEALTHY
    assert "learning rate too high" in causes(diagnosis)[:2]
    assert "4.6e-04" in found(diagnosis, "RATE04").says
    assert "LIK01" in loud(diagnosis)


def collapsed(start: float) -> list[Row]:
    """Rewards of +10 on both sides in the first row or not; from a tenth on margins of 15 to 23, and no loss."""
    rows = pairs(
        500, ramp(start, 3.5, 1, 40), ramp(start, -14, 1, 40), 6e-5, every=1, noise=15,
        **{"rewards/accuracies": lambda step: 1.0 if step > 20 else 0.75},
    )  # fmt: skip
    for row in rows:
        row["loss"] = max(0.0, round(math.log1p(math.exp(-row["rewards/margins"])), 4))
    return rows


def test_a_loss_of_zero_is_no_success(ask: Ask) -> None:
    """huggingface/trl#1236: loss 0.0, accuracy 1.0, margins of 15 to 23 at 6e-5."""
    diagnosis = ask(collapsed(0.0), "dpo", beta=0.1, learning_rate=6e-5, max_steps=500)
    assert diagnosis.verdict is Verdict.UNHEALTHY
    assert causes(diagnosis)[0] == "over-training on the pairs"
    assert "PREF06" in loud(diagnosis)


def test_rewards_of_ten_in_the_first_row_are_not_from_training(ask: Ask) -> None:
    """huggingface/trl#1236, the beginning: a reference that is the start policy gives zero."""
    diagnosis = ask(collapsed(10.0), "dpo", beta=0.1, learning_rate=6e-5, max_steps=500)
    assert found(diagnosis, "PREF02").step == 1
    assert "reference is not the start policy" in causes(diagnosis)


def test_an_accuracy_about_one_half(ask: Ask) -> None:
    """huggingface/trl#2194: loss 0.6 to 0.8, accuracy about 0.5, on pairs that had been put in another order."""
    rows = pairs(2000, 0.0, 0.0, 5e-6, noise=2.5, **{"loss": (0.7, 0.03), "rewards/accuracies": (0.5, 0.08)})
    diagnosis = ask(rows, "dpo", beta=0.1, learning_rate=5e-6)
    assert causes(diagnosis)[0] == "labels carry little information"
    assert "ACC01" in loud(diagnosis)


def test_log_probabilities_of_exactly_zero_are_sums_over_nothing(ask: Ask) -> None:
    """Yifan-Song793/ETO#14: loss 0.6931, every log-probability 0.0: the answers had been masked away."""
    nothing = {f"{what}/{of}": 0.0 for what in ("rewards", "logps") for of in ("chosen", "rejected")}
    rows = log_of(200, {"loss": 0.6931, "rewards/margins": 0.0, "rewards/accuracies": 0.0, **nothing, "grad_norm": 0.0})
    diagnosis = ask(rows, "dpo", beta=0.1)
    assert causes(diagnosis)[0] == "nothing is trainable"
    assert "LIK12" in loud(diagnosis)
    assert any("mask" in advice for advice in found(diagnosis, "LIK12").advice)


def test_an_accuracy_that_is_only_ever_nought_or_one(ask: Ask) -> None:
    """huggingface/trl#2371: one pair in a row."""
    rng = random.Random(0)
    rows = pairs(300, ramp(0, 0.5, 0, 300), ramp(0, -0.5, 0, 300), 5e-6, every=1, noise=2)
    for row in rows:
        row["rewards/accuracies"] = float(rng.random() < 0.5 + 0.3 * row["step"] / 300)
    diagnosis = ask(rows, "dpo", beta=0.1, learning_rate=5e-6, max_steps=300)
    assert says_nothing_is_wrong(diagnosis)
    assert "single pair" in found(diagnosis, "ACC05").says


# 7 and 8: NaN


def test_rewards_are_nan_from_the_second_step_on_in_fp16(ask: Ask) -> None:
    """huggingface/trl#878: cured by bf16 or fp32. The trainer prints 0.0 for a loss that is NaN."""
    gone = {
        f"rewards/{what}": lambda step: 0.0 if step == 1 else math.nan for what in ("chosen", "rejected", "margins")
    }
    rows = log_of(50, {"loss": lambda step: 0.6931 if step == 1 else 0.0, **gone, "learning_rate": 5e-6})
    diagnosis = ask(rows, "dpo", beta=0.1, fp16=True)
    assert causes(diagnosis)[0] == "number range overflows"
    assert "NUM03" in loud(diagnosis)


def test_nan_in_the_logged_logits_alone_harms_nothing(ask: Ask) -> None:
    """huggingface/trl#2435: loss and rewards are numbers."""
    rows = pairs(500, ramp(0, 0.4, 0, 500), ramp(0, -0.8, 0, 500), 1e-6, **{"logits/chosen": math.nan})
    diagnosis = ask(rows, "dpo", beta=0.1, learning_rate=1e-6)
    assert says_nothing_is_wrong(diagnosis)
    assert "not the training" in found(diagnosis, "NUM05").says


def test_one_class_is_nan_for_it_was_not_in_the_batch(ask: Ask) -> None:
    """huggingface/trl#1447 and #1380: the first rows as they stand there; larger or balanced batches."""
    nan = math.nan
    table = [
        (1.0431, 0.0, 0.0, 0.0),
        (nan, 0.0, nan, 0.0),
        (nan, nan, nan, 0.1548),
        (nan, 0.0652, nan, 0.4395),
        (nan, 0.3088, 0.2354, 1.231),
        (nan, 0.3211, nan, 1.304),
    ]
    rows = [
        {
            "step": step,
            "loss": loss,
            "rewards/chosen": chosen,
            "rewards/rejected": rejected,
            "kl": kl,
            "grad_norm": 42.0,
        }
        for step, (loss, chosen, rejected, kl) in enumerate(table, 1)
    ]
    diagnosis = ask(rows, "kto", beta=0.1, max_steps=1000)
    assert causes(diagnosis)[0] == "batch too small for KTO"
    assert found(diagnosis, "NUM01").follows == "KTO08"


# 9 and 10: KTO


def kto(steps: int, chosen: Level, rejected: Level, kl: Series, rate: float, noise: float, **more: Series) -> list[Row]:
    rows = pairs(steps, chosen, rejected, rate, noise=noise, kl=kl, **more)
    for row in rows:
        del row["rewards/accuracies"]
        low, high = (1 / (1 + math.exp(row["rewards/chosen"])), 1 / (1 + math.exp(-row["rewards/rejected"])))
        row["loss"] = (low + high) / 2
        row["kl"] = max(row["kl"], 0.0)
    return rows


def test_the_kl_of_kto_falls_to_zero_and_stays(ask: Ask) -> None:
    """ContextualAI/HALOs#24, hiyouga/LlamaFactory#8655, huggingface/trl#2554: one example on each device."""
    rows = kto(2000, ramp(0, 1.25, 0, 400), ramp(0, 0.2, 0, 400), ramp(0.1, -0.5, 0, 200), 4.8e-6, 2.0)
    diagnosis = ask(rows, "kto", beta=0.1, learning_rate=4.8e-6, per_device_train_batch_size=1)
    assert causes(diagnosis)[0] == "batch too small for KTO"
    assert {"KTO02", "KTO04"} <= loud(diagnosis)
    # With enough examples the same is a remark: the estimate is clamped at zero.
    assert says_nothing_is_wrong(ask(rows, "kto", beta=0.1, learning_rate=4.8e-6, per_device_train_batch_size=8))


def test_kto_hardly_learns_at_a_tiny_rate(ask: Ask) -> None:
    """huggingface/trl#2153, modelscope/ms-swift#2167: 5e-7 was too low, and is not the default any more."""
    rows = kto(500, ramp(0, 0.01, 0, 500), ramp(0, -0.01, 0, 500), (0.02, 0.01), 5e-7, 0.05)
    diagnosis = ask(rows, "kto", beta=0.1, learning_rate=5e-7)
    assert causes(diagnosis)[0] == "learning rate too low"
    assert "PREF04" in loud(diagnosis) or "LOSS01" in loud(diagnosis)


def test_kto_with_ten_bad_answers_for_each_good_one(ask: Ask) -> None:
    """huggingface/trl#1474: the weights are to bring the classes to between 1 to 1 and 4 to 3."""
    rows = kto(
        1000, ramp(0, 0.3, 0, 1000), ramp(0, -0.9, 0, 1000), (0.5, 0.2), 1e-6, 1.0,
        **{"count/chosen": (3.0, 1.0), "count/rejected": (29.0, 1.0)},
    )  # fmt: skip
    weights = {"desirable_weight": 1.0, "undesirable_weight": 1.0}
    diagnosis = ask(rows, "kto", beta=0.1, learning_rate=1e-6, **weights)
    assert causes(diagnosis)[0] == "classes are unbalanced"
    assert loud(diagnosis) == {"KTO05"}
    assert says_nothing_is_wrong(ask(rows, "kto", beta=0.1, learning_rate=1e-6, desirable_weight=11.0))


# 11 and 12: PPO


RISING: Series = (ramp(0, 2.0, 0, 250), 0.2)


def ppo(kl: Series, score: Series = RISING, **more: Series) -> list[Row]:
    return log_of(
        300,
        {
            "objective/kl": kl,
            "objective/scores": score,
            "objective/entropy": (40.0, 1.0),
            "policy/approxkl_avg": (0.01, 0.002),
            "policy/clipfrac_avg": (0.08, 0.02),
            "val/ratio": (1.0, 0.003),
            "loss/value_avg": (0.3, 0.03),
            **more,
        },
    )


def test_a_kl_slightly_below_zero_is_noise(ask: Ask) -> None:
    """huggingface/trl#925: an estimate of something small has either sign."""
    assert says_nothing_is_wrong(ask(ppo((-0.1, 0.4)), "ppo"))


def test_a_kl_that_stays_below_zero_is_how_answers_are_sampled(ask: Ask) -> None:
    """huggingface/trl#352, #1005, #615, #1857, #1161: settings of generation."""
    diagnosis = ask(ppo((ramp(0, -6, 20, 200), 0.5)), "ppo")
    assert causes(diagnosis)[0] == "sampling does not match the policy"
    assert "KL03" in loud(diagnosis)


def test_the_score_has_settled_and_the_kl_goes_on_growing(ask: Ask) -> None:
    """huggingface/trl#204: the same answer for each prompt in the end."""
    diagnosis = ask(ppo((lambda step: 2.0 * math.exp(step / 100), 0.3), (ramp(0, 2.0, 0, 120), 0.2)), "ppo")
    assert causes(diagnosis)[0] == "reward is exploited"
    assert "KL01" in loud(diagnosis)


def test_one_massive_kl_spike_and_no_score_any_more(ask: Ask) -> None:
    """huggingface/trl#41: the steps were too large."""
    usual = ramp(0.0, 3.0, 0, 60)
    leap = (lambda step: 300.0 if step in (150, 151) else usual(step), 0.2)
    diagnosis = ask(ppo(leap, (ramp(1.5, 0.0, 149, 152), 0.1)), "ppo")
    assert causes(diagnosis)[0] == "learning rate too high"
    assert {"KL05", "RWD03"} <= loud(diagnosis)


# 13 to 17: GRPO and reward models


def grpo(steps: int = 300, **more: Series) -> list[Row]:
    """A log of TRL's GRPO trainer in good health."""
    return log_of(
        steps,
        {
            "loss": (lambda step: 2e-6 * step, 2e-5),
            "grad_norm": (0.1, 0.02),
            "learning_rate": 1e-6,
            "reward": (ramp(0.3, 0.7, 0, steps), 0.06),
            "reward_std": (0.35, 0.04),
            "frac_reward_zero_std": (0.3, 0.08),
            "kl": lambda step: 5e-5 * step,
            "completions/mean_length": (230, 10),
            "completions/clipped_ratio": 0.01,
            "entropy": (0.35, 0.02),
            "clip_ratio/region_mean": 0.0,
            **more,
        },
    )


def test_the_loss_of_grpo_is_zero_and_rises(ask: Ask) -> None:
    """huggingface/open-r1#239, huggingface/trl#2703: advantages are centred, the loss is beta times the KL."""
    assert says_nothing_is_wrong(ask(grpo(), "grpo", beta=0.04))
    rising = grpo(loss=lambda step: 0.04 * 5e-5 * step * step / 30)
    assert says_nothing_is_wrong(ask(rising, "grpo", beta=0.04))


def test_the_loss_of_grpo_is_zero_all_along(ask: Ask) -> None:
    """huggingface/trl#3452, unslothai/unsloth#2291 and #2614: as printed, to four digits; the score rises."""
    rows = grpo(
        loss=0.0,
        grad_norm=(0.1, 0.01),
        kl=(0.00053, 0.00001),
        reward=(ramp(1.5, 1.95, 0, 300), 0.12),
        **{"rewards/format_reward2": (0.995, 0.006), "rewards/hint_reward": (ramp(0.5, 0.95, 0, 300), 0.12)},
    )
    assert says_nothing_is_wrong(ask(rows, "grpo", beta=0.0))


def test_a_reward_function_has_a_spread_and_the_groups_have_none(ask: Ask) -> None:
    """huggingface/trl#3857, modelscope/ms-swift#4570: spread between prompts, none between the answers to one."""
    rows = grpo(
        loss=0.0, grad_norm=0.0, reward=(3.0, 1.2), reward_std=0.0, frac_reward_zero_std=1.0, kl=0.0,
        **{"rewards/score/mean": (3.0, 1.2), "rewards/score/std": (5.08, 0.4)},
    )  # fmt: skip
    diagnosis = ask(rows, "grpo", temperature=0.1)
    assert causes(diagnosis)[0] == "prompts do not match the model"
    assert found(diagnosis, "GRP01").follows is None
    assert found(diagnosis, "GRAD04").follows == "GRP01"
    assert any("temperature" in advice for advice in found(diagnosis, "GRP01").advice)
    assert "temperature 0.1" in found(diagnosis, "ROLL06").says


def root_of(diagnosis: Diagnosis, code: str) -> str:
    """The finding that is behind one, through all that it follows from."""
    finding = found(diagnosis, code)
    return root_of(diagnosis, finding.follows) if finding.follows else finding.code


def test_answers_cut_off_come_before_rewards_of_zero(ask: Ask) -> None:
    """huggingface/trl#5697: max_completion_length 256, all cut off; reward, spread, loss and gradient are 0 from it."""
    rows = grpo(
        loss=0.0, grad_norm=0.0, reward=0.0, reward_std=0.0, frac_reward_zero_std=1.0, kl=0.0,
        **{"completions/mean_length": 256.0, "completions/clipped_ratio": 1.0},
    )  # fmt: skip
    diagnosis = ask(rows, "grpo", max_completion_length=256)
    assert causes(diagnosis) == ["answers cut off by the length limit"]
    assert diagnosis.findings[0].code == "LEN01"
    for consequence in ("GRP01", "GRP02", "RWD01", "GRAD04", "LEN02"):
        assert root_of(diagnosis, consequence) == "LEN01", consequence


def test_answers_cut_off_with_a_reward_that_pays_all_the_same(ask: Ask) -> None:
    """modelscope/ms-swift#4950: clipped_ratio 1.0 at 512 tokens for long, rewards by similarity."""
    rows = grpo(
        reward=(0.35, 0.03), reward_std=(0.04, 0.01), frac_reward_zero_std=0.0,
        **{"completions/mean_length": 512.0, "completions/clipped_ratio": 1.0},
    )  # fmt: skip
    diagnosis = ask(rows, "grpo", max_completion_length=512)
    assert causes(diagnosis)[0] == "answers cut off by the length limit"
    assert root_of(diagnosis, "RWD02") == "LEN01"


def test_ratios_within_three_thousandths_of_one_are_rounding(ask: Ask) -> None:
    """OpenRLHF/OpenRLHF#931: 0.997 to 1.002 in the first updates."""
    assert says_nothing_is_wrong(ask(grpo(ratio=(1.0, 0.0015)), "grpo"))


def test_engines_that_disagree_show_in_the_gradient(ask: Ask) -> None:
    """verl-project/verl#2738: probabilities of the two engines apart, the gradient norm ever rising."""
    rows = log_of(
        300,
        {
            "training/rollout_probs_diff_mean": (ramp(0.006, 0.03, 50, 250), 0.001),
            "actor/grad_norm": (ramp(0.2, 4.0, 50, 250), 0.05),
            "critic/score/mean": (ramp(0.3, 0.5, 0, 150), 0.04),
            "actor/entropy": (0.35, 0.02),
            "response_length/mean": (900, 30),
            "actor/ppo_kl": (0.001, 0.0005),
        },
    )
    diagnosis = ask(rows, "grpo")
    assert causes(diagnosis)[0] == "engines disagree"
    assert "ENG03" in loud(diagnosis)


def test_entropy_gradient_and_length_explode_together(ask: Ask) -> None:
    """verl-project/verl#5953, PeterGriffinJin/Search-R1#88: a run that blows up: rate, or entropy coefficient."""
    rows = grpo(
        entropy=(ramp(0.35, 3.0, 150, 200), 0.05), grad_norm=(ramp(0.1, 3.0, 150, 200), 0.05),
        reward=(lambda step: ramp(0.3, 0.6, 0, 150)(step) - ramp(0, 0.55, 150, 200)(step), 0.05),
        **{"completions/mean_length": (ramp(230, 900, 150, 220), 15)},
    )  # fmt: skip
    diagnosis = ask(rows, "grpo")
    assert causes(diagnosis)[0] in {"learning rate too high", "entropy bonus too strong"}
    assert root_of(diagnosis, "RWD03") == "ENT02"


def test_the_entropy_collapses_and_nothing_is_gained(ask: Ask) -> None:
    """verl-project/verl#5953: the other way in which it goes wrong there."""
    rows = grpo(entropy=(ramp(0.35, 0.008, 60, 150), 0.003), reward=(0.45, 0.04), frac_reward_zero_std=(0.5, 0.05))
    diagnosis = ask(rows, "grpo")
    assert causes(diagnosis)[0] == "updates only ever sharpen the policy"
    assert "ENT01" in loud(diagnosis)


def test_a_format_that_is_always_right_and_answers_that_never_are(ask: Ask) -> None:
    """huggingface/trl#3903: the format earns 1 all run, the accuracy 0."""
    rows = grpo(
        reward=(1.0, 0.004), reward_std=(0.01, 0.004), frac_reward_zero_std=(0.9, 0.03),
        **{"rewards/format_reward/mean": (1.0, 0.004), "rewards/accuracy_reward/mean": 0.0},
    )  # fmt: skip
    diagnosis = ask(rows, "grpo")
    assert causes(diagnosis)[0] in {"reward is dead", "prompts do not match the model"}
    assert "accuracy_reward" in found(diagnosis, "RWD08").says
    assert "RWD08" in loud(diagnosis)


def test_a_reward_model_learns_its_pairs_and_nothing_else(ask: Ask) -> None:
    """CarperAI/trlx#338: the loss falls as it should, the evaluation stays at a coin; the base had had no tuning."""
    learned = {"loss": (ramp(0.70, 0.05, 0, 2000), 0.01), "accuracy": (ramp(0.5, 0.99, 0, 2000), 0.01)}
    rows = log_of(3000, {**learned, "learning_rate": 1e-5}, 10)
    for row in rows:
        if row["step"] % 200 == 0:
            share = row["step"] / 3000
            row["eval_accuracy"] = 0.5 + 0.01 * math.sin(row["step"])
            row["eval_loss"] = 0.69 + 0.5 * share
    diagnosis = ask(rows, "reward", learning_rate=1e-5)
    assert causes(diagnosis)[0] == "over-training on the pairs"
    assert diagnosis.verdict is Verdict.UNHEALTHY
    assert any("tuned on instructions" in advice for advice in found(diagnosis, "RM02").advice)
