"""The series that rules speak of, each under the word a practitioner would use."""

from __future__ import annotations

from barograph.core.names import COMPONENT, EVAL
from barograph.signals.expression import Condition, Signal
from barograph.signals.words import fact, metric

# Common
loss = metric("loss")
eval_loss = metric("loss", EVAL)
lr = metric("lr")
grad = metric("grad_norm")
step_time = metric("step_time")

# Where no step was logged, rows are counted in place of steps: then nobody knows which rows are the first steps.
steps_are_logged = fact("steps_are_logged") > 0

# Preference tuning. The implicit reward is beta times a log-ratio, so dividing by beta gives nats per sequence:
# the one scale on which runs of different beta can share a threshold.
beta = fact("beta")
#: The same, but nothing where it is only the usual one.
own_beta = fact("beta_of_this_run")
margin = metric("reward_margin")
chosen = metric("reward_chosen")
rejected = metric("reward_rejected")
accuracy = metric("reward_accuracy")
margin_nats = margin / beta
chosen_nats = chosen / beta
rejected_nats = rejected / beta
kto_kl = metric("kto_z0")

# Online methods
score = metric("score_mean")
score_std = metric("score_std")
kl_token = metric("kl_ref")
kl_sequence = metric("kl_ref_sequence")
entropy = metric("entropy")
length = metric("len_mean")
truncated = metric("truncated_frac")
#: Stands for each single reward function in turn; a rule that reads it is asked of every one by itself.
each_component = metric(f"{COMPONENT}*")
silent_groups = metric("zero_std_frac")
clip_share = metric("clip_frac")
ratio = metric("ratio_mean")
approx_kl = metric("approx_kl")
value_loss = metric("value_loss")

# Reward models and classifiers
rm_accuracy = metric("rm_accuracy")
rm_margin = metric("rm_margin")
eval_accuracy = metric("cls_accuracy", EVAL)
precision = metric("cls_precision", EVAL)
recall = metric("cls_recall", EVAL)
specificity = metric("cls_specificity", EVAL)
f1 = metric("cls_f1", EVAL)


def unless(condition: Condition, *, beside: Signal) -> Condition:
    """It is not so; or nobody knows, as where what it is about is not logged beside that series."""
    return ~((beside < -1e99) | condition)
