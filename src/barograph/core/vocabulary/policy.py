"""Online methods: how big the policy's updates are."""

from __future__ import annotations

from barograph.core.metric import Alias, Metric, Unit

__all__ = ["POLICY_METRICS"]

POLICY_METRICS: tuple[Metric, ...] = (
    Metric(
        name="policy_loss",
        title="Policy loss",
        group="policy",
        meaning="The policy-gradient part of the loss.",
        aliases=(
            Alias("loss/policy_avg", "TRL PPO, RLOO to 0.21"),
            Alias("ppo/loss/policy", "TRL 0.11 and earlier"),
            Alias("actor/pg_loss", "verl"),
            Alias("policy/policy_loss", "SkyRL"),
            Alias("act_loss", "OpenRLHF progress bar"),
            Alias("pg_loss", "slime"),
            Alias("ppo_actor/update/actor_loss/avg", "AReaL"),
            Alias("actor_loss", "hand-written loops"),
        ),
        reading=(
            "Hovers around zero whether or not the policy improves; only its size is informative. Large swings mean "
            "large updates."
        ),
    ),
    Metric(
        name="approx_kl",
        title="KL of the update",
        group="policy",
        meaning="How far the policy moves from the one that generated the samples.",
        unit=Unit.NATS_PER_TOKEN,
        aliases=(
            Alias("policy/approxkl_avg", "TRL PPO, RLOO to 0.21", estimator="k2"),
            Alias("ppo/policy/approxkl", "TRL 0.11 and earlier", estimator="k2"),
            Alias("actor/ppo_kl", "verl", estimator="k1"),
            Alias("ppo_kl", "OpenRLHF, slime", estimator="k1"),
            Alias("approx_policy_kl", "torchtune", estimator="k2"),
            Alias("ppo_actor/update/approx_kl/avg", "AReaL", estimator="k1"),
            Alias("ppo/policy/policykl", "TRL 0.11 and earlier", estimator="k1"),
            Alias("approxkl", "hand-written loops"),
        ),
        reading=(
            "Zero on the first minibatch and small after it: about 0.01, a warning above 0.05. It says how hard each"
            " update pushes, not how far the run has come. TRL's PPO averages over padding too, which makes it look "
            "smaller."
        ),
    ),
    Metric(
        name="ratio_mean",
        title="Probability ratio",
        group="policy",
        meaning="Mean of the new over the old probability of the sampled tokens.",
        unit=Unit.RATIO,
        aliases=(
            Alias("ratio", "TRL AsyncGRPO"),
            Alias("val/ratio", "TRL PPO, RLOO to 0.21"),
            Alias("ppo/policy/ratio", "TRL 0.11 and earlier"),
            Alias("ratios", "torchtune"),
            Alias("probs_ratio", "NeMo-RL"),
            Alias("ois", "slime"),
            Alias("ppo_actor/update/importance_weight/avg", "AReaL"),
            Alias("policy_ratio", "hand-written loops"),
        ),
        reading=(
            "Exactly one with a single update per batch, close to one otherwise. Outside 0.9 to 1.1 the updates are "
            "too large, or the old log-probabilities were computed differently."
        ),
    ),
    Metric(
        name="ratio_var",
        title="Variance of the ratio",
        group="policy",
        meaning="Variance of the probability ratio between rows or ranks.",
        aliases=(Alias("val/ratio_var", "TRL PPO, RLOO to 0.21"),),
        reading="Near zero. A rise warns of unstable updates before the mean ratio moves.",
    ),
    Metric(
        name="clip_frac",
        title="Clipped share",
        group="policy",
        meaning="Share of tokens (or answers) whose update was clipped.",
        unit=Unit.SHARE,
        aliases=(
            Alias("clip_ratio/region_mean", "TRL 0.17 and later"),
            Alias("clip_ratio", "TRL 0.16"),
            Alias("policy/clipfrac_avg", "TRL PPO, RLOO to 0.21"),
            Alias("ppo/policy/clipfrac", "TRL 0.11 and earlier"),
            Alias("actor/pg_clipfrac", "verl"),
            Alias("ppo_clip_ratio", "OpenRLHF"),
            Alias("clipfrac", "torchtune"),
            Alias("policy/loss_metrics/clip_ratio", "SkyRL"),
            Alias("pg_clipfrac", "slime"),
            Alias("is_masked/mean", "prime-rl"),
            Alias("ppo_actor/update/clip_ratio/avg", "AReaL"),
        ),
        reading=(
            "Always zero with one update per batch of samples: normal there. With several epochs, up to 0.2 is "
            "usual; above 0.3 the steps are too large. Sequence-level ratios (GSPO) clip far more by design."
        ),
    ),
    Metric(
        name="clip_frac_low",
        title="Clipped below",
        group="policy",
        meaning="Share of tokens clipped at the lower bound of the ratio.",
        unit=Unit.SHARE,
        aliases=(
            Alias("clip_ratio/low_mean", "TRL 0.17 and later"),
            Alias("is_masked_low/mean", "prime-rl"),
            Alias("is_masked_low", "prime-rl"),
        ),
        reading=(
            "Tokens that were pushed down as far as allowed. Much larger than its counterpart, it drives the entropy"
            " down."
        ),
    ),
    Metric(
        name="clip_frac_high",
        title="Clipped above",
        group="policy",
        meaning="Share of tokens clipped at the upper bound of the ratio.",
        unit=Unit.SHARE,
        aliases=(
            Alias("clip_ratio/high_mean", "TRL 0.17 and later"),
            Alias("is_masked_high/mean", "prime-rl"),
            Alias("is_masked_high", "prime-rl"),
            Alias("cispo_clip_ratio", "TRL CISPO"),
        ),
        reading=(
            "Tokens that were pushed up as far as allowed. A wider upper bound (0.28) lets rare good tokens grow and"
            " keeps entropy alive."
        ),
    ),
    Metric(
        name="clip_frac_low_min",
        title="Least clipped below",
        group="policy",
        meaning="Smallest share clipped at the lower bound over the ranks.",
        unit=Unit.SHARE,
        aliases=(Alias("clip_ratio/low_min", "TRL 0.17 and later"),),
        reading="Differs from the mean only when the ranks see very different samples.",
    ),
    Metric(
        name="clip_frac_high_max",
        title="Most clipped above",
        group="policy",
        meaning="Largest share clipped at the upper bound over the ranks.",
        unit=Unit.SHARE,
        aliases=(Alias("clip_ratio/high_max", "TRL 0.17 and later"),),
        reading="Differs from the mean only when the ranks see very different samples.",
    ),
    Metric(
        name="dual_clip_frac",
        title="Dual-clipped share",
        group="policy",
        meaning="Share of tokens with a negative advantage whose ratio went past the outer bound.",
        unit=Unit.SHARE,
        aliases=(
            Alias("actor/pg_clipfrac_lower", "verl"),
            Alias("ppo_actor/update/dual_clip_ratio/avg", "AReaL"),
            Alias("dual_clip_ratio", "AReaL"),
        ),
        reading="Zero in a healthy run. In spite of verl's name it has nothing to do with the lower clipping bound.",
    ),
)
