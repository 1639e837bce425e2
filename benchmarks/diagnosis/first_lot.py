"""The first lot: settings and faults of which half was held out at first, and which have all been looked at since."""

from __future__ import annotations

from scenario import (
    ALIKE,
    BETA_LARGE,
    BETA_SMALL,
    COLLAPSED,
    CRITIC,
    CUT,
    DEAD,
    ELSEWHERE,
    EXPLOITED,
    LITTLE,
    MISMATCH,
    NARROWED,
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
    Setting("dpo-plain", "dpo", "as the recipe has it", {"max_steps": 120, "eval_steps": 20}),
    Setting(
        "dpo-strict", "dpo", "beta 0.5, larger batches, a cosine",
        {"beta": 0.5, "batch_size": 32, "schedule": "cosine", "max_steps": 100, "eval_steps": 20},
    ),
    Setting(
        "dpo-ipo", "dpo", "the IPO loss, without the likelihood of the chosen answer",
        {"loss_type": "ipo", "learning_rate": 3e-4, "sft_weight": 0.0, "schedule": "constant_with_warmup",
         "max_steps": 120, "eval_steps": 20},
    ),
    Setting(
        "dpo-lora", "dpo", "an adapter of rank 16",
        {"lora": True, "learning_rate": 5e-3, "max_steps": 120, "eval_steps": 20},
    ),
    Setting(
        "dpo-sparse", "dpo", "smoothed labels, one row in five steps",
        {"loss_type": "robust", "label_smoothing": 0.1, "learning_rate": 5e-4, "logging_steps": 5, "max_steps": 400,
         "eval_steps": 50},
    ),
    Setting("kto-plain", "kto", "as the recipe has it", {"max_steps": 160, "eval_steps": 20}),
    Setting(
        "kto-sparse", "kto", "beta 0.2, larger batches, a falling rate, one row in two steps",
        {"beta": 0.2, "batch_size": 32, "learning_rate": 3e-4, "schedule": "linear", "logging_steps": 2,
         "max_steps": 200, "eval_steps": 40},
    ),
    Setting("reward-plain", "reward", "as the recipe has it", {"max_steps": 200, "eval_steps": 25}),
    Setting(
        "reward-human", "reward", "labels of which 15 % are wrong, larger batches, a cosine",
        {"batch_size": 32, "schedule": "cosine", "max_steps": 160, "eval_steps": 20}, {"noise": 0.15},
    ),
    Setting("prm-plain", "prm", "as the recipe has it", {"max_steps": 200, "eval_steps": 25}),
    Setting(
        "prm-constant", "prm", "half of the steps wrong, a constant rate",
        {"learning_rate": 1e-3, "schedule": "constant_with_warmup", "max_steps": 200, "eval_steps": 25}, {"wrong": 0.5},
    ),
    Setting("grpo-plain", "grpo", "as the recipe has it", {"max_steps": 100, "eval_steps": 20}),
    Setting(
        "grpo-free", "grpo", "no reference, groups of four, a cosine",
        {"beta": 0.0, "generations": 4, "batch_size": 32, "learning_rate": 5e-4, "schedule": "cosine", "max_steps": 120,
         "eval_steps": 20},
    ),
    Setting("ppo-plain", "ppo", "as the recipe has it", {"max_steps": 100, "eval_steps": 20}),
    Setting(
        "ppo-adaptive", "ppo", "an adaptive weight of the KL, estimated by k3, rewards whitened, smaller steps",
        {"kl_target": 0.5, "horizon": 2000, "kl_estimator": "k3", "whiten_rewards": True, "ppo_epochs": 2,
         "minibatches": 2, "learning_rate": 2e-4, "max_steps": 100, "eval_steps": 20},
    ),
)  # fmt: skip

FAULTS = (
    # The learning rate.
    Fault(
        "rate-too-high", "dpo-plain", "100 times the rate", TOO_HIGH, PAIRS_DIVERGE, 24,
        "the warm-up of 12 steps is over, and loss and rewards jump about", options={"learning_rate": 0.1},
    ),
    Fault(
        "rate-too-high", "dpo-sparse", "100 times the rate", TOO_HIGH, PAIRS_DIVERGE, 80,
        "the warm-up of 40 steps is over, and loss and rewards jump about", options={"learning_rate": 0.05},
    ),
    Fault(
        "rate-too-high", "kto-plain", "100 times the rate", TOO_HIGH, PAIRS_DIVERGE, 32,
        "the warm-up of 16 steps is over, and loss and rewards jump about", options={"learning_rate": 0.05},
    ),
    Fault(
        "rate-too-high", "reward-human", "200 times the rate", TOO_HIGH, (*PAIRS_DIVERGE, "RM01", "RM04", "RM05"), 32,
        "the warm-up of 16 steps is over, and the loss is far above ln 2", options={"learning_rate": 0.1},
    ),
    Fault(
        "rate-too-high", "grpo-free", "100 times the rate", TOO_HIGH, ONLINE_DIVERGE, 30,
        "the warm-up of 12 steps is over, and the reward is gone", options={"learning_rate": 0.05},
    ),
    Fault(
        "rate-too-high", "ppo-adaptive", "100 times the rate", TOO_HIGH, ONLINE_DIVERGE, 20,
        "the warm-up of 10 steps is over, and the score is gone", options={"learning_rate": 0.02},
    ),
    Fault(
        "rate-too-low", "dpo-strict", "a thousandth of the rate", TOO_LOW, PAIRS_STAND, 50,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 1e-6},
    ),
    Fault(
        "rate-too-low", "dpo-lora", "a thousandth of the rate", TOO_LOW, PAIRS_STAND, 60,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 5e-6},
    ),
    Fault(
        "rate-too-low", "kto-sparse", "a thousandth of the rate", TOO_LOW, PAIRS_STAND, 100,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 3e-7},
    ),
    Fault(
        "rate-too-low", "reward-human", "a thousandth of the rate", TOO_LOW, ("LOSS01", "LOSS06", "RM01", "GRAD05"), 80,
        "half of the run is over, and the loss is where it began", options={"learning_rate": 5e-7},
    ),
    Fault(
        "rate-too-low", "grpo-free", "a thousandth of the rate", TOO_LOW, ("RWD02", "CLIP04"), 72,
        "six tenths of the run are over, and the reward is where it began", options={"learning_rate": 5e-7},
    ),
    Fault(
        "rate-too-low", "ppo-plain", "a thousandth of the rate", TOO_LOW, ("RWD02", "CLIP04"), 60,
        "six tenths of the run are over, and the score is where it began", options={"learning_rate": 1e-7},
    ),
    Fault(
        "rate-jumps", "dpo-plain", "100 times the rate from a step on", TOO_HIGH, (*PAIRS_DIVERGE, "GRAD06", "LOSS05"),
        65, "the logged rate jumps, and the loss with it", since=60, plant={"rate_times": 100.0},
    ),
    Fault(
        "rate-jumps", "kto-plain", "100 times the rate from a step on", TOO_HIGH, (*PAIRS_DIVERGE, "GRAD06", "LOSS05"),
        85, "the logged rate jumps, and the loss with it", since=80, plant={"rate_times": 100.0},
    ),
    Fault(
        "rate-jumps", "grpo-free", "100 times the rate from a step on", TOO_HIGH, (*ONLINE_DIVERGE, "GRAD06"), 70,
        "the logged rate jumps, and the reward falls", since=60, plant={"rate_times": 100.0},
    ),
    # Nothing, or not what was meant, is trained.
    Fault(
        "nothing-trains", "dpo-lora", "the half of the adapter that begins at zero is not optimized", NOTHING,
        ("PREF01", "GRAD04", "LIK04"), 10, "rewards are exactly zero, row after row",
        options={"sft_weight": 0.0}, plant={"frozen": "lora_B"},
    ),
    Fault(
        "nothing-trains", "kto-plain", "the optimizer holds the weights of a copy", NOTHING,
        ("PREF01", "GRAD04", "LIK04"), 10, "rewards are exactly zero, row after row", plant={"optimizes": "a copy"},
    ),
    Fault(
        "reference-elsewhere", "dpo-strict", "the policy is tuned further than the reference", ELSEWHERE,
        ("PREF02", "LOSS08"), 3, "rewards and margin are not zero at the first step", plant={"start": "tuned"},
    ),
    Fault(
        "reference-elsewhere", "kto-plain", "the policy is tuned further than the reference", ELSEWHERE,
        ("PREF02", "LOSS08"), 3, "rewards and margin are not zero at the first step", plant={"start": "tuned"},
    ),
    Fault(
        "overflow", "dpo-strict", "the loss is infinite at a step", OVERFLOWS, ("NUM01", "NUM02", "NUM03", "NUM04"), 51,
        "NaN or infinity is logged", since=50, plant={"loss_times": float("inf")},
    ),
    Fault(
        "overflow", "reward-plain", "the loss is infinite at a step", OVERFLOWS, ("NUM01", "NUM02", "NUM03", "NUM04"),
        101, "NaN or infinity is logged", since=100, plant={"loss_times": float("inf")},
    ),
    # Labels.
    Fault(
        "labels-random", "dpo-plain", "labels by a coin, held out too", LITTLE, ("ACC01", "LOSS06", "FIT05", "LOSS01"),
        80, "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "labels-random", "kto-plain", "labels by a coin, held out too", LITTLE,
        ("LOSS06", "LOSS01", "PREF04", "FIT05"), 110, "two thirds are over, and the held-out margin is nought",
        data={"noise": 0.5},
    ),
    Fault(
        "labels-random", "reward-human", "labels by a coin, held out too", LITTLE, ("RM01", "RM02", "FIT05", "LOSS06"),
        100, "two thirds are over, and accuracy is that of a coin, held out as well", data={"noise": 0.5},
    ),
    Fault(
        "labels-random", "prm-constant", "labels by a coin, held out too", LITTLE, ("CLS05", "FIT05", "LOSS06"), 125,
        "two thirds are over, and held-out accuracy is that of a coin", data={"noise": 0.5},
    ),
    Fault(
        "labels-noisy", "dpo-strict", "30 % of the labels are wrong", LITTLE, ("ACC01", "FIT05", "LOSS06"), None,
        "an accuracy of 0.65 to 0.7 is what labels of people give", data={"noise": 0.3},
    ),
    Fault(
        "labels-noisy", "reward-plain", "30 % of the labels are wrong", LITTLE, ("RM01", "RM02", "FIT05"), None,
        "an accuracy of 0.65 to 0.7 is what labels of people give", data={"noise": 0.3},
    ),
    Fault(
        "labels-swapped", "dpo-strict", "all labels are the wrong way round", SWAPPED, ("ACC02", "PREF03"), None,
        "the wrong answers are learned well: every curve is that of a good run", data={"noise": 0.95},
    ),
    Fault(
        "labels-swapped", "reward-plain", "all labels are the wrong way round", SWAPPED, ("RM07", "ACC02"), None,
        "the wrong answers are learned well: every curve is that of a good run", data={"noise": 0.95},
    ),
    Fault(
        "labels-swapped-in-half", "dpo-strict", "swapped where the claim is true, in the training set alone", SWAPPED,
        ("ACC02", "PREF03", "FIT01", "FIT03", "FIT04", "FIT06"), 60,
        "three evaluations stand near a coin while the training accuracy rises", data={"swapped": "true claims"},
    ),
    Fault(
        "labels-swapped-in-half", "reward-human", "swapped where the claim is true, in the training set alone", SWAPPED,
        ("RM07", "RM02", "FIT01", "FIT02", "FIT03", "FIT04"), 60,
        "three evaluations stand near a coin while the training accuracy rises", data={"swapped": "true claims"},
    ),
    Fault(
        "labels-swapped-midway", "dpo-strict", "swapped from a step on", SWAPPED,
        ("ACC02", "PREF03", "PREF05", "LOSS02"), 60, "accuracy falls far below one half at once", since=50,
        data={"swapped": "from a step on"},
    ),
    Fault(
        "labels-swapped-midway", "reward-plain", "swapped from a step on", SWAPPED, ("RM07", "ACC02", "LOSS02"), 110,
        "accuracy falls far below one half at once", since=100, data={"swapped": "from a step on"},
    ),
    Fault(
        "classes-unbalanced", "kto-plain", "95 % of the answers are good, and weigh as much as bad ones", UNBALANCED,
        ("KTO05", "KTO03"), 40, "the rewards of bad answers are missing in nearly half of the rows",
        data={"good": 0.95},
    ),
    Fault(
        "one-class", "prm-constant", "3 % of the steps are wrong, and the rate is low", UNBALANCED,
        ("CLS01", "CLS02", "CLS04", "CLS07"), 75, "three evaluations with a specificity of nought",
        options={"learning_rate": 1e-4}, data={"wrong": 0.03},
    ),
    # Examples.
    Fault(
        "pairs-alike", "dpo-strict", "answers that differ in the number alone, beta 0.01, no likelihood term", ALIKE,
        ("LIK01", "LIK03"), 40, "both rewards fall while the margin grows",
        options={"beta": 0.01, "learning_rate": 5e-3, "sft_weight": 0.0}, data={"differ": "in the number"},
    ),
    Fault(
        "pairs-alike", "dpo-plain", "answers that differ in the number alone, beta 0.05, no likelihood term", ALIKE,
        ("LIK01", "LIK03"), 48, "both rewards fall while the margin grows",
        options={"beta": 0.05, "learning_rate": 3e-3, "sft_weight": 0.0}, data={"differ": "in the number"},
    ),
    Fault(
        "over-training", "dpo-lora", "24 pairs, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", options={"sft_weight": 0.0}, data={"distinct": 24},
    ),
    Fault(
        "over-training", "dpo-plain", "24 pairs, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", options={"sft_weight": 0.0}, data={"distinct": 24},
    ),
    Fault(
        "over-training", "reward-human", "24 pairs, again and again", OVER, OVER_FITTED, 60,
        "three evaluations of which the last are worse", data={"distinct": 24},
    ),
    Fault(
        "over-training", "prm-constant", "24 solutions, again and again", OVER, OVER_FITTED, 75,
        "three evaluations of which the last are worse", data={"distinct": 24},
    ),
    Fault(
        "truncated-alike", "dpo-strict", "the length limit cuts off all in which the answers differ", ONE_TEXT,
        ("LIK06", "PREF01", "PREF04", "ACC01", "LOSS01"), 20, "rewards of both answers are alike to the last digit",
        options={"max_length": 12, "sft_weight": 0.0}, data={"differ": "in the number"},
    ),
    Fault(
        "told-apart-by-trivia", "dpo-strict", "every chosen answer ends with a mark of its own", TRIVIAL,
        ("ACC03", "LOSS03", "LOSS04"), 30, "accuracy is perfect within the first steps", data={"differ": "in a mark"},
    ),
    Fault(
        "told-apart-by-trivia", "reward-plain", "every chosen answer ends with a mark of its own", TRIVIAL,
        ("ACC03", "LOSS03", "LOSS04", "RM03"), 50, "accuracy is perfect, held out as well",
        data={"differ": "in a mark"},
    ),
    Fault(
        "batch-tiny", "kto-plain", "two answers a step", TINY, ("KTO04", "KTO02", "KTO03"), 1,
        "the configuration says it", options={"batch_size": 2},
    ),
    # The objective.
    Fault(
        "beta-too-small", "dpo-lora", "beta 0.001, no likelihood term", BETA_SMALL,
        ("PREF09", "LIK01", "LIK05", "PREF06"), 48,
        "the policy is many nats away from its reference", options={"beta": 0.001, "sft_weight": 0.0},
    ),
    Fault(
        "beta-too-large", "dpo-lora", "beta 50", BETA_LARGE, ("PREF10", "LIK04", "PREF04", "PREF07"), 60,
        "the policy does not get a nat away from its reference", options={"beta": 50.0, "sft_weight": 0.0},
    ),
    Fault(
        "scores-collapse", "reward-human", "weight decay shrinks all weights from a step on", COLLAPSED,
        ("RM06", "RM01", "RM02", "LOSS02", "FIT01"), 100, "loss and accuracy go back to where they began", since=80,
        plant={"weight_decay": 400.0},
    ),
    # Online: the reward.
    Fault(
        "reward-constant", "grpo-free", "every answer is paid the same", DEAD, NO_SPREAD, 10,
        "the reward is the same in every row", plant={"reward": "constant"},
    ),
    Fault(
        "reward-constant", "ppo-adaptive", "every answer is paid the same", DEAD, NO_SPREAD, 10,
        "the score is the same in every row", plant={"reward": "constant"},
    ),
    Fault(
        "reward-too-hard", "grpo-plain", "nothing that the model says is ever paid", DEAD + MISMATCH, NO_SPREAD, 10,
        "the reward is nought in every row", plant={"reward": "never"},
    ),
    Fault(
        "reward-too-hard", "grpo-free", "one prompt in fifty can be solved", MISMATCH, (*NO_SPREAD, "RWD02"), 30,
        "nearly all groups score the same, and that is nought", plant={"reward": "hardly ever"},
    ),
    Fault(
        "reward-solved", "grpo-free", "whatever the model says is right", MISMATCH + DEAD, NO_SPREAD, 10,
        "the reward is at its best in every row", plant={"reward": "always"},
    ),
    Fault(
        "reward-breaks", "grpo-plain", "the reward function gives nought from a step on", DEAD, (*NO_SPREAD, "RWD03"),
        56, "the reward falls to nought and stays", since=50, plant={"reward": "breaks"},
    ),
    Fault(
        "reward-breaks", "ppo-adaptive", "the reward function gives nought from a step on", DEAD,
        (*NO_SPREAD, "RWD03"), 56, "the score falls to nought and stays", since=50, plant={"reward": "breaks"},
    ),
    Fault(
        "length-exploited", "grpo-free", "paid by the word", EXPLOITED, ("RWD04", "RWD06", "LEN03"), 60,
        "the reward rises, accuracy falls in three evaluations", options={"answer_length": 24},
        plant={"reward": "length"},
    ),
    Fault(
        "length-exploited", "ppo-plain", "paid by the word", EXPLOITED, ("RWD04", "RWD06", "LEN03"), 60,
        "the score rises, accuracy falls in three evaluations",
        options={"response_length": 24, "missing_eos_penalty": 0.0, "beta": 0.0, "learning_rate": 5e-4},
        plant={"reward": "length"},
    ),
    Fault(
        "word-exploited", "grpo-free", "paid for every `yes`", EXPLOITED, ("RWD04", "RWD06"), 60,
        "the reward rises, accuracy falls in three evaluations", plant={"reward": "a word"},
    ),
    Fault(
        "cut-off", "grpo-free", "four tokens an answer, which takes seven", CUT, ("LEN01", "LEN02", "LEN05"), 5,
        "every answer is cut off", options={"answer_length": 4},
    ),
    Fault(
        "cut-off", "ppo-adaptive", "four tokens an answer, which takes seven", CUT, ("LEN01", "LEN02", "LEN05"), 5,
        "no answer ends by itself", options={"response_length": 4},
    ),
    # Online: the policy and its critic.
    Fault(
        "entropy-collapses", "grpo-free", "the entropy bonus has the wrong sign", SHARPENS, ("ENT01", "RWD06"), 40,
        "entropy is a small part of what it was", plant={"entropy_coef": -10.0},
    ),
    Fault(
        "kl-blows-up", "ppo-plain", "no weight on the KL, 20 times the rate", TOO_HIGH, ONLINE_DIVERGE, 20,
        "the KL is many times what it should be", options={"beta": 0.0, "learning_rate": 2e-3},
    ),
    Fault(
        "kl-blows-up", "grpo-plain", "next to no weight on the KL, 20 times the rate", TOO_HIGH, ONLINE_DIVERGE, 25,
        "the KL is many times what it should be", options={"beta": 1e-4, "learning_rate": 2e-2},
    ),
    Fault(
        "sampling-narrowed", "ppo-adaptive", "answers from the two likeliest tokens, KL by k1", NARROWED, ("KL03",),
        None, "two tokens hold nearly all the probability here, so that the KL stays above nought",
        options={"top_k": 2, "kl_estimator": "k1", "kl_target": 0.0},
    ),
    Fault(
        "critic-stands-still", "ppo-adaptive", "the critic is not trained", CRITIC, ("VAL02",), 40,
        "the critic has explained nothing for forty steps",
        options={"value_learning_rate": 0.0, "value_weight": 0.0},
    ),
    Fault(
        "critic-explodes", "ppo-adaptive", "1000 times the critic's rate", CRITIC, ("VAL01", "VAL02", "VAL03"), 15,
        "the value loss is many times its beginning",
        options={"value_learning_rate": 3.0, "value_clip": 1e6},
    ),
)  # fmt: skip
