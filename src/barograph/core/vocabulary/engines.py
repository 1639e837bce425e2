"""The gap between the engine that generates and the one that trains."""

from __future__ import annotations

from barograph.core.metric import Alias, Better, Metric, Unit

__all__ = ["ENGINE_METRICS"]

ENGINE_METRICS: tuple[Metric, ...] = (
    Metric(
        name="kl_infer",
        title="KL between engines",
        group="engines",
        meaning="How far the inference engine's probabilities are from the trainer's, for the same weights.",
        unit=Unit.NATS_PER_TOKEN,
        better=Better.DOWN,
        aliases=(
            Alias("rollout_corr/k3_kl", "verl", estimator="k3"),
            Alias("rollout_corr/kl", "verl", estimator="k1"),
            Alias("vllm_kl", "OpenRLHF", estimator="k1"),
            Alias("gen_kl_error", "NeMo-RL", estimator="k3"),
            Alias("generation_kl_error", "NeMo-RL console", estimator="k3"),
            Alias("policy_kl_error", "NeMo-RL", estimator="k3"),
            Alias("js_divergence_error", "NeMo-RL", estimator="js"),
            Alias("mismatch_kl/all/mean", "prime-rl", estimator="k3"),
            Alias("mismatch_kl/mean", "prime-rl", estimator="k3"),
            Alias("mismatch_kl", "prime-rl console", estimator="k3"),
            Alias("optim/kl_sample_train_v2", "tinker-cookbook", estimator="k2"),
            Alias("optim/kl_sample_train_v1", "tinker-cookbook", estimator="k1"),
            Alias("ppo_actor/update/behave_approx_kl/avg", "AReaL", estimator="k1"),
            Alias("behave_approx_kl", "AReaL", estimator="k1"),
        ),
        reading=(
            "About 0.001 is the price of different kernels; above 0.01 the data is no longer on-policy, and a rising"
            " trend is an early sign of divergence. Look for a precision gap, stale weights, a different template or"
            " expert routing."
        ),
    ),
    Metric(
        name="logp_diff_mean",
        title="Log-probability gap",
        group="engines",
        meaning="Mean absolute difference between the two engines' log-probabilities of a sampled token.",
        unit=Unit.NATS_PER_TOKEN,
        better=Better.DOWN,
        aliases=(
            Alias("sampling/sampling_logp_difference/mean", "TRL 0.23 and later"),
            Alias("policy/rollout_train_logprobs_abs_diff_mean", "SkyRL"),
            Alias("train_rollout_logprob_abs_diff", "slime"),
            Alias("logprobs_diff", "OpenRLHF"),
            Alias("rollout_corr/log_ppl_abs_diff", "verl"),
        ),
        reading="Below 0.05 is fine, above 0.1 the engines disagree in earnest.",
    ),
    Metric(
        name="logp_diff_max",
        title="Largest log-probability gap",
        group="engines",
        meaning="Largest absolute difference between the two engines' log-probabilities of a sampled token.",
        unit=Unit.NATS_PER_TOKEN,
        better=Better.DOWN,
        aliases=(
            Alias("sampling/sampling_logp_difference/max", "TRL 0.23 and later"),
            Alias("policy/rollout_train_logprobs_abs_diff_max", "SkyRL"),
        ),
        reading="Single tokens differ by several nats even in healthy runs; read it with the mean.",
    ),
    Metric(
        name="prob_diff_mean",
        title="Probability gap",
        group="engines",
        meaning="Mean absolute difference between the two engines' probabilities of a sampled token.",
        better=Better.DOWN,
        aliases=(Alias("training/rollout_probs_diff_mean", "verl"),),
        reading=(
            "A difference of probabilities, not of their logarithms: it is blind to tokens that both engines find "
            "unlikely."
        ),
    ),
    Metric(
        name="prob_diff_max",
        title="Largest probability gap",
        group="engines",
        meaning="Largest absolute difference between the two engines' probabilities of a sampled token.",
        better=Better.DOWN,
        aliases=(Alias("training/rollout_probs_diff_max", "verl"),),
        reading="Near one: some token is certain for one engine and impossible for the other.",
    ),
    Metric(
        name="is_ratio_mean",
        title="Importance ratio",
        group="engines",
        meaning="Mean of the trainer's over the inference engine's probability of the sampled tokens.",
        unit=Unit.RATIO,
        aliases=(
            Alias("sampling/importance_sampling_ratio/mean", "TRL 0.23 and later"),
            Alias("rollout_corr/rollout_is_mean", "verl"),
            Alias("sampling_importance_ratio", "NeMo-RL"),
            Alias("tis", "slime"),
            Alias("ppo_actor/update/behave_imp_weight/avg", "AReaL"),
            Alias("behave_imp_weight", "AReaL"),
        ),
        reading="Close to one, 0.95 to 1.05. Outside 0.5 to 2 the correction rules the update.",
    ),
    Metric(
        name="is_ratio_min",
        title="Smallest importance ratio",
        group="engines",
        meaning="Smallest importance ratio in the batch.",
        unit=Unit.RATIO,
        aliases=(
            Alias("sampling/importance_sampling_ratio/min", "TRL 0.23 and later"),
            Alias("rollout_corr/rollout_is_min", "verl"),
        ),
        reading="Near zero for single tokens or answers: they hardly count in the update.",
    ),
    Metric(
        name="is_ratio_max",
        title="Largest importance ratio",
        group="engines",
        meaning="Largest importance ratio in the batch.",
        unit=Unit.RATIO,
        aliases=(
            Alias("sampling/importance_sampling_ratio/max", "TRL 0.23 and later"),
            Alias("rollout_corr/rollout_is_max", "verl"),
        ),
        reading="Equal to the truncation bound when the correction is at work.",
    ),
    Metric(
        name="is_ratio_std",
        title="Spread of the importance ratio",
        group="engines",
        meaning="Standard deviation of the importance ratio.",
        better=Better.DOWN,
        aliases=(Alias("rollout_corr/rollout_is_std", "verl"),),
        reading="Above one, a few samples carry the batch.",
    ),
    Metric(
        name="ess",
        title="Effective sample share",
        group="engines",
        meaning="Effective sample size under the importance weights, as a share of the batch.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(Alias("rollout_corr/rollout_is_eff_sample_size", "verl"),),
        reading="One on-policy. Below 0.3 most of the batch is wasted.",
    ),
    Metric(
        name="mult_prob_error",
        title="Multiplicative error",
        group="engines",
        meaning="Mean factor between the two engines' probabilities of a token.",
        unit=Unit.RATIO,
        better=Better.DOWN,
        aliases=(Alias("token_mult_prob_error", "NeMo-RL"),),
        reading=(
            "Just above one. Past 1.02 and rising, the weights in the inference engine are not the ones being trained."
        ),
    ),
)
