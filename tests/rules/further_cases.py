"""More cases, one for each rule as in `rule_cases`: engines, rollouts, and what fewer logs carry.

An average over ten rows that jumps from one level to another has gone all but a share r of the way after
ln(1 / r) / 0.2 rows, one over twenty after ln(1 / r) / 0.1.
"""

from __future__ import annotations

from collections.abc import Callable

from rule_cases import CRITICAL, EVERY_20, INFO, NAN, WARNING, Case, pair, planted, put
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
    ramp,
)

from barograph.core.methods import Method


def jump(name: str, before: Level, after: Level, noise: float) -> Callable[[Log], object]:
    """A series that leaves one level for another at step 100."""

    def fault(log: Log) -> None:
        log.put(name, before, noise)
        log.put(name, after, noise, since=100)

    return fault


def confusion(right: int, wrong: int) -> Callable[[Log], object]:
    """Counts of a classifier that finds nine in ten of either class; so many examples are right, so many wrong."""

    def fault(log: Log) -> None:
        for name, count in (
            ("true_positives", 0.9 * right),
            ("false_negatives", 0.1 * right),
            ("true_negatives", 0.9 * wrong),
            ("false_positives", 0.1 * wrong),
        ):
            log.put(f"eval.cls_{name}", count, at=EVERY_20)

    return fault


def of_method(method: Method) -> Callable[[Log], object]:
    return lambda log: setattr(log, "method", method)


OF_NUMBERS = (
    Case(
        "NUM05",
        INFO,
        planted(healthy_dpo, put("logit_chosen", NAN)),
        planted(healthy_dpo, put("logit_chosen", NAN, since=150), put("loss", NAN, since=150)),
        (1, 1),
        torn=("loss", "reward_chosen"),
    ),
    # A batch without labels; the twin is a good fit.
    Case(
        "NUM06",
        INFO,
        planted(healthy_sft, put("loss", 0.0, since=150, until=150)),
        planted(healthy_sft, put("loss", 0.001, since=150, until=150)),
        (150, 150),
        late=0,
        keep=[150],
    ),
)

OF_GRADIENTS = (
    # From 5 to 80: 50 is passed when 0.4 of the way is left, after five rows; a tenth of the run.
    Case(
        "GRAD07",
        INFO,
        planted(healthy_dpo, put("grad_norm", 80, 4, since=150)),
        planted(healthy_dpo, put("grad_norm", 30, 2, since=150)),
        (180, 195),
    ),
    # Fifty rows are looked at.
    Case(
        "GRAD08",
        INFO,
        planted(healthy_dpo, put("grad_norm", 20, 1), lambda log: log.config.update(max_grad_norm=1.0)),
        planted(healthy_dpo, put("grad_norm", 4, 0.1), lambda log: log.config.update(max_grad_norm=1.0)),
        (50, 50),
        late=40,
    ),
    # A hundredth is passed when 0.006 of the way is left, after 26 rows; then 15 steps.
    Case(
        "GRAD09",
        WARNING,
        planted(healthy_sft, put("grad_norm", 0.004, 0.0005, since=150)),
        planted(healthy_sft, put("grad_norm", 0.06, 0.003, since=150)),
        (181, 190),
    ),
)

OF_LOSSES = (
    # With a margin of 2 it cannot be below ln(1 + exp(-2)) = 0.127; five rows and a fiftieth of the run.
    Case(
        "LOSS09",
        INFO,
        planted(healthy_dpo, pair(1.0, -1.0, 0.02, since=150), put("loss", 0.05, 0.002, since=150)),
        planted(healthy_dpo, pair(1.0, -1.0, 0.02, since=150), put("loss", 0.14, 0.002, since=150)),
        (154, 160),
    ),
    # From 0.5 to 0.9: ln 2 is passed after two rows; then 15 steps.
    Case(
        "LOSS10",
        INFO,
        planted(healthy_dpo, pair(1.0, -1.0, since=150), put("loss", 0.9, 0.02, since=150)),
        planted(healthy_dpo, pair(1.0, -1.0, since=150), put("loss", 0.6, 0.02, since=150)),
        (164, 172),
    ),
)

OF_PREFERENCES = (
    # Judged from half of the run on.
    Case(
        "ACC04",
        INFO,
        planted(healthy_dpo, put("reward_accuracy", 0.58, 0.01)),
        planted(healthy_dpo, put("reward_accuracy", 0.64, 0.01)),
        (150, 160),
    ),
    # Ten rows; in the twin every third is half right.
    Case(
        "ACC05",
        INFO,
        planted(healthy_dpo, put("reward_accuracy", lambda step: float(step % 3 > 0))),
        planted(healthy_dpo, put("reward_accuracy", lambda step: step % 3 / 2)),
        (10, 10),
        late=15,
    ),
    # Judged from half of the run on; it even falls a little.
    Case(
        "PREF11",
        WARNING,
        planted(healthy_orpo, put("reward_margin", ramp(0.012, 0.006, 0, 300), 0.003)),
        healthy_orpo,
        (150, 155),
        late=40,
    ),
    # 50 nats are passed at step 19; the average lags two rows, and three are asked for.
    Case(
        "PREF12",
        INFO,
        planted(healthy_dpo, pair(ramp(0, 8.0, 0, 30), ramp(0, -6.0, 0, 30), 0.1)),
        planted(healthy_dpo, pair(ramp(0, 4.0, 0, 30), ramp(0, -3.0, 0, 30), 0.1)),
        (20, 26),
    ),
    # One class is NaN; in the twin both are.
    Case(
        "KTO08",
        WARNING,
        planted(healthy_kto, put("reward_rejected", NAN, since=100, until=104)),
        planted(
            healthy_kto,
            put("reward_rejected", NAN, since=100, until=104),
            put("reward_chosen", NAN, since=100, until=104),
        ),
        (100, 100),
        keep=range(90, 105),
        torn=("reward_rejected",),
        nan_rows=0,
    ),
    # Half of the loss is gone after three rows, and three are asked for; the twin is 30 nats away.
    Case(
        "KTO07",
        WARNING,
        planted(healthy_kto, put("loss", 0.1, 0.01, since=30), pair(6.0, -6.0, 0.2, since=25)),
        planted(healthy_kto, put("loss", 0.1, 0.01, since=30), pair(3.0, -3.0, 0.2, since=25)),
        (33, 38),
    ),
)

OF_LIKELIHOODS = (
    # A sum over no token is exactly zero; an answer of one likely token is not.
    Case(
        "LIK12",
        CRITICAL,
        planted(healthy_dpo, put("logp_chosen", 0.0, since=60), put("logp_rejected", 0.0, since=60)),
        planted(healthy_dpo, put("logp_chosen", -0.001, since=60), put("logp_rejected", -0.002, since=60)),
        (64, 64),
        late=10,
    ),
    # A tenth (0.135) is lost at step 121; the average lags five rows; 30 steps.
    Case(
        "LIK07",
        INFO,
        planted(healthy_orpo, put("logp_chosen", ramp(-1.35, -1.55, 60, 150), 0.02)),
        planted(healthy_orpo, put("logp_chosen", ramp(-1.35, -1.42, 60, 150), 0.02)),
        (150, 172),
    ),
    # A fifth is lost at step 138; the average lags five rows; 15 steps.
    Case(
        "LIK08",
        WARNING,
        planted(healthy_dpo, put("token_accuracy", ramp(0.49, 0.36, 100, 150), 0.01)),
        planted(healthy_dpo, put("token_accuracy", ramp(0.49, 0.42, 100, 150), 0.01)),
        (150, 170),
    ),
    # 5 % are passed at step 105; the average lags five rows; 30 steps.
    Case(
        "LIK09",
        INFO,
        planted(healthy_orpo, put("nll_loss", ramp(1.50, 1.65, 60, 150), 0.02)),
        planted(healthy_orpo, put("nll_loss", ramp(1.50, 1.54, 60, 150), 0.02)),
        (134, 157),
    ),
    # Two units are passed at step 120; the average lags five rows; 15 steps.
    Case(
        "LIK10",
        INFO,
        planted(healthy_dpo, put("logit_chosen", ramp(-0.5, -3.5, 60, 150), 0.05)),
        planted(healthy_dpo, put("logit_chosen", ramp(-0.5, -2.2, 60, 150), 0.05)),
        (134, 152),
    ),
    # Half is left at step 132; the average lags five rows; 30 steps.
    Case(
        "LIK11",
        INFO,
        planted(healthy_dpo, put("entropy", ramp(0.8, 0.3, 60, 150), 0.02)),
        planted(healthy_dpo, put("entropy", ramp(0.8, 0.5, 60, 150), 0.02)),
        (160, 180),
    ),
)

OF_ENGINES = (
    # Five times its beginning with the first row, the limit with the second; five rows.
    Case(
        "ENG01",
        WARNING,
        planted(healthy_grpo, jump("kl_infer", 0.001, 0.03, 0.0001)),
        planted(healthy_grpo, jump("kl_infer", 0.001, 0.003, 0.0001)),
        (104, 108),
    ),
    Case(
        "ENG02",
        INFO,
        planted(healthy_grpo, jump("logp_diff_mean", 0.02, 0.07, 0.002)),
        planted(healthy_grpo, jump("logp_diff_mean", 0.02, 0.04, 0.002)),
        (106, 112),
    ),
    Case(
        "ENG03",
        WARNING,
        planted(healthy_grpo, jump("prob_diff_mean", 0.004, 0.02, 0.0004)),
        planted(healthy_grpo, jump("prob_diff_mean", 0.004, 0.008, 0.0004)),
        (105, 110),
    ),
    Case(
        "ENG04",
        INFO,
        planted(healthy_grpo, jump("is_ratio_mean", 1.0, 0.8, 0.01)),
        planted(healthy_grpo, jump("is_ratio_mean", 1.0, 0.95, 0.01)),
        (106, 112),
    ),
    Case(
        "ENG05",
        WARNING,
        planted(healthy_grpo, jump("ess", 0.9, 0.2, 0.02)),
        planted(healthy_grpo, jump("ess", 0.9, 0.5, 0.02)),
        (111, 118),
    ),
    Case(
        "ENG06",
        WARNING,
        planted(healthy_grpo, jump("filtered_frac", 0.02, 0.2, 0.005)),
        planted(healthy_grpo, jump("filtered_frac", 0.02, 0.08, 0.005)),
        (105, 110),
    ),
    Case(
        "ENG07",
        INFO,
        planted(healthy_grpo, jump("mult_prob_error", 1.01, 1.04, 0.001)),
        planted(healthy_grpo, jump("mult_prob_error", 1.01, 1.015, 0.001)),
        (104, 109),
    ),
    Case(
        "ENG08",
        INFO,
        planted(healthy_grpo, jump("staleness_mean", 1.0, 6.0, 0.2)),
        planted(healthy_grpo, jump("staleness_mean", 1.0, 3.0, 0.2)),
        (106, 112),
    ),
)

OF_ROLLOUTS = (
    Case(
        "ROLL01",
        WARNING,
        planted(healthy_grpo, jump("error_frac", 0.01, 0.2, 0.003)),
        planted(healthy_grpo, jump("error_frac", 0.01, 0.04, 0.003)),
        (104, 109),
    ),
    Case(
        "ROLL02",
        WARNING,
        planted(healthy_grpo, jump("aborted_frac", 0.01, 0.2, 0.003)),
        planted(healthy_grpo, jump("aborted_frac", 0.01, 0.04, 0.003)),
        (104, 109),
    ),
    # Half is passed after four rows; then a tenth of the run.
    Case(
        "ROLL03",
        WARNING,
        planted(healthy_grpo, jump("tool_failure_freq", 0.2, 0.8, 0.02)),
        planted(healthy_grpo, jump("tool_failure_freq", 0.2, 0.4, 0.02)),
        (130, 138),
    ),
    # Set so from the first row on.
    Case(
        "ROLL04", CRITICAL, planted(healthy_grpo, num_generations=1), planted(healthy_grpo, num_generations=2), (1, 1)
    ),
    Case("ROLL05", INFO, planted(healthy_grpo, top_p=0.9), planted(healthy_grpo, top_p=1.0, top_k=-1), (1, 1)),
    Case("ROLL06", INFO, planted(healthy_grpo, temperature=0.3), planted(healthy_grpo, temperature=0.7), (1, 1)),
)

OF_SCORES = (
    # Nothing has moved since its first rows, for a fifth of the run. The twin has a success now and then.
    Case(
        "RWD08",
        INFO,
        planted(
            healthy_grpo,
            put("reward_component/format", learning(300, 0.3, 1.0), 0.03),
            put("reward_component/answer", 0.0),
        ),
        planted(
            healthy_grpo,
            put("reward_component/format", learning(300, 0.3, 1.0), 0.03),
            put("reward_component/answer", lambda step: 0.05 if step % 15 == 1 else 0.0),
        ),
        (60, 64),
        torn=("reward_component/answer",),
    ),
    # Judged after four tenths.
    Case(
        "RWD09",
        WARNING,
        planted(healthy_grpo, put("eval.task_accuracy", 0.4, 0.001, at=EVERY_20)),
        planted(healthy_grpo, put("eval.task_accuracy", ramp(0.4, 0.6, 0, 300), 0.001, at=EVERY_20)),
        (120, 130),
        late=60,
        torn=("score_mean",),
    ),
    # From 0.3 to 0.85: 0.7 is passed when 0.27 of the way is left, after 13 rows; 15 steps.
    Case(
        "GRP03",
        WARNING,
        planted(healthy_grpo, jump("solved_none_frac", 0.3, 0.85, 0.02)),
        planted(healthy_grpo, jump("solved_none_frac", 0.3, 0.5, 0.02)),
        (122, 138),
    ),
    Case(
        "GRP04",
        INFO,
        planted(healthy_grpo, jump("solved_all_frac", 0.2, 0.85, 0.02)),
        planted(healthy_grpo, jump("solved_all_frac", 0.2, 0.5, 0.02)),
        (124, 140),
    ),
    # 33 spreads apart, for five rows.
    Case(
        "GRP05",
        INFO,
        planted(healthy_grpo, put("adv_std", 1.0), put("adv_min", -3.0, 0.1), jump("adv_max", 3.0, 30.0, 0.1)),
        planted(healthy_grpo, put("adv_std", 1.0), put("adv_min", -3.0, 0.1), jump("adv_max", 3.0, 12.0, 0.1)),
        (104, 104),
        late=15,
    ),
    # 0.1 is passed when two thirds of the way are left, after four rows; ten rows.
    Case(
        "GRP06",
        INFO,
        planted(healthy_grpo, put("adv_std", 1.0, 0.02), jump("adv_mean", 0.0, 0.3, 0.03)),
        planted(healthy_grpo, put("adv_std", 1.0, 0.02), jump("adv_mean", 0.0, 0.06, 0.03)),
        (111, 120),
    ),
    # A twentieth is left at step 149; the average follows within ten rows; 15 steps.
    Case(
        "GRP07",
        WARNING,
        planted(healthy_dpo, of_method(Method.ONLINE_DPO), put("score_margin", ramp(1.0, 0.02, 100, 150), 0.003)),
        planted(healthy_dpo, of_method(Method.ONLINE_DPO), put("score_margin", ramp(1.0, 0.2, 100, 150), 0.003)),
        (164, 182),
    ),
)

OF_POLICIES = (
    Case(
        "KL05",
        INFO,
        planted(healthy_grpo, put("kl_ref", 3.0, since=150, until=150)),
        planted(healthy_grpo, put("kl_ref", 0.3, since=150, until=150)),
        (150, 150),
        late=0,
        keep=[150],
        torn=("kl_ref",),
    ),
    # Ten times its beginning at step 148, and five rows.
    Case(
        "KL06",
        INFO,
        planted(healthy_ppo, put("kl_coef", ramp(0.05, 1.0, 100, 200))),
        planted(healthy_ppo, put("kl_coef", ramp(0.05, 0.3, 100, 200))),
        (151, 154),
        late=10,
    ),
    Case(
        "KL07",
        WARNING,
        planted(healthy_grpo, put("kl_ref", 0.2, at=[1])),
        planted(healthy_grpo, put("kl_ref", 0.005, at=[1])),
        (1, 1),
        keep=[1],
    ),
    # Passed with the second row, and five are asked for. The twin makes four updates of each rollout.
    Case(
        "CLIP05",
        INFO,
        planted(
            healthy_grpo,
            jump("clip_frac", 0.0, 0.1, 0.002),
            num_iterations=1,
            steps_per_generation=1,
            gradient_accumulation_steps=1,
        ),
        planted(
            healthy_grpo,
            jump("clip_frac", 0.0, 0.1, 0.002),
            num_iterations=1,
            steps_per_generation=4,
            gradient_accumulation_steps=1,
        ),
        (104, 109),
    ),
    # Judged after six tenths. In the twin the critic's error has fallen to a quarter: little is left to explain.
    Case(
        "VAL04",
        INFO,
        planted(healthy_ppo, put("explained_var", 0.15, 0.03), put("value_loss", 0.5, 0.02)),
        planted(healthy_ppo, put("explained_var", 0.15, 0.03)),
        (180, 182),
        late=10,
    ),
)

OF_JUDGES = (
    # At an accuracy of 0.7 an honest loss is 0.61 at most. The second evaluation that says so is that of step 220.
    Case(
        "RM08",
        WARNING,
        planted(healthy_reward, put("eval.rm_margin", 3.0, 0.05, at=EVERY_20), put("eval.loss", 0.9, 0.005, since=200)),
        planted(healthy_reward, put("eval.rm_margin", 3.0, 0.05, at=EVERY_20), put("eval.loss", 0.7, 0.005, since=200)),
        (220, 220),
        late=80,
    ),
    # From 3.5 to 30: 20 is passed after five rows, and five are asked for.
    Case(
        "RM09",
        INFO,
        planted(healthy_reward, put("rm_max", 15, 0.5, since=100), put("rm_min", -15, 0.5, since=100)),
        planted(healthy_reward, put("rm_max", 7, 0.3, since=100), put("rm_min", -7, 0.3, since=100)),
        (107, 114),
    ),
    # The second evaluation.
    Case(
        "CLS09",
        WARNING,
        planted(healthy_classifier, put("eval.cls_confidence", 0.97, 0.003, at=EVERY_20)),
        planted(healthy_classifier, put("eval.cls_confidence", learning(300, 0.58, 0.90), 0.003, at=EVERY_20)),
        (40, 40),
        late=80,
    ),
    # Six in ten are right: an entropy of 0.673. Judged after a quarter.
    Case(
        "CLS10",
        WARNING,
        planted(healthy_classifier, confusion(600, 400), put("eval.loss", 0.69, 0.002)),
        planted(healthy_classifier, confusion(600, 400), put("eval.loss", 0.65, 0.002)),
        (75, 80),
        late=80,
    ),
    # Nine in ten are right, and 0.88 of the answers.
    Case(
        "CLS11",
        INFO,
        planted(healthy_classifier, confusion(900, 100), put("eval.cls_accuracy", 0.88, 0.003)),
        planted(healthy_classifier, confusion(900, 100), put("eval.cls_accuracy", 0.93, 0.003)),
        (75, 80),
        late=80,
    ),
    # 3.05 epochs are passed at step 183.
    Case(
        "FIT07",
        INFO,
        planted(healthy_dpo, put("epoch", lambda step: step / 60)),
        planted(healthy_dpo, put("epoch", lambda step: step / 100)),
        (184, 184),
        late=5,
    ),
    # Half is passed at step 183; the average lags ten rows; 30 steps.
    Case(
        "RUN03",
        INFO,
        planted(healthy_sft, put("tokens_per_second", ramp(5000, 2000, 100, 200), 50)),
        planted(healthy_sft, put("tokens_per_second", ramp(5000, 3500, 100, 200), 50)),
        (215, 235),
    ),
)

FURTHER = (
    *OF_NUMBERS,
    *OF_GRADIENTS,
    *OF_LOSSES,
    *OF_PREFERENCES,
    *OF_LIKELIHOODS,
    *OF_ENGINES,
    *OF_ROLLOUTS,
    *OF_SCORES,
    *OF_POLICIES,
    *OF_JUDGES,
)
