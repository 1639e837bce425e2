"""Reward models: a scalar head trained on pairs."""

from __future__ import annotations

from barograph.core.methods import REWARD_MODEL
from barograph.core.metric import Alias, Better, Metric, Unit

__all__ = ["REWARD_MODEL_METRICS"]

REWARD_MODEL_METRICS: tuple[Metric, ...] = (
    Metric(
        name="rm_accuracy",
        title="Pair accuracy",
        group="reward model",
        meaning="Share of pairs in which the preferred answer gets the higher reward.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("accuracy", "TRL 0.24 and later; before, evaluation only", REWARD_MODEL),
            Alias("acc", "OpenRLHF", REWARD_MODEL),
            Alias("acc_mean", "OpenRLHF", REWARD_MODEL),
            Alias("rewards/accuracies", "hand-written loops", REWARD_MODEL),
            Alias("rw/correct_ratio/avg", "AReaL"),
        ),
        reading=(
            "On human preferences 0.60 to 0.75 is what people's own agreement allows; above 0.95 suspect a leak such"
            " as the length or the source of the answer. Judge it on held-out pairs: the training accuracy passes "
            "0.9 as soon as it overfits."
        ),
    ),
    Metric(
        name="rm_margin",
        title="Pair margin",
        group="reward model",
        meaning="Reward of the preferred minus reward of the other answer.",
        unit=Unit.REWARD,
        better=Better.UP,
        aliases=(
            Alias("margin", "TRL 0.24 and later", REWARD_MODEL),
            Alias("rewards/margins", "hand-written loops", REWARD_MODEL),
        ),
        reading="Grows with the accuracy and then settles. Growth without a gain in accuracy is overconfidence.",
    ),
    Metric(
        name="rm_mean",
        title="Mean reward",
        group="reward model",
        meaning="Mean reward the model gives, over both answers.",
        unit=Unit.REWARD,
        aliases=(
            Alias("mean_reward", "TRL 0.24 and later", REWARD_MODEL),
            Alias("reward_mean", "OpenRLHF evaluation", REWARD_MODEL),
        ),
        reading=(
            "The loss does not see it, so it may drift; beyond five units add a centering term or normalise afterwards."
        ),
    ),
    Metric(
        name="rm_min",
        title="Lowest reward",
        group="reward model",
        meaning="Lowest reward the model gives in the batch.",
        unit=Unit.REWARD,
        aliases=(Alias("min_reward", "TRL 0.24 and later", REWARD_MODEL),),
        reading=(
            "With the highest one it spans the range. A range above twenty is too confident for any policy to train on."
        ),
    ),
    Metric(
        name="rm_max",
        title="Highest reward",
        group="reward model",
        meaning="Highest reward the model gives in the batch.",
        unit=Unit.REWARD,
        aliases=(Alias("max_reward", "TRL 0.24 and later", REWARD_MODEL),),
        reading="Equal to the lowest one, it shows a head that says the same to everything.",
    ),
    Metric(
        name="rm_std",
        title="Spread of rewards",
        group="reward model",
        meaning="Standard deviation of the rewards the model gives.",
        unit=Unit.REWARD,
        aliases=(Alias("reward_std", "OpenRLHF evaluation", REWARD_MODEL),),
        reading="Near zero: a dead head.",
    ),
    Metric(
        name="rm_chosen",
        title="Reward of preferred",
        group="reward model",
        meaning="Mean reward of the preferred answers.",
        unit=Unit.REWARD,
        better=Better.UP,
        aliases=(
            Alias("chosen_reward", "OpenRLHF", REWARD_MODEL),
            Alias("rewards_chosen_mean", "NeMo-RL", REWARD_MODEL),
            Alias("rewards/chosen", "hand-written loops", REWARD_MODEL),
            Alias("rw/pos_score/avg", "AReaL"),
        ),
        reading="Its level is arbitrary; its distance from the other answers' reward is what is learned.",
    ),
    Metric(
        name="rm_rejected",
        title="Reward of other",
        group="reward model",
        meaning="Mean reward of the answers that were not preferred.",
        unit=Unit.REWARD,
        better=Better.DOWN,
        aliases=(
            Alias("reject_reward", "OpenRLHF", REWARD_MODEL),
            Alias("rewards_rejected_mean", "NeMo-RL", REWARD_MODEL),
            Alias("rewards/rejected", "hand-written loops", REWARD_MODEL),
            Alias("rw/neg_score/avg", "AReaL"),
        ),
        reading="Rising together with the preferred answers' reward means drift, not learning.",
    ),
)
