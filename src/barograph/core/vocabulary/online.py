"""Online methods: what the samples score, and how far the policy has moved from its reference."""

from __future__ import annotations

from barograph.core.methods import ALL, ONLINE, REWARD_MODEL, Method
from barograph.core.metric import Alias, Better, Metric, Unit

__all__ = ["ONLINE_METRICS"]

_GRPO = frozenset({Method.GRPO})
_RLOO = frozenset({Method.RLOO})
_PPO = frozenset({Method.PPO})
#: `reward_std` and its like are the spread of a reward model's outputs when a reward model is trained.
_SCORED = ALL - REWARD_MODEL

ONLINE_METRICS: tuple[Metric, ...] = (
    Metric(
        name="score_mean",
        title="Score",
        group="scores",
        meaning="Mean reward of the sampled answers, before any KL penalty.",
        unit=Unit.REWARD,
        better=Better.UP,
        aliases=(
            Alias("reward", "TRL GRPO and RLOO, OpenRLHF, NeMo-RL, LLaMA-Factory PPO"),
            Alias("objective/scores", "TRL PPO, RLOO to 0.21, OnlineDPO"),
            Alias("objective/model_scores", "TRL XPO"),
            Alias("critic/score/mean", "verl"),
            Alias("ppo/mean_scores", "TRL 0.11 and earlier"),
            Alias("env/reward_mean", "TRL 0.11 and earlier"),
            Alias("reward/avg_raw_reward", "SkyRL"),
            Alias("rollout/raw_reward", "slime"),
            Alias("env/all/reward/total", "tinker-cookbook"),
            Alias("ppo_actor/task_reward/avg", "AReaL"),
            Alias("reward/mean", "prime-rl"),
            Alias("*/reward/mean", "prime-rl"),
            Alias("reward/all/mean", "prime-rl"),
            Alias("scores", "torchtune PPO"),
            Alias("rewards", "torchtune GRPO", ONLINE),
            Alias("rewards/mean", "hand-written loops"),
            Alias("reward_avg", "hand-written loops"),
            Alias("reward_mean", "hand-written loops", _SCORED),
            Alias("mean_reward", "hand-written loops", ONLINE),
            Alias("avg_reward", "NeMo-RL console, hand-written loops"),
            Alias("avg_total_reward", "NeMo-RL console, with dynamic sampling"),
            Alias("self_distillation/reward_mean", "TRL SDPO"),
            Alias("all/avg_score", "SkyRL evaluation"),
        ),
        reading=(
            "Should rise, noisily; judge it only after a third of the run. A rise together with longer answers, a "
            "growing KL or falling entropy calls for reading samples: the reward may be exploited. An evaluation "
            "that the reward does not see is the real test."
        ),
    ),
    Metric(
        name="score_std",
        title="Spread of scores",
        group="scores",
        meaning="Standard deviation of the rewards of the sampled answers.",
        unit=Unit.REWARD,
        aliases=(
            Alias("reward_std", "TRL GRPO and RLOO; within groups to 0.26, whole batch from 0.27", _SCORED),
            Alias("ppo/std_scores", "TRL 0.11 and earlier"),
            Alias("env/reward_std", "TRL 0.11 and earlier"),
            Alias("group_reward_std", "OpenRLHF"),
            Alias("self_distillation/reward_std", "TRL SDPO"),
            Alias("rewards/std", "hand-written loops"),
        ),
        reading=(
            "Zero means that every answer scores the same and nothing can be learned from them. TRL changed it from "
            "the spread within groups to the spread of the batch in 0.27, so its level does not compare across "
            "versions."
        ),
    ),
    Metric(
        name="score_min",
        title="Lowest score",
        group="scores",
        meaning="Lowest reward among the sampled answers.",
        unit=Unit.REWARD,
        aliases=(
            Alias("critic/score/min", "verl"),
            Alias("ppo_actor/task_reward/min", "AReaL"),
            Alias("rewards/min", "hand-written loops"),
            Alias("min_reward", "hand-written loops", ONLINE),
        ),
        reading=(
            "Shows penalties for broken format. Stuck at the lowest possible value for all rows: some answers never "
            "parse."
        ),
    ),
    Metric(
        name="score_max",
        title="Highest score",
        group="scores",
        meaning="Highest reward among the sampled answers.",
        unit=Unit.REWARD,
        aliases=(
            Alias("critic/score/max", "verl"),
            Alias("ppo_actor/task_reward/max", "AReaL"),
            Alias("rewards/max", "hand-written loops"),
            Alias("max_reward", "hand-written loops", ONLINE),
        ),
        reading="When even the best answer never scores, the task is too hard for the policy to start from.",
    ),
    Metric(
        name="reward_total",
        title="Reward with penalty",
        group="scores",
        meaning="Reward after the KL penalty: what the policy really maximises.",
        unit=Unit.REWARD,
        better=Better.UP,
        aliases=(
            Alias("objective/rlhf_reward", "TRL PPO, RLOO to 0.21, OnlineDPO"),
            Alias("critic/rewards/mean", "verl"),
            Alias("rlhf_reward", "torchtune"),
            Alias("return", "OpenRLHF"),
            Alias("loss/avg_final_rewards", "SkyRL"),
            Alias("rollout/returns", "slime"),
            Alias("ppo_actor/final_reward/avg", "AReaL"),
        ),
        reading=(
            "Equal to the score when no penalty is set. A falling total with a rising score says that the KL term "
            "eats the gain."
        ),
    ),
    Metric(
        name="non_score_reward",
        title="Penalty in the reward",
        group="scores",
        meaning="The part of the reward that does not come from the score: minus the weighted KL.",
        unit=Unit.REWARD,
        aliases=(
            Alias("objective/non_score_reward", "TRL PPO, RLOO to 0.21, OnlineDPO"),
            Alias("ppo/mean_non_score_reward", "TRL 0.11 and earlier"),
            Alias("kl_reward", "torchtune PPO"),
            Alias("ppo_actor/kl_rewards/avg", "AReaL"),
        ),
        reading=(
            "Zero or negative. Positive values mean a negative KL estimate, which rewards the policy for the wrong "
            "thing."
        ),
    ),
    Metric(
        name="kl_ref",
        title="KL to the reference",
        group="divergence",
        meaning="How far the policy has moved from the reference model, per token.",
        unit=Unit.NATS_PER_TOKEN,
        aliases=(
            # Two frameworks break the rule: AsyncGRPO logs the KL to the rollout policy under this key, and torchtune's
            # PPO sums it over the answer. The key alone cannot tell them apart.
            Alias("kl", "TRL GRPO", _GRPO, estimator="k3"),
            Alias("kl", "TRL RLOO 0.22 and later", _RLOO, estimator="k1"),
            Alias("kl", "OpenRLHF", _PPO, estimator="k1"),
            Alias("actor/kl_loss", "verl", estimator="k3"),
            Alias("kl_loss", "slime, torchtune GRPO, hand-written loops"),
            Alias("actor/reward_kl_penalty", "verl", estimator="k1"),
            Alias("critic/kl", "verl, early versions", estimator="k1"),
            Alias("kl_penalty", "NeMo-RL", estimator="k3"),
            Alias("policy/policy_kl", "SkyRL"),
            Alias("loss/avg_kl", "SkyRL"),
            Alias("kl_divergence", "hand-written loops"),
            Alias("kl_div", "hand-written loops"),
            Alias("mean_kl", "hand-written loops"),
        ),
        reading=(
            "Zero at the start, then a slow rise to some hundredths of a nat; above 0.1 the policy is far away and "
            "above 0.5 usually broken. The k1 estimate is noisy and may dip below zero; a sustained negative mean "
            "points to sampling that differs from the log-probabilities (top-k, top-p, temperature, padding). It is "
            "absent when no reference is kept, which is no fault."
        ),
    ),
    Metric(
        name="kl_ref_sequence",
        title="KL to the reference, per answer",
        group="divergence",
        meaning="How far the policy has moved from the reference model, summed over each answer.",
        unit=Unit.NATS_PER_SEQUENCE,
        aliases=(
            Alias("objective/kl", "TRL PPO, RLOO to 0.21, OnlineDPO, XPO", estimator="k1"),
            Alias("kl_per_answer", "torchtune PPO, which calls it kl", estimator="k1"),
            Alias("loss/kl", "TRL NashMD", estimator="k1"),
        ),
        reading=(
            "Best kept between 0 and 10. It grows with the length of the answers. Below zero for long means that the"
            " policy is rewarded for the way it is sampled: generate with top_k 0, top_p 1 and without a minimum "
            "length."
        ),
    ),
    Metric(
        name="kl_coef",
        title="KL coefficient",
        group="divergence",
        meaning="Weight of the KL penalty.",
        aliases=(
            Alias("objective/kl_coef", "TRL 0.11 and earlier"),
            Alias("actor/kl_coef", "verl"),
            Alias("actor/reward_kl_penalty_coeff", "verl"),
            Alias("loss/kl_loss_coef", "SkyRL"),
        ),
        reading=(
            "Constant unless adaptive. An adaptive coefficient that has grown tenfold is fighting a policy that runs"
            " away."
        ),
    ),
    Metric(
        name="adv_mean",
        title="Mean advantage",
        group="scores",
        meaning="Mean of the advantages that weigh the update.",
        aliases=(
            Alias("critic/advantages/mean", "verl"),
            Alias("advantages/mean", "NeMo-RL"),
            Alias("ppo/policy/advantages_mean", "TRL 0.11 and earlier"),
            Alias("loss/avg_raw_advantages", "SkyRL"),
            Alias("rollout/advantages", "slime"),
            Alias("ppo_actor/advantages/avg", "AReaL"),
            Alias("adv_avg", "hand-written loops"),
            Alias("advantage_mean", "hand-written loops"),
        ),
        reading=(
            "About zero after normalisation. verl weighs it by tokens, so that longer bad answers pull it below zero."
        ),
    ),
    Metric(
        name="adv_std",
        title="Spread of advantages",
        group="scores",
        meaning="Standard deviation of the advantages.",
        aliases=(
            Alias("advantages/std", "hand-written loops"),
            Alias("advantage_std", "hand-written loops"),
        ),
        reading="About one after normalisation. Zero means groups whose answers all score the same: no gradient.",
    ),
    Metric(
        name="adv_max",
        title="Largest advantage",
        group="scores",
        meaning="Largest advantage in the batch.",
        aliases=(
            Alias("critic/advantages/max", "verl"),
            Alias("advantages/max", "NeMo-RL"),
            Alias("ppo_actor/advantages/max", "AReaL"),
        ),
        reading=(
            "Far above ten it comes from a division by a tiny standard deviation, and one sample rules the update."
        ),
    ),
    Metric(
        name="adv_min",
        title="Smallest advantage",
        group="scores",
        meaning="Smallest advantage in the batch.",
        aliases=(
            Alias("critic/advantages/min", "verl"),
            Alias("advantages/min", "NeMo-RL"),
            Alias("ppo_actor/advantages/min", "AReaL"),
        ),
        reading="The mirror image of the largest one.",
    ),
)
