"""The value model of PPO."""

from __future__ import annotations

from barograph.core.metric import Alias, Better, Metric, Unit

__all__ = ["CRITIC_METRICS"]

CRITIC_METRICS: tuple[Metric, ...] = (
    Metric(
        name="value_loss",
        title="Value loss",
        group="critic",
        meaning="How badly the value model predicts the returns.",
        better=Better.DOWN,
        aliases=(
            Alias("loss/value_avg", "TRL PPO to 1.12"),
            Alias("ppo/loss/value", "TRL 0.11 and earlier"),
            Alias("critic/vf_loss", "verl"),
            Alias("critic_loss", "OpenRLHF, hand-written loops"),
            Alias("critic/loss", "NeMo-RL"),
            Alias("critic/critic_loss", "SkyRL"),
            Alias("critic-value_loss", "slime"),
            Alias("ppo_critic/update/critic_loss/avg", "AReaL"),
            Alias("ppo_critic/critic_loss/avg", "AReaL"),
        ),
        reading=(
            "Falls at first and may rise again when the policy suddenly improves, since the values then lag behind "
            "the reward. Tenfold growth, or NaN, means that the rewards are badly scaled or the critic learns too "
            "fast."
        ),
    ),
    Metric(
        name="value_mean",
        title="Mean value",
        group="critic",
        meaning="Mean return that the value model predicts.",
        unit=Unit.REWARD,
        aliases=(
            Alias("critic/vpred_mean", "verl"),
            Alias("critic/values/mean", "verl"),
            Alias("critic/values_mean", "SkyRL"),
            Alias("values", "OpenRLHF"),
            Alias("ppo/val/vpred", "TRL 0.11 and earlier"),
            Alias("ppo/val/mean", "TRL 0.11 and earlier"),
        ),
        reading="Should follow the mean return. A constant gap is a bias that the advantages inherit.",
    ),
    Metric(
        name="value_clip_frac",
        title="Clipped values",
        group="critic",
        meaning="Share of value predictions whose change was clipped.",
        unit=Unit.SHARE,
        aliases=(
            # Not a validation metric, whatever its prefix suggests: `val` stands for value.
            Alias("val/clipfrac_avg", "TRL PPO to 1.12"),
            Alias("ppo/val/clipfrac", "TRL 0.11 and earlier"),
            Alias("critic/vf_clipfrac", "verl, NeMo-RL"),
            Alias("critic/values_clipfrac", "SkyRL"),
            Alias("critic_clip_frac", "NeMo-RL console"),
            Alias("critic-value_clipfrac", "slime"),
            Alias("ppo_critic/update/clip_ratio/avg", "AReaL"),
            Alias("ppo_critic/clip_ratio/avg", "AReaL"),
        ),
        reading="Above 0.3 the clipping keeps the critic from catching up: widen it, or scale the rewards.",
    ),
    Metric(
        name="explained_var",
        title="Explained variance",
        group="critic",
        meaning="Share of the variance of the returns that the value model predicts.",
        better=Better.UP,
        aliases=(
            Alias("ppo/val/var_explained", "TRL 0.11 and earlier"),
            Alias("critic/vf_explained_var", "verl"),
            Alias("critic/explained_var", "NeMo-RL"),
            Alias("explained_variance", "hand-written loops"),
        ),
        reading=(
            "Rises from about zero; above 0.5 the critic earns its keep. Below zero it is worse than a constant and "
            "adds noise."
        ),
    ),
    Metric(
        name="return_mean",
        title="Mean return",
        group="critic",
        meaning="Mean of the returns that the value model is fitted to.",
        unit=Unit.REWARD,
        better=Better.UP,
        aliases=(
            Alias("critic/returns/mean", "verl"),
            Alias("ppo/returns/mean", "TRL 0.11 and earlier"),
        ),
        reading="Follows the reward with its penalty. verl logs it even where there is no critic.",
    ),
    Metric(
        name="critic_lr",
        title="Critic learning rate",
        group="critic",
        meaning="Step size of the value model's optimizer.",
        aliases=(
            Alias("critic/lr", "verl"),
            Alias("critic/critic_lr", "SkyRL"),
            Alias("ppo_critic/update/lr/avg", "AReaL"),
        ),
        reading="Usually five to ten times the policy's.",
    ),
    Metric(
        name="critic_grad_norm",
        title="Critic gradient norm",
        group="critic",
        meaning="Length of the value model's gradient before clipping.",
        aliases=(
            Alias("critic/grad_norm", "verl, NeMo-RL"),
            Alias("critic-grad_norm", "slime"),
            Alias("ppo_critic/update/grad_norm/avg", "AReaL"),
        ),
        reading="Follows the scale of the rewards. Growth without end comes before a diverging value loss.",
    ),
)
