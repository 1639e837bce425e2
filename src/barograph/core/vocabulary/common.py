"""What nearly every run logs, whatever its method."""

from __future__ import annotations

from barograph.core.methods import Method
from barograph.core.metric import Alias, Better, Metric, Unit

__all__ = ["COMMON_METRICS"]

_SFT = frozenset({Method.SFT})

COMMON_METRICS: tuple[Metric, ...] = (
    Metric(
        name="loss",
        title="Loss",
        group="common",
        meaning="The value the optimizer minimises, averaged since the last row.",
        better=Better.DOWN,
        aliases=(
            Alias("training_loss", "notebook tables"),
            Alias("policy/final_loss", "SkyRL"),
            Alias("loss/mean", "prime-rl"),
            Alias("loss_mean", "OpenRLHF SFT", estimator="mean"),
            Alias("gpt_loss", "OpenRLHF SFT"),
            Alias("train_mean_nll", "tinker-cookbook SFT"),
            Alias("ppo/loss/total", "TRL 0.11 and earlier"),
            Alias("dpo/loss/avg", "AReaL"),
            Alias("rw/loss/avg", "AReaL"),
            Alias("sft/loss/avg", "AReaL"),
            Alias("dpo_loss", "tinker-cookbook, hand-written loops"),
        ),
        reading=(
            "In DPO it starts at ln 2 = 0.693, in KTO at half the mean weight (0.5), and falls without reaching "
            "zero: a loss near zero early means that the pairs were memorised or are trivially easy. In PPO and GRPO"
            " it says nothing about progress and may hover around zero or be negative all along. A finite loss "
            "proves nothing either: transformers replaces NaN losses in the log, so look at the gradient norm as "
            "well."
        ),
    ),
    Metric(
        name="lr",
        title="Learning rate",
        group="common",
        meaning="Step size of the optimizer at this row.",
        aliases=(
            Alias("learning_rate", "transformers and TRL"),
            Alias("actor/lr", "verl"),
            Alias("actor_lr", "OpenRLHF"),
            Alias("act_lr", "OpenRLHF progress bar"),
            Alias("policy/policy_lr", "SkyRL"),
            Alias("lr-pg_0", "slime"),
            Alias("optim/lr", "prime-rl, tinker-cookbook"),
            Alias("ppo/learning_rate", "TRL 0.11 and earlier"),
            Alias("ppo_actor/update/lr/avg", "AReaL"),
            Alias("ppo_actor/update/lr", "AReaL"),
            Alias("dpo/lr/avg", "AReaL"),
            Alias("rw/lr/avg", "AReaL"),
            Alias("optimizer.param_groups[0]['lr']", "hand-written loops"),
        ),
        reading=(
            "Rises through the warm-up, then stays or decays as scheduled. Zero in the first row is normal during "
            "warm-up; zero for long afterwards means that the schedule ended before the run did."
        ),
    ),
    Metric(
        name="grad_norm",
        title="Gradient norm",
        group="common",
        meaning="Length of the gradient before it is clipped.",
        aliases=(
            Alias("actor/grad_norm", "verl"),
            Alias("actor_grad_norm", "OpenRLHF"),
            Alias("policy/grad_norm", "SkyRL"),
            Alias("optim/grad_norm", "prime-rl"),
            Alias("ppo_actor/update/grad_norm/avg", "AReaL"),
            Alias("ppo_actor/update/grad_norm", "AReaL"),
            Alias("grad._norm", "prime-rl console"),
            Alias("gradient_norm", "hand-written loops"),
            Alias("norm", "llm.c"),
        ),
        reading=(
            "Its level depends on the model and on the loss (a summed or IPO loss gives large values), so judge it "
            "against the run's own beginning. Single spikes are harmless when clipping is on; a level that keeps "
            "rising comes before divergence. Exactly zero means that nothing is trained: frozen adapters, or "
            "advantages that are all zero."
        ),
    ),
    Metric(
        name="entropy",
        title="Entropy",
        group="common",
        meaning="Mean uncertainty of the policy about the next token.",
        unit=Unit.NATS_PER_TOKEN,
        aliases=(
            Alias("policy/entropy_avg", "TRL PPO and RLOO 0.12 to 0.21"),
            Alias("ppo/policy/entropy", "TRL 0.11 and earlier"),
            Alias("actor/entropy", "verl"),
            Alias("actor/entropy_loss", "verl"),
            Alias("entropy_loss", "OpenRLHF, slime"),
            Alias("ent_loss", "OpenRLHF progress bar"),
            Alias("policy/policy_entropy", "SkyRL"),
            Alias("approx_entropy", "NeMo-RL"),
            Alias("entropy/all/mean", "prime-rl"),
            Alias("entropy/mean", "prime-rl"),
            Alias("optim/entropy", "tinker-cookbook"),
            Alias("ppo_actor/update/entropy/avg", "AReaL"),
            Alias("rollout/entropy", "slime"),
            Alias("entropy_avg", "hand-written loops"),
            Alias("policy_entropy", "hand-written loops"),
        ),
        reading=(
            "Reasoning models usually sit between 0.1 and 1 nat per token. Most of it is lost early in online "
            "training and that alone is no fault; below about 0.1 sampling has little left to explore and the reward"
            " stops improving. A rise together with length and gradient norm is the mark of a policy that falls "
            "apart into noise."
        ),
    ),
    Metric(
        name="entropy_sequence",
        title="Entropy per answer",
        group="common",
        meaning="Mean of minus the log-probability of whole sampled answers.",
        unit=Unit.NATS_PER_SEQUENCE,
        aliases=(Alias("objective/entropy", "TRL PPO, RLOO to 0.21, OnlineDPO, XPO, NashMD", estimator="sum"),),
        reading=(
            "A sum over the tokens of an answer, so it moves with the length and is some hundred times larger than "
            "the entropy per token. It can be negative where padding is treated wrongly, which is itself worth a "
            "look."
        ),
    ),
    Metric(
        name="entropy_coef",
        title="Entropy bonus",
        group="common",
        meaning="Weight of the entropy term in the loss.",
        aliases=(Alias("entropy_coeff", "hand-written loops"),),
        reading=(
            "Constant unless it is adapted to hold a target entropy; then its level shows how hard the run resists "
            "collapse."
        ),
    ),
    Metric(
        name="token_accuracy",
        title="Token accuracy",
        group="common",
        meaning="Share of tokens that the model itself would have put first.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("mean_token_accuracy", "TRL SFT from 0.15, DPO from 0.29"),
            Alias("accuracy", "SFT logs", _SFT),
            Alias("acc", "SFT logs", _SFT),
        ),
        reading=(
            "In SFT it rises. In DPO it is measured on the chosen answers: a fall by a fifth says that the language "
            "model is being damaged while the margin still looks fine."
        ),
    ),
    Metric(
        name="aux_loss",
        title="Load-balancing loss",
        group="common",
        meaning="Auxiliary loss of mixture-of-experts routers.",
        better=Better.DOWN,
        aliases=(
            Alias("router_aux_loss", "hand-written loops"),
            Alias("load_balancing_loss", "hand-written loops"),
        ),
        reading="Zero for dense models. A rise means that few experts take most of the tokens.",
    ),
    Metric(
        name="ppl",
        title="Perplexity",
        group="common",
        meaning="Exponential of the mean loss per token.",
        better=Better.DOWN,
        aliases=(
            Alias("perplexity", "hand-written loops"),
            Alias("loss/perplexity", "prime-rl SFT"),
        ),
        reading=(
            "Comparable only between runs with the same tokenizer and the same text. Meaningless where the loss is "
            "not a likelihood, as in DPO or GRPO."
        ),
    ),
)
