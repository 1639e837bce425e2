"""The third lot: settings and faults drawn up after the second had been recorded, before it was looked at.

It was held out until the fourth. Settings differ from those of both lots before it; faults are of kinds that these
have, planted at other depths and other steps.
"""

from __future__ import annotations

from scenario import (
    BETA_LARGE,
    COLLAPSED,
    CRITIC,
    CUT,
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
    SHARPENS,
    SWAPPED,
    TINY,
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
        "dpo-apo", "dpo", "the APO-zero loss, a cosine",
        {"loss_type": "apo_zero", "learning_rate": 5e-4, "sft_weight": 0.25, "schedule": "cosine", "max_steps": 160,
         "eval_steps": 20},
    ),
    Setting(
        "dpo-tight", "dpo", "beta 0.3, an adapter of rank 8, no likelihood term, a falling rate",
        {"lora": True, "lora_rank": 8, "learning_rate": 2e-3, "beta": 0.3, "sft_weight": 0.0, "schedule": "linear",
         "max_steps": 150, "eval_steps": 25},
    ),
    Setting(
        "kto-gentle", "kto", "beta 0.3, a cosine",
        {"beta": 0.3, "learning_rate": 3e-4, "schedule": "cosine", "max_steps": 200, "eval_steps": 25},
    ),
    Setting(
        "reward-steady", "reward", "labels of which a tenth is wrong, a constant rate",
        {"learning_rate": 3e-4, "schedule": "constant_with_warmup", "max_steps": 240, "eval_steps": 30}, {"noise": 0.1},
    ),
    Setting(
        "prm-even", "prm", "two fifths of the steps wrong, a falling rate",
        {"learning_rate": 1.5e-3, "schedule": "linear", "max_steps": 180, "eval_steps": 20}, {"wrong": 0.4},
    ),
    Setting(
        "grpo-cool", "grpo", "beta 0.02, smaller batches and steps, a cosine, one row in two steps",
        {"beta": 0.02, "batch_size": 48, "learning_rate": 7e-4, "schedule": "cosine", "logging_steps": 2,
         "max_steps": 140, "eval_steps": 20},
    ),
    Setting(
        "ppo-brisk", "ppo", "KL by k3, two minibatches, a cosine",
        {"kl_estimator": "k3", "minibatches": 2, "learning_rate": 2e-4, "schedule": "cosine", "max_steps": 90,
         "eval_steps": 15},
    ),
)  # fmt: skip

FAULTS = (
    Fault(
        "rate-too-high", "dpo-apo", "70 times the rate", TOO_HIGH, PAIRS_DIVERGE, 32,
        "the warm-up of 16 steps is over, and loss and rewards jump about", options={"learning_rate": 0.035},
    ),
    Fault(
        "rate-too-low", "dpo-apo", "a thousandth of the rate", TOO_LOW, PAIRS_STAND, 80,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 5e-7},
    ),
    Fault(
        "labels-random", "dpo-apo", "labels by a coin, held out too", LITTLE, ("ACC01", "LOSS06", "FIT05", "LOSS01"),
        107, "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "labels-swapped-in-half", "dpo-apo", "swapped where the claim is true, in the training set alone", SWAPPED,
        ("ACC02", "PREF03", "FIT01", "FIT03", "FIT04", "FIT06", "MOVE06"), 60,
        "three evaluations stand near a coin while the training accuracy rises", data={"swapped": "true claims"},
    ),
    Fault(
        "overflow", "dpo-apo", "the loss is infinite at a step", OVERFLOWS, ("NUM01", "NUM02", "NUM03", "NUM04"), 91,
        "NaN or infinity is logged", since=90, plant={"loss_times": float("inf")},
    ),
    Fault(
        "truncated-alike", "dpo-apo", "the length limit cuts off all in which the answers differ", ONE_TEXT,
        ("LIK06", "PREF01", "PREF04", "ACC01", "LOSS01"), 32, "rewards of both answers are alike to the last digit",
        options={"max_length": 12, "sft_weight": 0.0}, data={"differ": "in the number"},
    ),
    Fault(
        "over-training", "dpo-tight", "32 pairs, again and again", OVER, OVER_FITTED, 75,
        "three evaluations of which the last are worse", data={"distinct": 32},
    ),
    Fault(
        "reference-elsewhere", "dpo-apo", "the policy is tuned further than the reference", ELSEWHERE,
        ("PREF02", "LOSS08"), 3, "rewards and margin are not zero at the first step", plant={"start": "tuned"},
    ),
    Fault(
        "nothing-trains", "dpo-tight", "the half of the adapter that begins at zero is not optimized", NOTHING,
        ("PREF01", "GRAD04", "LIK04"), 10, "rewards are exactly zero, row after row", plant={"frozen": "lora_B"},
    ),
    Fault(
        "rate-jumps", "dpo-tight", "150 times the rate from a step on", TOO_HIGH,
        (*PAIRS_DIVERGE, "GRAD06", "LOSS05"), 86, "the logged rate jumps, and the loss with it", since=80,
        plant={"rate_times": 150.0},
    ),
    Fault(
        "told-apart-by-trivia", "dpo-tight", "every chosen answer ends with a mark of its own", TRIVIAL,
        ("ACC03", "LOSS03", "LOSS04"), 38, "accuracy is perfect within the first steps", data={"differ": "in a mark"},
    ),
    Fault(
        "beta-too-large", "dpo-tight", "beta 40", BETA_LARGE, ("PREF10", "LIK04", "PREF04", "PREF07"), 75,
        "the policy does not get a nat away from its reference", options={"beta": 40.0},
    ),
    Fault(
        "labels-swapped-midway", "dpo-tight", "swapped from a step on", SWAPPED,
        ("ACC02", "PREF03", "PREF05", "LOSS02", "MOVE04"), 90, "accuracy falls far below one half at once", since=80,
        data={"swapped": "from a step on"},
    ),
    Fault(
        "rate-too-high", "kto-gentle", "150 times the rate", TOO_HIGH, PAIRS_DIVERGE, 40,
        "the warm-up of 20 steps is over, and loss and rewards jump about", options={"learning_rate": 0.045},
    ),
    Fault(
        "rate-too-low", "kto-gentle", "a thousandth of the rate", TOO_LOW, PAIRS_STAND, 100,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 3e-7},
    ),
    Fault(
        "labels-random", "kto-gentle", "labels by a coin, held out too", LITTLE,
        ("LOSS06", "LOSS01", "PREF04", "FIT05", "MOVE01", "MOVE03"), 134,
        "two thirds are over, and the held-out margin is nought", data={"noise": 0.5},
    ),
    Fault(
        "labels-swapped-midway", "kto-gentle", "swapped from a step on", SWAPPED,
        ("PREF03", "PREF05", "LOSS02", "MOVE04"), 120, "the margin falls below nought", since=110,
        data={"swapped": "from a step on"},
    ),
    Fault(
        "classes-unbalanced", "kto-gentle", "93 % of the answers are good, and weigh as much as bad ones", UNBALANCED,
        ("KTO05", "KTO03"), 50, "the rewards of bad answers are missing in a third of the rows", data={"good": 0.93},
    ),
    Fault(
        "batch-tiny", "kto-gentle", "two answers a step", TINY, ("KTO04", "KTO02", "KTO03"), 1,
        "the configuration says it", options={"batch_size": 2},
    ),
    Fault(
        "nothing-trains", "kto-gentle", "the optimizer holds the weights of a copy", NOTHING,
        ("PREF01", "GRAD04", "LIK04"), 10, "rewards are exactly zero, row after row", plant={"optimizes": "a copy"},
    ),
    Fault(
        "reference-elsewhere", "kto-gentle", "the policy is tuned further than the reference", ELSEWHERE,
        ("PREF02", "LOSS08"), 3, "the estimate of the KL is not zero at the first step", plant={"start": "tuned"},
    ),
    Fault(
        "rate-too-high", "reward-steady", "300 times the rate", TOO_HIGH,
        (*PAIRS_DIVERGE, "RM01", "RM04", "RM05", "GRAD09"), 120,
        "half of the run is over, and the gradient is gone while the loss stands", options={"learning_rate": 0.09},
    ),
    Fault(
        "over-training", "reward-steady", "24 pairs, again and again", OVER, OVER_FITTED, 90,
        "three evaluations of which the last are worse", data={"distinct": 24},
    ),
    Fault(
        "labels-random", "reward-steady", "labels by a coin, held out too", LITTLE,
        ("RM01", "RM02", "FIT05", "LOSS06", "MOVE03"), 160,
        "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "labels-swapped-midway", "reward-steady", "swapped from a step on", SWAPPED,
        ("RM07", "ACC02", "LOSS02", "MOVE04"), 160, "accuracy falls far below one half at once", since=150,
        data={"swapped": "from a step on"},
    ),
    Fault(
        "scores-collapse", "reward-steady", "weight decay shrinks all weights from a step on", COLLAPSED,
        ("RM06", "RM01", "RM02", "LOSS02", "FIT01"), 140, "loss and accuracy go back to where they began", since=120,
        plant={"weight_decay": 600.0},
    ),
    Fault(
        "overflow", "reward-steady", "the loss is infinite at a step", OVERFLOWS,
        ("NUM01", "NUM02", "NUM03", "NUM04"), 151, "NaN or infinity is logged", since=150,
        plant={"loss_times": float("inf")},
    ),
    Fault(
        "rate-too-low", "prm-even", "a thousandth of the rate", TOO_LOW,
        ("LOSS01", "LOSS06", "GRAD05", "CLS05", "FIT05", "MOVE02"), 90,
        "half of the run is over, and the evaluations are where they began", options={"learning_rate": 1.5e-6},
    ),
    Fault(
        "labels-random", "prm-even", "labels by a coin, held out too", LITTLE, ("CLS05", "FIT05", "LOSS06", "MOVE03"),
        120, "two thirds are over, and held-out accuracy is that of a coin", data={"noise": 0.5},
    ),
    Fault(
        "one-class", "prm-even", "3 % of the steps are wrong, and the rate is low", UNBALANCED,
        ("CLS01", "CLS02", "CLS04", "CLS07"), 60, "three evaluations with a specificity of nought",
        options={"learning_rate": 1.5e-4}, data={"wrong": 0.03},
    ),
    Fault(
        "over-training", "prm-even", "24 solutions, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", data={"distinct": 12},
    ),
    Fault(
        "rate-too-high", "grpo-cool", "60 times the rate", TOO_HIGH, ONLINE_DIVERGE, 36,
        "the warm-up of 14 steps is over, and the reward is gone", options={"learning_rate": 0.042},
    ),
    Fault(
        "rate-jumps", "grpo-cool", "80 times the rate from a step on", TOO_HIGH, (*ONLINE_DIVERGE, "GRAD06"), 80,
        "the logged rate jumps, and the reward falls", since=70, plant={"rate_times": 80.0},
    ),
    Fault(
        "rate-too-low", "grpo-cool", "a thousandth of the rate", TOO_LOW, ("RWD02", "CLIP04", "MOVE05"), 84,
        "six tenths of the run are over, and the reward is where it began", options={"learning_rate": 7e-7},
    ),
    Fault(
        "reward-breaks", "grpo-cool", "the reward function gives nought from a step on", DEAD,
        (*NO_SPREAD, "RWD03"), 66, "the reward falls to nought and stays", since=56, plant={"reward": "breaks"},
    ),
    Fault(
        "reward-constant", "grpo-cool", "every answer is paid the same", DEAD, NO_SPREAD, 20,
        "the reward is the same in every row", plant={"reward": "constant"},
    ),
    Fault(
        "reward-too-hard", "grpo-cool", "one prompt in fifty can be solved", MISMATCH, (*NO_SPREAD, "RWD02"), 40,
        "nearly all groups score the same, and that is nought", plant={"reward": "hardly ever"},
    ),
    Fault(
        "word-exploited", "grpo-cool", "paid for every `yes`", EXPLOITED, ("RWD04", "RWD06", "RWD09"), 80,
        "the reward rises, accuracy falls in three evaluations", plant={"reward": "a word"},
    ),
    Fault(
        "cut-off", "grpo-cool", "four tokens an answer, which takes seven", CUT, ("LEN01", "LEN02", "LEN05"), 10,
        "every answer is cut off", options={"answer_length": 4},
    ),
    Fault(
        "entropy-collapses", "grpo-cool", "the entropy bonus has the wrong sign", SHARPENS, ("ENT01", "RWD06"), 56,
        "entropy is a small part of what it was", plant={"entropy_coef": -8.0},
    ),
    Fault(
        "rate-too-high", "ppo-brisk", "60 times the rate", TOO_HIGH, ONLINE_DIVERGE, 20,
        "the warm-up of 9 steps is over, and the score is gone", options={"learning_rate": 0.012},
    ),
    Fault(
        "rate-too-low", "ppo-brisk", "a thousandth of the rate", TOO_LOW, ("RWD02", "CLIP04", "MOVE05"), 54,
        "six tenths of the run are over, and the score is where it began", options={"learning_rate": 2e-7},
    ),
    Fault(
        "reward-breaks", "ppo-brisk", "the reward function gives nought from a step on", DEAD,
        (*NO_SPREAD, "RWD03"), 46, "the score falls to nought and stays", since=40, plant={"reward": "breaks"},
    ),
    Fault(
        "reward-constant", "ppo-brisk", "every answer is paid the same", DEAD, NO_SPREAD, 10,
        "the score is the same in every row", plant={"reward": "constant"},
    ),
    Fault(
        "length-exploited", "ppo-brisk", "paid by the word", EXPLOITED, ("RWD04", "RWD06", "RWD09", "LEN03"), 45,
        "the score rises, accuracy falls in three evaluations",
        options={"response_length": 20, "missing_eos_penalty": 0.0, "beta": 0.0, "learning_rate": 5e-4},
        plant={"reward": "length"},
    ),
    Fault(
        "cut-off", "ppo-brisk", "four tokens an answer, which takes seven", CUT, ("LEN01", "LEN02", "LEN05"), 5,
        "no answer ends by itself", options={"response_length": 4},
    ),
    Fault(
        "critic-explodes", "ppo-brisk", "1000 times the critic's rate", CRITIC, ("VAL01", "VAL02", "VAL03"), 15,
        "the value loss is many times its beginning", options={"value_learning_rate": 3.0, "value_clip": 1e6},
    ),
)  # fmt: skip
