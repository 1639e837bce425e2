"""Preference methods: pairs (DPO, IPO, ORPO, CPO, SimPO) and single judged answers (KTO, BCO)."""

from __future__ import annotations

from barograph.core.methods import ALL, ONLINE, PREFERENCE, REWARD_MODEL, Method
from barograph.core.metric import Alias, Better, Metric, Unit

__all__ = ["PREFERENCE_METRICS"]

#: Where `rewards/chosen` is the reward of an answer. In online methods it would be a reward function of that name.
_IMPLICIT = ALL - ONLINE - REWARD_MODEL
_KTO = frozenset({Method.KTO})
_BCO = frozenset({Method.BCO})
_SUMMED = frozenset({Method.DPO, Method.KTO, Method.BCO, Method.ONLINE_DPO})
_ORPO = frozenset({Method.ORPO})

PREFERENCE_METRICS: tuple[Metric, ...] = (
    Metric(
        name="reward_chosen",
        title="Reward of chosen",
        group="preference",
        meaning="How much likelier than under the reference the policy makes the preferred answers, times beta.",
        unit=Unit.IMPLICIT_REWARD,
        better=Better.UP,
        aliases=(
            Alias("rewards/chosen", "TRL, LLaMA-Factory, torchtune", _IMPLICIT),
            Alias("rewards_chosen_mean", "NeMo-RL", PREFERENCE),
            Alias("chosen_reward", "OpenRLHF, tinker-cookbook", PREFERENCE),
            Alias("dpo/chosen_reward/avg", "AReaL"),
            Alias("chosen_rewards", "hand-written loops", PREFERENCE),
            Alias("reward_chosen_mean", "hand-written loops", PREFERENCE),
            Alias("chosen", "tables", PREFERENCE),
        ),
        reading=(
            "Starts at zero, because the policy is the reference. In KTO it should climb to between 0.5 and 2; in "
            "DPO it often drifts a little below zero while the margin grows, which is common and mild, but twenty "
            "nats down (-2 at beta 0.1) is likelihood displacement. Divide by beta before comparing runs. In ORPO, "
            "CPO and SimPO there is no reference: the value is a scaled log-probability and always negative."
        ),
    ),
    Metric(
        name="reward_rejected",
        title="Reward of rejected",
        group="preference",
        meaning="How much likelier than under the reference the policy makes the dispreferred answers, times beta.",
        unit=Unit.IMPLICIT_REWARD,
        better=Better.DOWN,
        aliases=(
            Alias("rewards/rejected", "TRL, LLaMA-Factory, torchtune", _IMPLICIT),
            Alias("rewards_rejected_mean", "NeMo-RL", PREFERENCE),
            Alias("rejected_reward", "tinker-cookbook", PREFERENCE),
            Alias("reject_reward", "OpenRLHF", PREFERENCE),
            Alias("dpo/rejected_reward/avg", "AReaL"),
            Alias("rejected_rewards", "hand-written loops", PREFERENCE),
            Alias("reward_rejected_mean", "hand-written loops", PREFERENCE),
            Alias("rejected", "tables", PREFERENCE),
            Alias("reject", "tables", PREFERENCE),
        ),
        reading=(
            "Falls, or stays level below the chosen one. If it rises above the chosen reward the labels or columns "
            "are probably swapped. If both fall steeply, the policy moves probability to answers that nobody judged."
        ),
    ),
    Metric(
        name="reward_margin",
        title="Reward margin",
        group="preference",
        meaning="Reward of the chosen answers minus reward of the rejected ones.",
        unit=Unit.IMPLICIT_REWARD,
        better=Better.UP,
        aliases=(
            Alias("rewards/margins", "TRL, LLaMA-Factory, torchtune", _IMPLICIT),
            Alias("rewards/margin", "hand-written loops", _IMPLICIT),
            Alias("margin", "tinker-cookbook, tables", PREFERENCE),
            Alias("margins", "hand-written loops", PREFERENCE),
            Alias("dpo/reward_margin/avg", "AReaL"),
            Alias("reward_margins", "hand-written loops", PREFERENCE),
        ),
        reading=(
            "The first number to watch in KTO and DPO: from zero it rises steadily and then settles. Flat near zero "
            "means that nothing is learned, below zero that the preference is learned the wrong way round, above 5 "
            "at beta 0.1 that the pairs are being memorised. It hides whether the chosen answers became likelier or "
            "only the rejected ones less likely."
        ),
    ),
    Metric(
        name="reward_accuracy",
        title="Reward accuracy",
        group="preference",
        meaning="Share of pairs in which the chosen answer has the higher reward.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("rewards/accuracies", "TRL, LLaMA-Factory, torchtune", _IMPLICIT),
            Alias("rewards/accuracy", "hand-written loops", _IMPLICIT),
            Alias("accuracy", "LLaMA-Factory trainer_log, NeMo-RL, tinker-cookbook", PREFERENCE),
            Alias("acc", "OpenRLHF", PREFERENCE),
            Alias("acc_mean", "OpenRLHF", PREFERENCE),
            Alias("dpo/reward_accuracy/avg", "AReaL"),
            Alias("reward_accuracies", "hand-written loops", PREFERENCE),
        ),
        reading=(
            "Rises from chance to between 0.7 and 0.95, depending on how clear the pairs are. Exactly zero in the "
            "first row is normal, since ties count as wrong. With few pairs per row it is noisy: the standard error "
            "is about 0.09 for 32 pairs. KTO logs none, because its answers are not paired."
        ),
    ),
    Metric(
        name="logp_chosen",
        title="Log-probability of chosen",
        group="preference",
        meaning="Log-probability of the preferred answers under the policy.",
        unit=Unit.NATS_PER_SEQUENCE,
        better=Better.UP,
        aliases=(
            Alias("logps/chosen", "TRL, LLaMA-Factory", _SUMMED, estimator="sum"),
            Alias("logps/chosen", "TRL, LLaMA-Factory", _ORPO, estimator="mean"),
            Alias("logps/chosen", "TRL, LLaMA-Factory; mean over tokens in SimPO and older IPO"),
            Alias("log_probs/chosen", "torchtune", estimator="sum"),
        ),
        reading=(
            "A sum over tokens in DPO and KTO, a mean over tokens in ORPO and SimPO: a factor of the length lies "
            "between them. Row by row it mostly reflects how long the answers were; a sustained fall is likelihood "
            "displacement, but the chosen reward shows that with less noise."
        ),
    ),
    Metric(
        name="logp_rejected",
        title="Log-probability of rejected",
        group="preference",
        meaning="Log-probability of the dispreferred answers under the policy.",
        unit=Unit.NATS_PER_SEQUENCE,
        better=Better.DOWN,
        aliases=(
            Alias("logps/rejected", "TRL, LLaMA-Factory", _SUMMED, estimator="sum"),
            Alias("logps/rejected", "TRL, LLaMA-Factory", _ORPO, estimator="mean"),
            Alias("logps/rejected", "TRL, LLaMA-Factory; mean over tokens in SimPO and older IPO"),
            Alias("log_probs/rejected", "torchtune", estimator="sum"),
        ),
        reading=(
            "Falls as the margin grows. When it falls by hundreds of nats the loss has long been saturated and the "
            "update only damages the model."
        ),
    ),
    Metric(
        name="logit_chosen",
        title="Logits of chosen",
        group="preference",
        meaning="Mean raw model output on the preferred answers.",
        aliases=(Alias("logits/chosen", "TRL, LLaMA-Factory, torchtune"),),
        reading=(
            "Has no level of its own; only a drift away from its beginning is news. In TRL's KTO from 0.12 to 1.5 it"
            " is a sum over the vocabulary, where values in the millions are normal."
        ),
    ),
    Metric(
        name="logit_rejected",
        title="Logits of rejected",
        group="preference",
        meaning="Mean raw model output on the dispreferred answers.",
        aliases=(Alias("logits/rejected", "TRL, LLaMA-Factory, torchtune"),),
        reading=(
            "Moves with the logits of the chosen answers. NaN here while the loss looks finite betrays an overflow."
        ),
    ),
    Metric(
        name="nll_loss",
        title="Likelihood term",
        group="preference",
        meaning="Negative log-likelihood of the chosen answers, as a part of the loss.",
        unit=Unit.NATS_PER_TOKEN,
        better=Better.DOWN,
        aliases=(Alias("sft_loss", "LLaMA-Factory, NeMo-RL"),),
        reading=(
            "Keeps the chosen answers likely. It should fall slowly or stay level; a rise of 15 % means that the "
            "preference term is winning against it."
        ),
    ),
    Metric(
        name="log_odds",
        title="Log odds ratio",
        group="preference",
        meaning="Log of the odds of the chosen answer over the odds of the rejected one.",
        unit=Unit.NATS,
        better=Better.UP,
        aliases=(
            Alias("log_odds_chosen", "TRL ORPO"),
            Alias("log_odds", "Axolotl ORPO"),
        ),
        reading="The margin of ORPO: rises from near zero.",
    ),
    Metric(
        name="odds_ratio_term",
        title="Odds ratio term",
        group="preference",
        meaning="Mean log-sigmoid of the log odds ratio; never above zero.",
        unit=Unit.NATS,
        better=Better.UP,
        aliases=(
            Alias("log_odds_ratio", "TRL and Axolotl ORPO"),
            Alias("odds_ratio_loss", "LLaMA-Factory ORPO", scale=-1.0),
        ),
        reading="Starts near -0.69 and rises towards zero. LLaMA-Factory logs it with the opposite sign.",
    ),
    Metric(
        name="kto_z0",
        title="KTO reference point",
        group="preference",
        meaning="KTO's estimate of how far the policy is from the reference, on mismatched answers.",
        unit=Unit.NATS_PER_SEQUENCE,
        aliases=(
            Alias("kl", "TRL KTO, LLaMA-Factory KTO", _KTO, estimator="k1"),
            Alias("kl_divergence", "KTO logs", _KTO, estimator="k1"),
        ),
        reading=(
            "A reference point for the loss rather than a measure of drift: it is clamped at zero, and with small "
            "batches it is mostly zero and says nothing. Usually between 0.01 and 0.5; above 10 nats the policy has "
            "left the reference. It must not be compared with the KL of PPO or GRPO."
        ),
    ),
    Metric(
        name="bco_delta",
        title="BCO shift",
        group="preference",
        meaning="Running mean of the rewards, which BCO subtracts from each.",
        unit=Unit.IMPLICIT_REWARD,
        aliases=(Alias("delta", "TRL BCO to 1.13", _BCO),),
        reading=(
            "Follows the rewards slowly. A steady run to large values means that both kinds of answer drift the same"
            " way."
        ),
    ),
    Metric(
        name="count_chosen",
        title="Desirable answers",
        group="preference",
        meaning="Number of desirable answers behind the row.",
        unit=Unit.COUNT,
        aliases=(Alias("count/chosen", "TRL KTO"),),
        reading=(
            "Together with its counterpart shows the balance of the classes. Zero for many rows means that batches "
            "hold one class only."
        ),
    ),
    Metric(
        name="count_rejected",
        title="Undesirable answers",
        group="preference",
        meaning="Number of undesirable answers behind the row.",
        unit=Unit.COUNT,
        aliases=(Alias("count/rejected", "TRL KTO"),),
        reading="With the weights it should balance the desirable answers at a ratio between 1:1 and 4:3.",
    ),
    Metric(
        name="score_margin",
        title="Score margin",
        group="preference",
        meaning="Score of the better sampled answer minus score of the worse one.",
        unit=Unit.REWARD,
        aliases=(Alias("objective/scores_margin", "TRL OnlineDPO, XPO"),),
        reading=(
            "Online pairs need contrast: near zero both samples are alike and there is nothing left to learn from."
        ),
    ),
)
