"""The fourth lot: settings and faults drawn up after the third had been recorded, before it was looked at.

It was held out until the fifth. Settings differ from those of the lots before it; faults are of kinds that these have,
planted at other depths and other steps.
"""

from __future__ import annotations

from scenario import (
    ALIKE,
    BETA_SMALL,
    BONUS,
    CRITIC,
    DEAD,
    ELSEWHERE,
    EXPLOITED,
    LITTLE,
    MISMATCH,
    NO_SPREAD,
    NOTHING,
    ONE_TEXT,
    ONLINE_DIVERGE,
    OVER,
    OVER_FITTED,
    OVERFLOWS,
    PAIRS_DIVERGE,
    PAIRS_STAND,
    SWAPPED,
    TOO_HIGH,
    TOO_LOW,
    TRIVIAL,
    UNBALANCED,
    Fault,
    Setting,
)  # fmt: skip

__all__ = ["FAULTS", "SETTINGS"]

SETTINGS = (
    Setting(
        "dpo-usual", "dpo", "beta 0.15, larger batches, smaller steps, a cosine",
        {"beta": 0.15, "learning_rate": 8e-4, "batch_size": 20, "schedule": "cosine", "max_steps": 140,
         "eval_steps": 20},
    ),
    Setting(
        "dpo-robust", "dpo", "the robust loss, beta 0.2, an adapter",
        {"loss_type": "robust", "label_smoothing": 0.05, "lora": True, "learning_rate": 3e-3, "beta": 0.2,
         "max_steps": 130, "eval_steps": 26},
    ),
    Setting(
        "kto-lively", "kto", "beta 0.15, larger batches, a falling rate",
        {"beta": 0.15, "batch_size": 20, "learning_rate": 4e-4, "schedule": "linear", "max_steps": 180,
         "eval_steps": 30},
    ),
    Setting(
        "reward-cosine", "reward", "larger batches, a cosine",
        {"batch_size": 20, "learning_rate": 6e-4, "schedule": "cosine", "max_steps": 180, "eval_steps": 20},
    ),
    Setting(
        "prm-busy", "prm", "three tenths of the steps wrong, a constant rate",
        {"learning_rate": 1.5e-3, "schedule": "constant_with_warmup", "max_steps": 160, "eval_steps": 20},
        {"wrong": 0.3},
    ),
    Setting(
        "grpo-wide", "grpo", "beta 0.06, a constant rate",
        {"beta": 0.06, "learning_rate": 8e-4, "schedule": "constant_with_warmup", "max_steps": 110, "eval_steps": 22},
    ),
    Setting(
        "ppo-calm", "ppo", "beta 0.08, smaller batches, three passes over three minibatches, a falling rate",
        {"beta": 0.08, "batch_size": 24, "minibatches": 3, "ppo_epochs": 3, "learning_rate": 1.2e-4,
         "schedule": "linear", "max_steps": 110, "eval_steps": 22},
    ),
)  # fmt: skip

FAULTS = (
    Fault(
        "rate-too-high", "dpo-usual", "80 times the rate", TOO_HIGH, PAIRS_DIVERGE, 28,
        "the warm-up of 14 steps is over, and loss and rewards jump about", options={"learning_rate": 0.064},
    ),
    Fault(
        "labels-random", "dpo-usual", "labels by a coin, held out too", LITTLE,
        ("ACC01", "LOSS06", "FIT05", "LOSS01", "MOVE01"), 94,
        "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "labels-swapped-midway", "dpo-usual", "swapped from a step on", SWAPPED,
        ("ACC02", "PREF03", "PREF05", "LOSS02", "MOVE04", "MOVE07"), 80, "accuracy falls far below one half at once",
        since=70, data={"swapped": "from a step on"},
    ),
    Fault(
        "over-training", "dpo-usual", "20 pairs, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", options={"sft_weight": 0.0}, data={"distinct": 20},
    ),
    Fault(
        "pairs-alike", "dpo-usual", "answers that differ in the number alone, beta 0.03, no likelihood term", ALIKE,
        ("LIK01", "LIK03", "LIK08"), 56, "both rewards fall while the margin grows",
        options={"beta": 0.03, "learning_rate": 3e-3, "sft_weight": 0.0}, data={"differ": "in the number"},
    ),
    Fault(
        "told-apart-by-trivia", "dpo-usual", "every chosen answer ends with a mark of its own", TRIVIAL,
        ("ACC03", "LOSS03", "LOSS04"), 35, "accuracy is perfect within the first steps", data={"differ": "in a mark"},
    ),
    Fault(
        "reference-elsewhere", "dpo-usual", "the policy is tuned further than the reference", ELSEWHERE,
        ("PREF02", "LOSS08"), 3, "rewards and margin are not zero at the first step", plant={"start": "tuned"},
    ),
    Fault(
        "rate-too-low", "dpo-robust", "a thousandth of the rate", TOO_LOW, PAIRS_STAND, 65,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 3e-6},
    ),
    Fault(
        "nothing-trains", "dpo-robust", "the half of the adapter that begins at zero is not optimized", NOTHING,
        ("PREF01", "GRAD04", "LIK04"), 10, "rewards are exactly zero, row after row",
        options={"sft_weight": 0.0}, plant={"frozen": "lora_B"},
    ),
    Fault(
        "overflow", "dpo-robust", "the loss is infinite at a step", OVERFLOWS, ("NUM01", "NUM02", "NUM03", "NUM04"),
        66, "NaN or infinity is logged", since=65, plant={"loss_times": float("inf")},
    ),
    Fault(
        "beta-too-small", "dpo-robust", "beta 0.0008, no likelihood term", BETA_SMALL,
        ("PREF09", "LIK01", "LIK05", "PREF06"), 52, "the policy is many nats away from its reference",
        options={"beta": 0.0008, "sft_weight": 0.0},
    ),
    Fault(
        "rate-jumps", "dpo-robust", "100 times the rate from a step on", TOO_HIGH,
        (*PAIRS_DIVERGE, "GRAD06", "LOSS05"), 76, "the logged rate jumps, and the loss with it", since=70,
        plant={"rate_times": 100.0},
    ),
    Fault(
        "truncated-alike", "dpo-robust", "the length limit cuts off all in which the answers differ", ONE_TEXT,
        ("LIK06", "PREF01", "PREF04", "ACC01", "LOSS01"), 26, "rewards of both answers are alike to the last digit",
        options={"max_length": 12, "sft_weight": 0.0}, data={"differ": "in the number"},
    ),
    Fault(
        "rate-too-high", "kto-lively", "120 times the rate", TOO_HIGH, PAIRS_DIVERGE, 36,
        "the warm-up of 18 steps is over, and loss and rewards jump about", options={"learning_rate": 0.048},
    ),
    Fault(
        "labels-random", "kto-lively", "labels by a coin, held out too", LITTLE,
        ("LOSS06", "LOSS01", "PREF04", "FIT05", "MOVE01", "MOVE03"), 120,
        "two thirds are over, and the held-out margin is nought", data={"noise": 0.5},
    ),
    Fault(
        "over-training", "kto-lively", "24 answers, again and again", OVER, (*OVER_FITTED, "FIT08"), 90,
        "three evaluations far below the training margin", data={"distinct": 12},
    ),
    Fault(
        "classes-unbalanced", "kto-lively", "6 % of the answers are good, and weigh as much as bad ones", UNBALANCED,
        ("KTO05", "KTO03"), 45, "the rewards of good answers are missing in a third of the rows", data={"good": 0.06},
    ),
    Fault(
        "sorted-by-label", "kto-lively", "all good answers first, then all bad ones", UNBALANCED, ("KTO05", "KTO03"),
        45, "no row has the rewards of both", data={"sorted": True},
    ),
    Fault(
        "rate-jumps", "kto-lively", "100 times the rate from a step on", TOO_HIGH,
        (*PAIRS_DIVERGE, "GRAD06", "LOSS05"), 95, "the logged rate jumps, and the loss with it", since=90,
        plant={"rate_times": 100.0},
    ),
    Fault(
        "rate-too-high", "reward-cosine", "150 times the rate", TOO_HIGH,
        (*PAIRS_DIVERGE, "RM01", "RM04", "RM05", "GRAD09"), 90,
        "half of the run is over, and the gradient is gone while the loss stands", options={"learning_rate": 0.09},
    ),
    Fault(
        "rate-too-low", "reward-cosine", "a thousandth of the rate", TOO_LOW,
        ("LOSS01", "LOSS06", "RM01", "GRAD05", "MOVE02"), 90,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 6e-7},
    ),
    Fault(
        "labels-swapped-in-half", "reward-cosine", "swapped where the claim is true, in the training set alone",
        SWAPPED, ("RM07", "RM02", "FIT01", "FIT02", "FIT03", "FIT04", "MOVE06"), 60,
        "three evaluations stand near a coin while the training accuracy rises", data={"swapped": "true claims"},
    ),
    Fault(
        "told-apart-by-trivia", "reward-cosine", "every chosen answer ends with a mark of its own", TRIVIAL,
        ("ACC03", "LOSS03", "LOSS04", "RM03"), 45, "accuracy is perfect, held out as well",
        data={"differ": "in a mark"},
    ),
    Fault(
        "over-training", "reward-cosine", "20 pairs, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", data={"distinct": 20},
    ),
    Fault(
        "rate-too-high", "prm-busy", "130 times the rate", TOO_HIGH + UNBALANCED,
        (*PAIRS_DIVERGE, "CLS01", "CLS04", "CLS05", "CLS07"), 60,
        "three evaluations that are no better than that of a guess", options={"learning_rate": 0.2},
    ),
    Fault(
        "labels-random", "prm-busy", "labels by a coin, held out too", LITTLE,
        ("CLS05", "FIT05", "LOSS06", "MOVE03", "CLS12"), 107,
        "two thirds are over, and held-out accuracy is that of a coin", data={"noise": 0.5},
    ),
    Fault(
        "one-class", "prm-busy", "3 % of the steps are wrong, and the rate is low", UNBALANCED,
        ("CLS01", "CLS02", "CLS04", "CLS07"), 60, "three evaluations with a specificity of nought",
        options={"learning_rate": 1.5e-4}, data={"wrong": 0.03},
    ),
    Fault(
        "over-training", "prm-busy", "20 solutions, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", data={"distinct": 10},
    ),
    Fault(
        "rate-too-high", "grpo-wide", "70 times the rate", TOO_HIGH, ONLINE_DIVERGE, 28,
        "the warm-up of 11 steps is over, and the reward is gone", options={"learning_rate": 0.056},
    ),
    Fault(
        "kl-blows-up", "grpo-wide", "next to no weight on the KL, 25 times the rate", TOO_HIGH, ONLINE_DIVERGE, 28,
        "the KL is many times what it should be", options={"beta": 1e-4, "learning_rate": 2e-2},
    ),
    Fault(
        "reward-breaks", "grpo-wide", "the reward function gives nought from a step on", DEAD,
        (*NO_SPREAD, "RWD03"), 52, "the reward falls to nought and stays", since=45, plant={"reward": "breaks"},
    ),
    Fault(
        "reward-solved", "grpo-wide", "whatever the model says is right", MISMATCH + DEAD, NO_SPREAD, 10,
        "the reward is at its best in every row", plant={"reward": "always"},
    ),
    Fault(
        "length-exploited", "grpo-wide", "paid by the word", EXPLOITED, ("RWD04", "RWD06", "RWD09", "LEN03"), 66,
        "the reward rises, accuracy falls in three evaluations", options={"answer_length": 20},
        plant={"reward": "length"},
    ),
    Fault(
        "entropy-explodes", "grpo-wide", "an entropy bonus a hundred times too strong", BONUS, ("ENT02", "ENT03"), 44,
        "entropy is a multiple of what it was, and the reward is gone", plant={"entropy_coef": 0.8},
    ),
    Fault(
        "rate-too-high", "ppo-calm", "80 times the rate", TOO_HIGH, ONLINE_DIVERGE, 22,
        "the warm-up of 11 steps is over, and the score is gone", options={"learning_rate": 0.0096},
    ),
    Fault(
        "kl-blows-up", "ppo-calm", "no weight on the KL, 40 times the rate", TOO_HIGH, ONLINE_DIVERGE, 22,
        "the KL is many times what it should be", options={"beta": 0.0, "learning_rate": 4.8e-3},
    ),
    Fault(
        "reward-constant", "ppo-calm", "every answer is paid the same", DEAD, NO_SPREAD, 10,
        "the score is the same in every row", plant={"reward": "constant"},
    ),
    Fault(
        "reward-breaks", "ppo-calm", "the reward function gives nought from a step on", DEAD,
        (*NO_SPREAD, "RWD03"), 56, "the score falls to nought and stays", since=50, plant={"reward": "breaks"},
    ),
    Fault(
        "length-exploited", "ppo-calm", "paid by the word", EXPLOITED, ("RWD04", "RWD06", "RWD09", "LEN03"), 66,
        "the score rises, accuracy falls in three evaluations",
        options={"response_length": 20, "missing_eos_penalty": 0.0, "beta": 0.0, "learning_rate": 5e-4},
        plant={"reward": "length"},
    ),
    Fault(
        "critic-stands-still", "ppo-calm", "the critic is not trained", CRITIC, ("VAL02",), 44,
        "the critic has explained nothing for forty steps",
        options={"value_learning_rate": 0.0, "value_weight": 0.0},
    ),
)  # fmt: skip
