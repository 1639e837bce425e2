"""The fifth lot: settings and faults drawn up after the fourth had been measured.

It was held out until the sixth. Settings differ from those of the lots before it, in their length above all; faults are
of kinds that these have, planted at other depths and other steps.
"""

from __future__ import annotations

from scenario import (
    ALIKE,
    CRITIC,
    CUT,
    DEAD,
    ELSEWHERE,
    EXPLOITED,
    LITTLE,
    NO_SPREAD,
    NOTHING,
    ONLINE_DIVERGE,
    OVER,
    OVER_FITTED,
    OVERFLOWS,
    PAIRS_DIVERGE,
    PAIRS_STAND,
    SHARPENS,
    SWAPPED,
    TINY,
    TOO_HIGH,
    TOO_LOW,
    TRIVIAL,
    UNBALANCED,
    Fault,
    Setting,
)

__all__ = ["FAULTS", "SETTINGS"]

SETTINGS = (
    Setting(
        "dpo-brief", "dpo", "short, beta 0.25, a constant rate",
        {"beta": 0.25, "learning_rate": 1e-3, "schedule": "constant_with_warmup", "max_steps": 80, "eval_steps": 16},
    ),
    Setting(
        "dpo-slow", "dpo", "long, beta 0.08, a small rate, smoothed labels, a falling rate, one row in four steps",
        {"beta": 0.08, "learning_rate": 3e-4, "label_smoothing": 0.05, "schedule": "linear", "logging_steps": 4,
         "max_steps": 320, "eval_steps": 40},
    ),
    Setting(
        "kto-brief", "kto", "short, beta 0.08, larger batches, a constant rate",
        {"beta": 0.08, "batch_size": 24, "learning_rate": 6e-4, "schedule": "constant_with_warmup", "max_steps": 120,
         "eval_steps": 20},
    ),
    Setting(
        "reward-brief", "reward", "an adapter of rank 8, a cosine",
        {"lora": True, "lora_rank": 8, "learning_rate": 1.5e-3, "schedule": "cosine", "max_steps": 180,
         "eval_steps": 20},
    ),
    Setting(
        "prm-slow", "prm", "long, larger batches, a cosine, one row in three steps",
        {"learning_rate": 8e-4, "batch_size": 24, "schedule": "cosine", "logging_steps": 3, "max_steps": 240,
         "eval_steps": 30},
    ),
    Setting(
        "grpo-long", "grpo", "beta 0.03, groups of eight, a falling rate, longer",
        {"beta": 0.03, "learning_rate": 6e-4, "schedule": "linear", "max_steps": 160, "eval_steps": 20},
    ),
    Setting(
        "ppo-steady", "ppo", "beta 0.06, four passes, a cosine, longer",
        {"beta": 0.06, "ppo_epochs": 4, "learning_rate": 1e-4, "schedule": "cosine", "max_steps": 120,
         "eval_steps": 20},
    ),
)  # fmt: skip

FAULTS = (
    Fault(
        "rate-too-high", "dpo-brief", "60 times the rate", TOO_HIGH, PAIRS_DIVERGE, 16,
        "the warm-up of 8 steps is over, and loss and rewards jump about", options={"learning_rate": 0.06},
    ),
    Fault(
        "rate-too-low", "dpo-brief", "a thousandth of the rate", TOO_LOW, PAIRS_STAND, 40,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 1e-6},
    ),
    Fault(
        "nothing-trains", "dpo-brief", "the optimizer holds the weights of a copy", NOTHING,
        ("PREF01", "GRAD04", "LIK04"), 10, "rewards are exactly zero, row after row", plant={"optimizes": "a copy"},
    ),
    Fault(
        "labels-swapped-midway", "dpo-brief", "swapped from a step on", SWAPPED,
        ("ACC02", "PREF03", "PREF05", "LOSS02", "MOVE04", "MOVE07"), 50, "accuracy falls far below one half at once",
        since=40, data={"swapped": "from a step on"},
    ),
    Fault(
        "told-apart-by-trivia", "dpo-brief", "every chosen answer ends with a mark of its own", TRIVIAL,
        ("ACC03", "LOSS03", "LOSS04"), 20, "accuracy is perfect within the first steps", data={"differ": "in a mark"},
    ),
    Fault(
        "over-training", "dpo-slow", "18 pairs, again and again", OVER, OVER_FITTED, 120,
        "three evaluations of which the last are worse", options={"sft_weight": 0.0}, data={"distinct": 18},
    ),
    Fault(
        "labels-random", "dpo-slow", "labels by a coin, held out too", LITTLE,
        ("ACC01", "LOSS06", "FIT05", "LOSS01", "MOVE01"), 213,
        "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "pairs-alike", "dpo-slow", "answers that differ in the number alone, beta 0.02, no likelihood term", ALIKE,
        ("LIK01", "LIK03", "LIK08"), 128, "both rewards fall while the margin grows",
        options={"beta": 0.02, "learning_rate": 2e-3, "sft_weight": 0.0}, data={"differ": "in the number"},
    ),
    Fault(
        "reference-elsewhere", "dpo-slow", "the policy is tuned further than the reference", ELSEWHERE,
        ("PREF02", "LOSS08"), 8, "rewards and margin are not zero at the first step", plant={"start": "tuned"},
    ),
    Fault(
        "rate-jumps", "dpo-slow", "200 times the rate from a step on", TOO_HIGH,
        (*PAIRS_DIVERGE, "GRAD06", "LOSS05"), 170, "the logged rate jumps, and the loss with it", since=150,
        plant={"rate_times": 200.0},
    ),
    Fault(
        "rate-too-high", "kto-brief", "80 times the rate", TOO_HIGH, PAIRS_DIVERGE, 24,
        "the warm-up of 12 steps is over, and loss and rewards jump about", options={"learning_rate": 0.048},
    ),
    Fault(
        "batch-tiny", "kto-brief", "two answers a step", TINY, ("KTO04", "KTO02", "KTO03"), 1,
        "the configuration says it", options={"batch_size": 2},
    ),
    Fault(
        "sorted-by-label", "kto-brief", "all good answers first, then all bad ones", UNBALANCED, ("KTO05", "KTO03"),
        30, "no row has the rewards of both", data={"sorted": True},
    ),
    Fault(
        "overflow", "kto-brief", "the loss is infinite at a step", OVERFLOWS, ("NUM01", "NUM02", "NUM03", "NUM04"),
        61, "NaN or infinity is logged", since=60, plant={"loss_times": float("inf")},
    ),
    Fault(
        "rate-too-high", "reward-brief", "150 times the rate", TOO_HIGH,
        (*PAIRS_DIVERGE, "RM01", "RM04", "RM05", "GRAD09"), 90,
        "half of the run is over, and the gradient is gone while the loss stands", options={"learning_rate": 0.225},
    ),
    Fault(
        "rate-too-low", "reward-brief", "a thousandth of the rate", TOO_LOW,
        ("LOSS01", "LOSS06", "RM01", "GRAD05", "MOVE02"), 90,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 1.5e-6},
    ),
    Fault(
        "over-training", "reward-brief", "16 pairs, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", data={"distinct": 16},
    ),
    Fault(
        "labels-random", "reward-brief", "labels by a coin, held out too", LITTLE,
        ("RM01", "RM02", "LOSS06", "LOSS01", "FIT05", "MOVE03"), 120,
        "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "rate-too-low", "prm-slow", "a thousandth of the rate", TOO_LOW,
        ("LOSS01", "LOSS06", "CLS05", "GRAD05", "MOVE02"), 120,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 8e-7},
    ),
    Fault(
        "labels-random", "prm-slow", "labels by a coin, held out too", LITTLE,
        ("CLS05", "FIT05", "LOSS06", "MOVE03", "CLS12"), 160,
        "two thirds are over, and held-out accuracy is that of a coin", data={"noise": 0.5},
    ),
    Fault(
        "over-training", "prm-slow", "20 solutions, again and again", OVER, OVER_FITTED, 90,
        "three evaluations of which the last are worse", data={"distinct": 10},
    ),
    Fault(
        "rate-too-high", "grpo-long", "60 times the rate", TOO_HIGH, ONLINE_DIVERGE, 32,
        "the warm-up of 16 steps is over, and the reward is gone", options={"learning_rate": 0.036},
    ),
    Fault(
        "reward-breaks", "grpo-long", "the reward function gives nought from a step on", DEAD,
        (*NO_SPREAD, "RWD03"), 87, "the reward falls to nought and stays", since=80, plant={"reward": "breaks"},
    ),
    Fault(
        "cut-off", "grpo-long", "answers are cut off after four tokens", CUT, ("LEN01", "LEN02", "LEN05"), 10,
        "every answer is cut off", options={"answer_length": 4},
    ),
    Fault(
        "entropy-collapses", "grpo-long", "the entropy bonus has the wrong sign", SHARPENS, ("ENT01", "RWD06"),
        64, "entropy is a small part of what it was", plant={"entropy_coef": -6.0},
    ),
    Fault(
        "rate-too-high", "ppo-steady", "80 times the rate", TOO_HIGH, ONLINE_DIVERGE, 24,
        "the warm-up of 12 steps is over, and the score is gone", options={"learning_rate": 0.008},
    ),
    Fault(
        "critic-explodes", "ppo-steady", "1000 times the critic's rate", CRITIC, ("VAL01", "VAL02", "VAL05"), 20,
        "the value loss is many times what scores allow",
        options={"value_learning_rate": 3.0, "value_clip": 1e6},
    ),
    Fault(
        "reward-breaks", "ppo-steady", "the reward function gives nought from a step on", DEAD,
        (*NO_SPREAD, "RWD03"), 66, "the score falls to nought and stays", since=60, plant={"reward": "breaks"},
    ),
    Fault(
        "length-exploited", "ppo-steady", "paid by the word", EXPLOITED, ("RWD04", "RWD06", "RWD09", "LEN03"), 72,
        "the score rises, accuracy falls in three evaluations",
        options={"response_length": 20, "missing_eos_penalty": 0.0, "beta": 0.0, "learning_rate": 4e-4},
        plant={"reward": "length"},
    ),
)  # fmt: skip
