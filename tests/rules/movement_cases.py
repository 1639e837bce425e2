"""More cases, one for each rule as in `rule_cases`: whether anything moves, holds for others, or turns round."""

from __future__ import annotations

from collections.abc import Callable

from rule_cases import CRITICAL, EVERY_20, INFO, WARNING, Case, planted, put, scale
from rule_logs import healthy_classifier, healthy_dpo, healthy_grpo, healthy_ppo, healthy_reward, ramp


def thrown_up(*, to: float, back_at: float, by: int) -> Callable[[int], float]:
    """A DPO loss that rises to a height within the first twenty steps, and comes back."""
    up, down = ramp(0.693, to, 5, 20), ramp(to, back_at, 20, by)
    return lambda step: up(step) if step < 20 else down(step)


MOVEMENT = (
    # Margins of one nat to either side; an average over a fifth of the run is judged from its half on. In the twin they
    # lie a whole nat above nought.
    Case(
        "MOVE01",
        WARNING,
        planted(healthy_dpo, put("reward_margin", 0.0, 0.1), put("eval.reward_margin", 0.0, 0.01)),
        planted(healthy_dpo, put("reward_margin", 0.1, 0.1), put("eval.reward_margin", 0.1, 0.01)),
        (150, 150),
        torn=("reward_margin",),
    ),
    # A range of a few thousandths of 0.69 at most, from two fifths of the run on.
    Case(
        "MOVE02",
        WARNING,
        planted(healthy_reward, put("eval.loss", 0.692, 0.0004, at=EVERY_20)),
        planted(healthy_reward, put("eval.loss", 0.692, 0.01, at=EVERY_20)),
        (120, 120),
        late=40,
    ),
    # To and fro by a hundredth, never below 0.98 of ln 2; the twin gains a twentieth.
    Case(
        "MOVE03",
        WARNING,
        planted(healthy_reward, put("eval.loss", lambda step: 0.70 if step % 40 else 0.71, at=EVERY_20)),
        planted(healthy_reward, put("eval.loss", lambda step: 0.65 if step % 40 else 0.66, at=EVERY_20)),
        (150, 160),
        late=40,
    ),
    # An average over three rows that jumps from m to -m is at 0, -m/2: and the third negative row is that of step 152.
    Case(
        "MOVE04",
        CRITICAL,
        planted(healthy_dpo, scale("reward_margin", -1.0, since=150)),
        planted(healthy_dpo, scale("reward_margin", 0.0, since=150)),
        (152, 154),
    ),
    # Neither the KL nor the entropy moves; in the twin the entropy does, as in a healthy run.
    Case(
        "MOVE05",
        WARNING,
        planted(healthy_grpo, put("kl_ref", 5e-5, 1e-5, low=0.0), put("entropy", 0.5, 1e-4)),
        planted(healthy_grpo, put("kl_ref", 5e-5, 1e-5, low=0.0)),
        (150, 150),
        torn=("kl_ref",),
    ),
    Case(
        "MOVE06",
        WARNING,
        planted(healthy_dpo, put("reward_accuracy", 0.85, 0.03), put("eval.reward_accuracy", 0.52, 0.01, at=EVERY_20)),
        planted(healthy_dpo, put("reward_accuracy", 0.85, 0.03), put("eval.reward_accuracy", 0.65, 0.01, at=EVERY_20)),
        (90, 90),
        late=60,
    ),
    # From 0.02 to 0.9, an average over five rows passes one half with the second row; then a twentieth of 300 steps.
    Case(
        "LEN06",
        WARNING,
        planted(healthy_grpo, put("truncated_frac", 0.9, 0.02, since=100)),
        planted(healthy_grpo, put("truncated_frac", 0.4, 0.02, since=100)),
        (114, 118),
    ),
    Case(
        "RATE05",
        INFO,
        planted(healthy_dpo, scale("lr", 5.0, since=150)),
        planted(healthy_dpo, scale("lr", 2.0, since=150)),
        (150, 150),
        keep=(149, 150),
    ),
    # What the configuration says is said of the first row.
    Case("KL08", WARNING, planted(healthy_grpo, beta=20.0), planted(healthy_grpo, beta=0.2), (1, 1)),
    Case("ENT03", WARNING, planted(healthy_grpo, entropy_coef=1.0), planted(healthy_grpo, entropy_coef=0.01), (1, 1)),
    # The second evaluation below 0.38 is that of step 180; a coin is no opposite.
    Case(
        "MOVE07",
        CRITICAL,
        planted(healthy_dpo, put("eval.reward_accuracy", lambda step: 0.8 if step < 150 else 0.3, at=EVERY_20)),
        planted(healthy_dpo, put("eval.reward_accuracy", lambda step: 0.8 if step < 150 else 0.45, at=EVERY_20)),
        (180, 180),
        late=90,
    ),
    # 3.0 against 0.5 from the third evaluation on: five rows and a twentieth of the run.
    Case(
        "FIT08",
        WARNING,
        planted(healthy_dpo, put("reward_margin", 3.0, 0.05), put("eval.reward_margin", 0.5, 0.01, at=EVERY_20)),
        planted(healthy_dpo, put("reward_margin", 3.0, 0.05), put("eval.reward_margin", 1.6, 0.01, at=EVERY_20)),
        (60, 80),
        late=40,
    ),
    # From one extreme to the other at each evaluation; the fourth is that of step 80.
    Case(
        "CLS12",
        WARNING,
        planted(
            healthy_classifier,
            put("eval.cls_recall", lambda step: 0.1 if step % 40 else 0.95, at=EVERY_20),
            put("eval.cls_accuracy", 0.5, 0.01, at=EVERY_20),
        ),
        planted(
            healthy_classifier,
            put("eval.cls_recall", lambda step: 0.5 if step % 40 else 0.75, at=EVERY_20),
            put("eval.cls_accuracy", 0.5, 0.01, at=EVERY_20),
        ),
        (80, 80),
        late=70,
    ),
    # One row in ten is above nought; in the twin every second one is.
    Case(
        "RWD10",
        WARNING,
        planted(healthy_grpo, put("score_mean", lambda step: 0.1 if step % 10 == 0 else 0.0)),
        planted(healthy_grpo, put("score_mean", lambda step: 0.1 if step % 2 == 0 else 0.0)),
        (30, 40),
        late=40,
    ),
    # The critic's error is 30 where scores are below 1.4, and 20 times the variance of the returns; the twin's is large
    # beside the returns alone, as where all answers score the same. The fifth row after 100.
    Case(
        "VAL05",
        CRITICAL,
        planted(healthy_ppo, put("value_loss", 30, 2, since=100), put("explained_var", -20, 2, since=100)),
        planted(healthy_ppo, put("explained_var", -20, 2, since=100)),
        (104, 106),
    ),
    # Thrown up to 1.2 by step 20, and back at 0.75 by step 150: above 0.693 for three tenths, 90 steps, by step 111 or
    # so. The twin is below it from step 60 on.
    Case(
        "LOSS11",
        WARNING,
        planted(healthy_dpo, put("loss", thrown_up(to=1.2, back_at=0.75, by=150), 0.02)),
        planted(healthy_dpo, put("loss", thrown_up(to=1.2, back_at=0.55, by=60), 0.02)),
        (105, 118),
    ),
    # A tenth of a hundredth each time, from a half of the run on; the twin rises as often as it falls.
    Case(
        "MOVE08",
        WARNING,
        planted(healthy_reward, put("eval.loss", ramp(0.700, 0.697, 0, 300), at=EVERY_20)),
        planted(healthy_reward, put("eval.loss", lambda step: 0.697 if step % 40 else 0.700, at=EVERY_20)),
        (150, 160),
        late=60,
    ),
    # From 0.1 to -10, while a batch lies 1 apart: an average over five rows of what was about 4 is below 2.4 after two
    # rows, that of the mean is at 7.5, and three rows are asked for. The twin moves by half of what lies between.
    Case(
        "RM10",
        WARNING,
        planted(
            healthy_reward,
            put("rm_mean", -10, 0.1, since=100),
            put("rm_max", -9.5, 0.05, since=100),
            put("rm_min", -10.5, 0.05, since=100),
        ),
        planted(
            healthy_reward,
            put("rm_mean", -2, 0.1, since=100),
            put("rm_max", 0, 0.1, since=100),
            put("rm_min", -4, 0.1, since=100),
        ),
        (102, 106),
    ),
    # From 1.6 to 0.6, long before two fifths of the run are over; in the twin it grows. Both rank by chance.
    Case(
        "RM11",
        WARNING,
        planted(
            healthy_reward,
            put("rm_accuracy", 0.5, 0.06),
            put("rm_max", 0.3, 0.02, since=50),
            put("rm_min", -0.3, 0.02, since=50),
        ),
        planted(healthy_reward, put("rm_accuracy", 0.5, 0.06)),
        (120, 122),
    ),
    # An average over 20 rows from 0.25 to 0.97 passes 0.9 after 24 rows; then a twentieth of 300 steps.
    Case(
        "GRP08",
        INFO,
        planted(healthy_grpo, put("zero_std_frac", 0.97, 0.005, since=100)),
        planted(healthy_grpo, put("zero_std_frac", 0.8, 0.005, since=100)),
        (128, 148),
        torn=("zero_std_frac",),
    ),
)
