"""The sixth lot: settings and faults drawn up after the fifth had been measured.

All of it is held out. Settings differ from those of the lots before it, most of them short and lively; faults are of
kinds that these have, planted at other depths and other steps.
"""

from __future__ import annotations

from scenario import (
    BETA_LARGE,
    CRITIC,
    CUT,
    DEAD,
    ELSEWHERE,
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
        "dpo-sharp", "dpo", "beta 0.4, smaller batches, a cosine",
        {"beta": 0.4, "learning_rate": 8e-4, "batch_size": 12, "schedule": "cosine", "max_steps": 110,
         "eval_steps": 22},
    ),
    Setting(
        "dpo-thin", "dpo", "beta 0.12, an adapter of rank 4, a falling rate, one row in two steps",
        {"beta": 0.12, "lora": True, "lora_rank": 4, "learning_rate": 4e-3, "schedule": "linear", "logging_steps": 2,
         "max_steps": 150, "eval_steps": 25},
    ),
    Setting(
        "kto-wide", "kto", "beta 0.12, larger batches, a cosine",
        {"beta": 0.12, "batch_size": 28, "learning_rate": 5e-4, "schedule": "cosine", "max_steps": 140,
         "eval_steps": 20},
    ),
    Setting(
        "reward-quick", "reward", "larger batches, larger steps, a constant rate",
        {"batch_size": 24, "learning_rate": 1e-3, "schedule": "constant_with_warmup", "max_steps": 140,
         "eval_steps": 20},
    ),
    Setting(
        "prm-quick", "prm", "a third of the steps wrong, a falling rate, shorter",
        {"learning_rate": 1.2e-3, "schedule": "linear", "max_steps": 140, "eval_steps": 20}, {"wrong": 0.35},
    ),
    Setting(
        "grpo-brief", "grpo", "beta 0.05, a cosine, shorter",
        {"beta": 0.05, "learning_rate": 8e-4, "schedule": "cosine", "max_steps": 90, "eval_steps": 15},
    ),
    Setting(
        "ppo-quick", "ppo", "beta 0.07, three passes over two minibatches, a falling rate, shorter",
        {"beta": 0.07, "minibatches": 2, "ppo_epochs": 3, "learning_rate": 1.5e-4, "schedule": "linear",
         "max_steps": 90, "eval_steps": 15},
    ),
)  # fmt: skip

FAULTS = (
    Fault(
        "rate-too-high", "dpo-sharp", "70 times the rate", TOO_HIGH, PAIRS_DIVERGE, 22,
        "the warm-up of 11 steps is over, and loss and rewards jump about", options={"learning_rate": 0.056},
    ),
    Fault(
        "labels-random", "dpo-sharp", "labels by a coin, held out too", LITTLE,
        ("ACC01", "LOSS06", "FIT05", "LOSS01", "MOVE01"), 73,
        "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "over-training", "dpo-sharp", "14 pairs, again and again", OVER, OVER_FITTED, 66,
        "three evaluations of which the last are worse", options={"sft_weight": 0.0}, data={"distinct": 14},
    ),
    Fault(
        "reference-elsewhere", "dpo-sharp", "the policy is tuned further than the reference", ELSEWHERE,
        ("PREF02", "LOSS08"), 3, "rewards and margin are not zero at the first step", plant={"start": "tuned"},
    ),
    Fault(
        "labels-swapped-midway", "dpo-sharp", "swapped from a step on", SWAPPED,
        ("ACC02", "PREF03", "PREF05", "LOSS02", "MOVE04", "MOVE07"), 66, "accuracy falls far below one half at once",
        since=55, data={"swapped": "from a step on"},
    ),
    Fault(
        "nothing-trains", "dpo-sharp", "the optimizer holds the weights of a copy", NOTHING,
        ("PREF01", "GRAD04", "LIK04"), 10, "rewards are exactly zero, row after row", plant={"optimizes": "a copy"},
    ),
    Fault(
        "rate-too-low", "dpo-thin", "a thousandth of the rate", TOO_LOW, PAIRS_STAND, 75,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 4e-6},
    ),
    Fault(
        "rate-jumps", "dpo-thin", "150 times the rate from a step on", TOO_HIGH,
        (*PAIRS_DIVERGE, "GRAD06", "LOSS05"), 84, "the logged rate jumps, and the loss with it", since=76,
        plant={"rate_times": 150.0},
    ),
    Fault(
        "truncated-alike", "dpo-thin", "the length limit cuts off all in which the answers differ", ONE_TEXT,
        ("LIK06", "PREF01", "PREF04", "ACC01", "LOSS01"), 30, "rewards of both answers are alike to the last digit",
        options={"max_length": 12, "sft_weight": 0.0}, data={"differ": "in the number"},
    ),
    Fault(
        "overflow", "dpo-thin", "the loss is infinite at a step", OVERFLOWS, ("NUM01", "NUM02", "NUM03", "NUM04"),
        92, "NaN or infinity is logged", since=90, plant={"loss_times": float("inf")},
    ),
    Fault(
        "beta-too-large", "dpo-thin", "beta 30", BETA_LARGE, ("PREF10", "LIK04", "PREF04", "PREF07"), 75,
        "the policy does not get a nat away from its reference", options={"beta": 30.0},
    ),
    Fault(
        "told-apart-by-trivia", "dpo-thin", "every chosen answer ends with a mark of its own", TRIVIAL,
        ("ACC03", "LOSS03", "LOSS04"), 38, "accuracy is perfect within the first steps", data={"differ": "in a mark"},
    ),
    Fault(
        "rate-too-high", "kto-wide", "90 times the rate", TOO_HIGH, PAIRS_DIVERGE, 28,
        "the warm-up of 14 steps is over, and loss and rewards jump about", options={"learning_rate": 0.045},
    ),
    Fault(
        "rate-too-low", "kto-wide", "a thousandth of the rate", TOO_LOW, PAIRS_STAND, 70,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 5e-7},
    ),
    Fault(
        "labels-random", "kto-wide", "labels by a coin, held out too", LITTLE,
        ("LOSS06", "FIT05", "LOSS01", "MOVE01", "PREF04"), 93,
        "two thirds are over, and the margin stays at nought, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "batch-tiny", "kto-wide", "two answers a step", TINY, ("KTO04", "KTO02", "KTO03"), 1,
        "the configuration says it", options={"batch_size": 2},
    ),
    Fault(
        "classes-unbalanced", "kto-wide", "5 % of the answers are good, and weigh as much as bad ones", UNBALANCED,
        ("KTO05", "KTO03"), 35, "the rewards of good answers are missing in a third of the rows", data={"good": 0.05},
    ),
    Fault(
        "rate-too-high", "reward-quick", "120 times the rate", TOO_HIGH,
        (*PAIRS_DIVERGE, "RM01", "RM04", "RM05", "RM10", "GRAD09"), 70,
        "half of the run is over, and the gradient is gone while the loss stands", options={"learning_rate": 0.12},
    ),
    Fault(
        "rate-too-low", "reward-quick", "a thousandth of the rate", TOO_LOW,
        ("LOSS01", "LOSS06", "RM01", "GRAD05", "MOVE02", "MOVE08"), 70,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 1e-6},
    ),
    Fault(
        "labels-random", "reward-quick", "labels by a coin, held out too", LITTLE,
        ("RM01", "RM02", "LOSS06", "LOSS01", "FIT05", "MOVE03", "RM11"), 93,
        "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "over-training", "reward-quick", "15 pairs, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", data={"distinct": 15},
    ),
    Fault(
        "labels-swapped-midway", "reward-quick", "swapped from a step on", SWAPPED,
        ("RM07", "ACC02", "LOSS02", "MOVE04", "MOVE07"), 86, "accuracy falls far below one half at once", since=76,
        data={"swapped": "from a step on"},
    ),
    Fault(
        "rate-too-low", "prm-quick", "a thousandth of the rate", TOO_LOW,
        ("LOSS01", "LOSS06", "CLS05", "GRAD05", "MOVE02", "MOVE08"), 70,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 1.2e-6},
    ),
    Fault(
        "labels-random", "prm-quick", "labels by a coin, held out too", LITTLE,
        ("CLS05", "FIT05", "LOSS06", "MOVE03", "CLS12"), 93,
        "two thirds are over, and held-out accuracy is that of a coin", data={"noise": 0.5},
    ),
    Fault(
        "over-training", "prm-quick", "16 solutions, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", data={"distinct": 8},
    ),
    Fault(
        "one-class", "prm-quick", "3 % of the steps are wrong, and the rate is low", UNBALANCED,
        ("CLS01", "CLS02", "CLS04", "CLS07"), 60, "three evaluations with a specificity of nought",
        options={"learning_rate": 1.2e-4}, data={"wrong": 0.03},
    ),
    Fault(
        "rate-too-high", "grpo-brief", "50 times the rate", TOO_HIGH, ONLINE_DIVERGE, 18,
        "the warm-up of 9 steps is over, and the reward is gone", options={"learning_rate": 0.04},
    ),
    Fault(
        "reward-constant", "grpo-brief", "every answer is paid the same", DEAD, NO_SPREAD, 10,
        "the score is the same in every row", plant={"reward": "constant"},
    ),
    Fault(
        "reward-too-hard", "grpo-brief", "one prompt in fifty can be solved", MISMATCH, ("GRP01", "GRP02", "RWD10"),
        20, "nearly all groups score nought", plant={"reward": "hardly ever"},
    ),
    Fault(
        "cut-off", "grpo-brief", "answers are cut off after four tokens", CUT, ("LEN01", "LEN02", "LEN05"), 10,
        "every answer is cut off", options={"answer_length": 4},
    ),
    Fault(
        "entropy-collapses", "grpo-brief", "the entropy bonus has the wrong sign", SHARPENS, ("ENT01", "RWD06"),
        40, "entropy is a small part of what it was", plant={"entropy_coef": -7.0},
    ),
    Fault(
        "rate-too-high", "ppo-quick", "70 times the rate", TOO_HIGH, ONLINE_DIVERGE, 18,
        "the warm-up of 9 steps is over, and the score is gone", options={"learning_rate": 0.0105},
    ),
    Fault(
        "reward-breaks", "ppo-quick", "the reward function gives nought from a step on", DEAD,
        (*NO_SPREAD, "RWD03"), 51, "the score falls to nought and stays", since=45, plant={"reward": "breaks"},
    ),
    Fault(
        "kl-blows-up", "ppo-quick", "no weight on the KL, 35 times the rate", TOO_HIGH, ONLINE_DIVERGE, 18,
        "the KL is many times what it should be", options={"beta": 0.0, "learning_rate": 5.25e-3},
    ),
    Fault(
        "critic-stands-still", "ppo-quick", "the critic is not trained", CRITIC, ("VAL02",), 36,
        "the critic has explained nothing for thirty steps",
        options={"value_learning_rate": 0.0, "value_weight": 0.0},
    ),
)  # fmt: skip
