"""The second lot: settings and faults drawn up after the first had been looked at, and held out until the third.

Other losses, betas, batches, adapters and schedules than in the first lot; kinds that it has, planted deeper or less
deep, and kinds that it lacks.
"""

from __future__ import annotations

from scenario import (
    ALIKE,
    BETA_LARGE,
    BETA_SMALL,
    BONUS,
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
        "dpo-hinge", "dpo", "the hinge loss, beta 0.2, a falling rate",
        {"loss_type": "hinge", "beta": 0.2, "batch_size": 24, "schedule": "linear", "max_steps": 120, "eval_steps": 20},
    ),
    Setting(
        "dpo-long", "dpo", "beta 0.05, small batches, a constant rate, one row in two steps",
        {"beta": 0.05, "batch_size": 8, "learning_rate": 5e-4, "schedule": "constant_with_warmup", "logging_steps": 2,
         "max_steps": 240, "eval_steps": 40},
    ),
    Setting(
        "kto-lora", "kto", "an adapter of rank 16, larger batches, a cosine",
        {"lora": True, "learning_rate": 2e-3, "batch_size": 24, "schedule": "cosine", "max_steps": 160,
         "eval_steps": 20},
    ),
    Setting(
        "reward-lora", "reward", "an adapter of rank 16, larger batches, a falling rate, one row in two steps",
        {"lora": True, "learning_rate": 1.5e-3, "batch_size": 24, "schedule": "linear", "logging_steps": 2,
         "max_steps": 200, "eval_steps": 20},
    ),
    Setting(
        "prm-rare", "prm", "a quarter of the steps wrong, smaller batches and steps, a cosine",
        {"learning_rate": 1e-3, "batch_size": 24, "schedule": "cosine", "max_steps": 300, "eval_steps": 30},
        {"wrong": 0.25},
    ),
    Setting(
        "grpo-strict", "grpo", "beta 0.1, groups of sixteen, a falling rate",
        {"beta": 0.1, "generations": 16, "schedule": "linear", "max_steps": 120, "eval_steps": 20},
    ),
    Setting(
        "ppo-mild", "ppo", "beta 0.1, small batches, a falling rate, a discount",
        {"beta": 0.1, "batch_size": 16, "minibatches": 2, "ppo_epochs": 3, "gamma": 0.99, "schedule": "linear",
         "max_steps": 120, "eval_steps": 20},
    ),
)  # fmt: skip

FAULTS = (
    # Pairs, by the hinge loss.
    Fault(
        "rate-too-high", "dpo-hinge", "50 times the rate", TOO_HIGH, PAIRS_DIVERGE, 24,
        "the warm-up of 12 steps is over, and loss and rewards jump about", options={"learning_rate": 0.05},
    ),
    Fault(
        "nothing-trains", "dpo-hinge", "the optimizer holds the weights of a copy", NOTHING,
        ("PREF01", "GRAD04", "LIK04"), 10, "rewards are exactly zero, row after row", plant={"optimizes": "a copy"},
    ),
    Fault(
        "labels-random", "dpo-hinge", "labels by a coin, held out too", LITTLE, ("ACC01", "LOSS06", "FIT05", "LOSS01"),
        80, "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "over-training", "dpo-hinge", "16 pairs, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", options={"sft_weight": 0.0}, data={"distinct": 16},
    ),
    Fault(
        "told-apart-by-trivia", "dpo-hinge", "every chosen answer ends with a mark of its own", TRIVIAL,
        ("ACC03", "LOSS03", "LOSS04"), 30, "accuracy is perfect within the first steps", data={"differ": "in a mark"},
    ),
    Fault(
        "reference-elsewhere", "dpo-hinge", "the policy is tuned further than the reference", ELSEWHERE,
        ("PREF02", "LOSS08"), 3, "rewards and margin are not zero at the first step", plant={"start": "tuned"},
    ),
    # Pairs, in a longer run.
    Fault(
        "rate-jumps", "dpo-long", "200 times the rate from a step on", TOO_HIGH, (*PAIRS_DIVERGE, "GRAD06", "LOSS05"),
        146, "the logged rate jumps, and the loss with it", since=140, plant={"rate_times": 200.0},
    ),
    Fault(
        "rate-goes-out", "dpo-long", "the rate is nought from a step on", TOO_LOW, ("RATE01",), 72,
        "the logged rate is nought for a twentieth of the run", since=60, plant={"rate_times": 0.0},
    ),
    Fault(
        "rate-too-low", "dpo-long", "two thousandths of the rate", TOO_LOW, PAIRS_STAND, 120,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 1e-6},
    ),
    Fault(
        "labels-swapped-midway", "dpo-long", "swapped from a step on", SWAPPED,
        ("ACC02", "PREF03", "PREF05", "LOSS02"), 120, "accuracy falls far below one half at once", since=100,
        data={"swapped": "from a step on"},
    ),
    Fault(
        "overflow", "dpo-long", "the loss is infinite at a step", OVERFLOWS, ("NUM01", "NUM02", "NUM03", "NUM04"), 82,
        "NaN or infinity is logged", since=80, plant={"loss_times": float("inf")},
    ),
    Fault(
        "pairs-alike", "dpo-long", "answers that differ in the number alone, beta 0.02, no likelihood term", ALIKE,
        ("LIK01", "LIK03"), 96, "both rewards fall while the margin grows",
        options={"beta": 0.02, "learning_rate": 3e-3, "sft_weight": 0.0}, data={"differ": "in the number"},
    ),
    Fault(
        "truncated-alike", "dpo-long", "the length limit cuts off all in which the answers differ", ONE_TEXT,
        ("LIK06", "PREF01", "PREF04", "ACC01", "LOSS01"), 48, "rewards of both answers are alike to the last digit",
        options={"max_length": 12, "sft_weight": 0.0}, data={"differ": "in the number"},
    ),
    Fault(
        "beta-too-small", "dpo-long", "beta 0.0005, no likelihood term", BETA_SMALL,
        ("PREF09", "LIK01", "LIK05", "PREF06"), 96, "the policy is many nats away from its reference",
        options={"beta": 0.0005, "sft_weight": 0.0, "learning_rate": 2e-3},
    ),
    # Single answers.
    Fault(
        "rate-too-high", "kto-lora", "100 times the rate", TOO_HIGH, PAIRS_DIVERGE, 32,
        "the warm-up of 16 steps is over, and loss and rewards jump about", options={"learning_rate": 0.2},
    ),
    Fault(
        "rate-too-low", "kto-lora", "a thousandth of the rate", TOO_LOW, PAIRS_STAND, 80,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 2e-6},
    ),
    Fault(
        "labels-random", "kto-lora", "labels by a coin, held out too", LITTLE,
        ("LOSS06", "LOSS01", "PREF04", "FIT05"), 110, "two thirds are over, and the held-out margin is nought",
        data={"noise": 0.5},
    ),
    Fault(
        "labels-swapped-midway", "kto-lora", "swapped from a step on", SWAPPED, ("PREF03", "PREF05", "LOSS02"), 90,
        "the margin falls below nought", since=80, data={"swapped": "from a step on"},
    ),
    Fault(
        "classes-unbalanced", "kto-lora", "5 % of the answers are good, and weigh as much as bad ones", UNBALANCED,
        ("KTO05", "KTO03"), 40, "the rewards of good answers are missing in a third of the rows", data={"good": 0.05},
    ),
    Fault(
        "sorted-by-label", "kto-lora", "all good answers first, then all bad ones", UNBALANCED, ("KTO05", "KTO03"), 40,
        "no row has the rewards of both", data={"sorted": True},
    ),
    Fault(
        "over-training", "kto-lora", "24 answers, again and again", OVER, OVER_FITTED, 60,
        "three evaluations that no longer get better, far above the training loss", data={"distinct": 12},
    ),
    # A reward model.
    Fault(
        "rate-too-high", "reward-lora", "130 times the rate", TOO_HIGH,
        (*PAIRS_DIVERGE, "RM01", "RM04", "RM05", "GRAD09"), 100,
        "half of the run is over, and the gradient is a small part of what it was, while the loss stands",
        options={"learning_rate": 0.2},
    ),
    Fault(
        "rate-too-low", "reward-lora", "a thousandth of the rate", TOO_LOW, ("LOSS01", "LOSS06", "RM01", "GRAD05"),
        100, "half of the run is over, and the loss is where it began", options={"learning_rate": 1.5e-6},
    ),
    Fault(
        "labels-random", "reward-lora", "labels by a coin, held out too", LITTLE, ("RM01", "RM02", "FIT05", "LOSS06"),
        134, "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "over-training", "reward-lora", "16 pairs, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", data={"distinct": 16},
    ),
    Fault(
        "told-apart-by-trivia", "reward-lora", "every chosen answer ends with a mark of its own", TRIVIAL,
        ("ACC03", "LOSS03", "LOSS04", "RM03"), 50, "accuracy is perfect, held out as well",
        data={"differ": "in a mark"},
    ),
    # A classifier of steps.
    Fault(
        "rate-too-high", "prm-rare", "200 times the rate", TOO_HIGH + UNBALANCED,
        (*PAIRS_DIVERGE, "CLS01", "CLS04", "CLS05", "CLS07"), 60,
        "the warm-up of 30 steps is over, and the loss is no better than that of a guess",
        options={"learning_rate": 0.2},
    ),
    Fault(
        "labels-random", "prm-rare", "labels by a coin, held out too", LITTLE, ("CLS05", "FIT05", "LOSS06"), 200,
        "two thirds are over, and held-out accuracy is that of a coin", data={"noise": 0.5},
    ),
    Fault(
        "one-class", "prm-rare", "2 % of the steps are wrong, and the rate is low", UNBALANCED,
        ("CLS01", "CLS02", "CLS04", "CLS07"), 90, "three evaluations with a specificity of nought",
        options={"learning_rate": 2e-4}, data={"wrong": 0.02},
    ),
    Fault(
        "over-training", "prm-rare", "16 solutions, again and again", OVER, OVER_FITTED, 90,
        "three evaluations of which the last are worse", data={"distinct": 8},
    ),
    # Answers that the model gives itself.
    Fault(
        "rate-too-high", "grpo-strict", "50 times the rate", TOO_HIGH, ONLINE_DIVERGE, 30,
        "the warm-up of 12 steps is over, and the reward is gone", options={"learning_rate": 0.05},
    ),
    Fault(
        "rate-too-low", "grpo-strict", "a two thousandth of the rate", TOO_LOW, ("RWD02", "CLIP04"), 72,
        "six tenths of the run are over, and the reward is where it began", options={"learning_rate": 5e-7},
    ),
    Fault(
        "beta-too-large", "grpo-strict", "beta 20", BETA_LARGE, ("RWD02", "PREF10", "KL04"), 72,
        "six tenths are over, the reward is where it began, and the KL is next to nothing", options={"beta": 20.0},
    ),
    Fault(
        "reward-breaks", "grpo-strict", "the reward function gives nought from a step on", DEAD,
        (*NO_SPREAD, "RWD03"), 66, "the reward falls to nought and stays", since=60, plant={"reward": "breaks"},
    ),
    Fault(
        "reward-too-hard", "grpo-strict", "one prompt in fifty can be solved", MISMATCH, (*NO_SPREAD, "RWD02"), 30,
        "nearly all groups score the same, and that is nought", plant={"reward": "hardly ever"},
    ),
    Fault(
        "length-exploited", "grpo-strict", "paid by the word", EXPLOITED, ("RWD04", "RWD06", "LEN03"), 60,
        "the reward rises, accuracy falls in three evaluations", options={"answer_length": 20},
        plant={"reward": "length"},
    ),
    Fault(
        "reward-upside-down", "grpo-strict", "what is wrong is paid", EXPLOITED, ("RWD04", "RWD06"), 60,
        "the reward rises, accuracy falls in three evaluations", plant={"reward": "the wrong way round"},
    ),
    Fault(
        "cut-off", "grpo-strict", "five tokens an answer, which takes seven", CUT, ("LEN01", "LEN02", "LEN05"), 5,
        "every answer is cut off", options={"answer_length": 5},
    ),
    Fault(
        "entropy-collapses", "grpo-strict", "the entropy bonus has the wrong sign", SHARPENS, ("ENT01", "RWD06"), 40,
        "entropy is a small part of what it was", plant={"entropy_coef": -5.0},
    ),
    Fault(
        "entropy-explodes", "grpo-strict", "an entropy bonus a hundred times too strong", BONUS, ("ENT02",), 40,
        "entropy is a multiple of what it was, and the reward is gone", plant={"entropy_coef": 1.0},
    ),
    Fault(
        "rate-too-high", "ppo-mild", "50 times the rate", TOO_HIGH, ONLINE_DIVERGE, 24,
        "the warm-up of 12 steps is over, and the score is gone", options={"learning_rate": 0.005},
    ),
    Fault(
        "rate-too-low", "ppo-mild", "a thousandth of the rate", TOO_LOW, ("RWD02", "CLIP04"), 72,
        "six tenths of the run are over, and the score is where it began", options={"learning_rate": 1e-7},
    ),
    Fault(
        "reward-constant", "ppo-mild", "every answer is paid the same", DEAD, NO_SPREAD, 10,
        "the score is the same in every row", plant={"reward": "constant"},
    ),
    Fault(
        "reward-breaks", "ppo-mild", "the reward function gives nought from a step on", DEAD,
        (*NO_SPREAD, "RWD03"), 66, "the score falls to nought and stays", since=60, plant={"reward": "breaks"},
    ),
    Fault(
        "length-exploited", "ppo-mild", "paid by the word", EXPLOITED, ("RWD04", "RWD06", "LEN03"), 60,
        "the score rises, accuracy falls in three evaluations",
        options={"response_length": 20, "missing_eos_penalty": 0.0, "beta": 0.01, "learning_rate": 5e-4},
        plant={"reward": "length"},
    ),
    Fault(
        "cut-off", "ppo-mild", "five tokens an answer, which takes seven", CUT, ("LEN01", "LEN02", "LEN05"), 5,
        "no answer ends by itself", options={"response_length": 5},
    ),
    Fault(
        "kl-blows-up", "ppo-mild", "no weight on the KL, 10 times the rate", TOO_HIGH, ONLINE_DIVERGE, 24,
        "the KL is many times what it should be", options={"beta": 0.0, "learning_rate": 1e-3},
    ),
    Fault(
        "critic-stands-still", "ppo-mild", "the critic is not trained", CRITIC, ("VAL02",), 48,
        "the critic has explained nothing for forty steps",
        options={"value_learning_rate": 0.0, "value_weight": 0.0},
    ),
)  # fmt: skip
