"""Online methods: the answers that were sampled, and the groups they come in."""

from __future__ import annotations

from barograph.core.metric import Alias, Better, Metric, Unit

__all__ = ["GENERATION_METRICS"]

GENERATION_METRICS: tuple[Metric, ...] = (
    Metric(
        name="len_mean",
        title="Answer length",
        group="generation",
        meaning="Mean number of tokens in the sampled answers.",
        unit=Unit.TOKENS,
        aliases=(
            Alias("completions/mean_length", "TRL 0.17 and later"),
            Alias("completion_length", "TRL GRPO to 0.16, Unsloth"),
            Alias("tokens/responses_len_mean", "TRL 0.11 and earlier"),
            Alias("response_length/mean", "verl"),
            Alias("response_length", "OpenRLHF"),
            Alias("gen_len", "OpenRLHF progress bar"),
            Alias("response_lengths", "torchtune"),
            Alias("mean_gen_tokens_per_sample", "NeMo-RL"),
            Alias("mean_generation_length", "NeMo-RL console"),
            Alias("average_response_length", "NeMo-RL console, validation"),
            Alias("generate/avg_num_tokens", "SkyRL"),
            Alias("policy/response_length", "SkyRL"),
            Alias("rollout/response_len/mean", "slime"),
            Alias("*/response_len/mean", "slime evaluation"),
            Alias("decode_len/all/mean", "prime-rl"),
            Alias("completion_len/mean", "prime-rl"),
            Alias("*/completion_len/mean", "prime-rl"),
            Alias("*/num_output_tokens/mean", "prime-rl"),
            Alias("env/all/ac_tokens_per_turn", "tinker-cookbook"),
            Alias("ppo_actor/seq_len/avg", "AReaL"),
            Alias("avg_response_len", "hand-written loops"),
            Alias("avg_len", "hand-written loops"),
            Alias("mean_length", "hand-written loops"),
        ),
        reading=(
            "Reasoning runs grow longer as they improve; growth without a gain in score exploits the reward or the "
            "way the loss is averaged. Constant at the limit means that no answer ends by itself, and a collapse to "
            "a few tokens that ending early pays best."
        ),
    ),
    Metric(
        name="len_min",
        title="Shortest answer",
        group="generation",
        meaning="Number of tokens in the shortest sampled answer.",
        unit=Unit.TOKENS,
        aliases=(
            Alias("completions/min_length", "TRL 0.17 and later"),
            Alias("response_length/min", "verl"),
            Alias("generate/min_num_tokens", "SkyRL"),
            Alias("rollout/response_len/min", "slime"),
            Alias("*/num_output_tokens/min", "prime-rl"),
            Alias("ppo_actor/seq_len/min", "AReaL"),
        ),
        reading="One token for many rows: empty answers are being sampled and, worse, may score.",
    ),
    Metric(
        name="len_max",
        title="Longest answer",
        group="generation",
        meaning="Number of tokens in the longest sampled answer.",
        unit=Unit.TOKENS,
        aliases=(
            Alias("completions/max_length", "TRL 0.17 and later"),
            Alias("response_length/max", "verl"),
            Alias("generate/max_num_tokens", "SkyRL"),
            Alias("rollout/response_len/max", "slime"),
            Alias("*/num_output_tokens/max", "prime-rl"),
            Alias("ppo_actor/seq_len/max", "AReaL"),
        ),
        reading=(
            "Often the limit on the length. Equal to the mean and the minimum, it shows that every answer is cut off."
        ),
    ),
    Metric(
        name="len_terminated_mean",
        title="Length of finished answers",
        group="generation",
        meaning="Mean number of tokens in the answers that ended by themselves.",
        unit=Unit.TOKENS,
        aliases=(Alias("completions/mean_terminated_length", "TRL 0.17 and later"),),
        reading="Zero when no answer ended at all.",
    ),
    Metric(
        name="len_terminated_min",
        title="Shortest finished answer",
        group="generation",
        meaning="Number of tokens in the shortest answer that ended by itself.",
        unit=Unit.TOKENS,
        aliases=(Alias("completions/min_terminated_length", "TRL 0.17 and later"),),
        reading="Zero when no answer ended at all.",
    ),
    Metric(
        name="len_terminated_max",
        title="Longest finished answer",
        group="generation",
        meaning="Number of tokens in the longest answer that ended by itself.",
        unit=Unit.TOKENS,
        aliases=(Alias("completions/max_terminated_length", "TRL 0.17 and later"),),
        reading="How close to the limit a finished answer comes.",
    ),
    Metric(
        name="prompt_len_mean",
        title="Prompt length",
        group="generation",
        meaning="Mean number of tokens in the prompts.",
        unit=Unit.TOKENS,
        aliases=(
            Alias("prompt_length/mean", "verl"),
            Alias("mean_prompt_length", "NeMo-RL"),
            Alias("tokens/queries_len_mean", "TRL 0.11 and earlier"),
            Alias("ppo_actor/prompt_len/avg", "AReaL"),
            Alias("prompt_len/mean", "prime-rl"),
        ),
        reading=(
            "Belongs to the data and should not drift; a drift means that prompts are sorted or filtered by difficulty."
        ),
    ),
    Metric(
        name="truncated_frac",
        title="Cut-off share",
        group="generation",
        meaning="Share of answers that hit the length limit without ending.",
        unit=Unit.SHARE,
        better=Better.DOWN,
        aliases=(
            Alias("completions/clipped_ratio", "TRL 0.17 and later"),
            Alias("response_length/clip_ratio", "verl"),
            Alias("truncated", "OpenRLHF"),
            Alias("response_clip_ratio", "OpenRLHF"),
            Alias("truncation_rate", "NeMo-RL"),
            Alias("rollout/truncated_ratio", "slime"),
            Alias("is_truncated/mean", "prime-rl"),
            Alias("*/is_truncated/mean", "prime-rl"),
            Alias("is_truncated/all/mean", "prime-rl"),
            Alias("ppo_actor/no_eos_ratios/avg", "AReaL"),
            Alias("truncation_%", "prime-rl console", scale=0.01),
        ),
        reading=(
            "Best below 0.05. A cut-off answer is scored on half a thought, so above 0.1 the reward turns into a "
            "length test. At 1.0 the limit is too small or the model never learned to end."
        ),
    ),
    Metric(
        name="eos_frac",
        title="Finished share",
        group="generation",
        meaning="Share of answers that contain the end token.",
        unit=Unit.SHARE,
        better=Better.UP,
        aliases=(
            Alias("val/contain_eos_token", "TRL OnlineDPO"),
            Alias("val/model_contain_eos_token", "TRL NashMD, XPO"),
            Alias("natural_termination_rate", "NeMo-RL"),
            Alias("is_completed/mean", "prime-rl"),
            Alias("*/is_completed/mean", "prime-rl"),
        ),
        reading=(
            "Should be near one after the first fifth of the run. Low values: raise the length limit or penalise a "
            "missing end."
        ),
    ),
    Metric(
        name="eos_count",
        title="Finished answers",
        group="generation",
        meaning="Number of answers that contain the end token.",
        unit=Unit.COUNT,
        better=Better.UP,
        aliases=(
            Alias("val/num_eos_tokens", "TRL PPO, RLOO to 0.21"),
            Alias("num_stop_tokens", "torchtune"),
        ),
        reading="Counted on one rank, so its level means little; zero throughout means that no answer ever ends.",
    ),
    Metric(
        name="zero_std_frac",
        title="Groups without contrast",
        group="generation",
        meaning="Share of groups whose answers all have the same reward.",
        unit=Unit.SHARE,
        better=Better.DOWN,
        aliases=(
            Alias("frac_reward_zero_std", "TRL 0.18 and later"),
            Alias("self_distillation/flat_group_fraction", "TRL SDPO, SDFT"),
            Alias("baseline_reward/pct_mixed", "NeMo-RL, in percent", scale=0.01, complement=True),
            Alias("env/all/by_group/frac_mixed", "tinker-cookbook", complement=True),
            Alias("solved_some", "prime-rl", complement=True),
            Alias("*/solved_some", "prime-rl", complement=True),
            Alias("effective_batch_size/all", "prime-rl", complement=True),
            Alias("trainable_%", "prime-rl console", scale=0.01, complement=True),
            Alias("dynamic_filtering_pass_rate", "OpenRLHF", complement=True),
        ),
        reading=(
            "Such groups give no gradient. Up to one half is usual; near one with a low score the prompts are too "
            "hard, near one with a high score they are solved."
        ),
    ),
    Metric(
        name="solved_none_frac",
        title="Groups all wrong",
        group="generation",
        meaning="Share of groups in which no answer is right.",
        unit=Unit.SHARE,
        aliases=(
            Alias("env/all/by_group/frac_all_bad", "tinker-cookbook"),
            Alias("baseline_reward/pct_0", "NeMo-RL, in percent", scale=0.01),
            Alias("batch/solve_none", "prime-rl"),
            Alias("*/solved_none", "prime-rl"),
            Alias("solve_none/all", "prime-rl"),
        ),
        reading="The prompts that are too hard for now.",
    ),
    Metric(
        name="solved_all_frac",
        title="Groups all right",
        group="generation",
        meaning="Share of groups in which every answer is right.",
        unit=Unit.SHARE,
        aliases=(
            Alias("env/all/by_group/frac_all_good", "tinker-cookbook"),
            Alias("baseline_reward/pct_1", "NeMo-RL, in percent", scale=0.01),
            Alias("batch/solve_all", "prime-rl"),
            Alias("*/solved_all", "prime-rl"),
            Alias("solve_all/all", "prime-rl"),
        ),
        reading="The prompts that have nothing left to teach.",
    ),
    Metric(
        name="aborted_frac",
        title="Aborted share",
        group="generation",
        meaning="Share of answers whose generation was aborted.",
        unit=Unit.SHARE,
        better=Better.DOWN,
        aliases=(
            Alias("response/aborted_ratio", "verl"),
            Alias("cancelled_%", "prime-rl console", scale=0.01),
        ),
        reading="Near zero. Aborted answers are missing from the batch or score nothing.",
    ),
    Metric(
        name="error_frac",
        title="Failed share",
        group="generation",
        meaning="Share of rollouts that ended in an error.",
        unit=Unit.SHARE,
        better=Better.DOWN,
        aliases=(
            Alias("*/has_error/mean", "prime-rl"),
            Alias("*/error_rate", "prime-rl"),
            Alias("error_%", "prime-rl console", scale=0.01),
        ),
        reading="Above 0.05 the environment needs mending before the policy does.",
    ),
    Metric(
        name="repetition_frac",
        title="Repetitive share",
        group="generation",
        meaning="Share of answers that repeat themselves.",
        unit=Unit.SHARE,
        better=Better.DOWN,
        aliases=(Alias("rollout/repetition_frac", "slime"),),
        reading="Rises when the policy degenerates, often together with the length.",
    ),
    Metric(
        name="filtered_frac",
        title="Filtered share",
        group="generation",
        meaning="Share of tokens or answers left out of the update by a filter or a rejection rule.",
        unit=Unit.SHARE,
        aliases=(
            Alias("rollout_corr/rollout_rs_masked_fraction", "verl"),
            Alias("ppo_actor/update/rs_filtered_fraction/avg", "AReaL"),
            Alias("rs_filtered_fraction", "AReaL"),
            # Counts what was dropped, although its name reads like an importance ratio.
            Alias("is_filter_ratio", "OpenRLHF"),
            Alias("outlier_seq_masked_ratio", "SkyRL"),
        ),
        reading="A few percent is the price of off-policy data. Near one, the run updates on almost nothing.",
    ),
    Metric(
        name="staleness_mean",
        title="Mean staleness",
        group="generation",
        meaning="How many policy versions old the samples are, on average.",
        unit=Unit.STEPS,
        better=Better.DOWN,
        aliases=(
            Alias("sample/staleness_mean", "TRL AsyncGRPO"),
            Alias("async/staleness_mean", "SkyRL, tinker-cookbook"),
            Alias("off_policy/mean", "prime-rl"),
            Alias("avg_trajectory_age", "NeMo-RL console"),
            Alias("training/off_policy/trajectory_staleness/mean", "verl"),
        ),
        reading=(
            "Zero when training is synchronous. Asynchronous runs stand 1 to 4; more needs a correction for the ratio."
        ),
    ),
    Metric(
        name="staleness_max",
        title="Worst staleness",
        group="generation",
        meaning="How many policy versions old the oldest sample is.",
        unit=Unit.STEPS,
        better=Better.DOWN,
        aliases=(
            Alias("sample/staleness_max", "TRL AsyncGRPO"),
            Alias("async/staleness_max", "SkyRL"),
            Alias("off_policy/max", "prime-rl"),
            Alias("training/off_policy/trajectory_staleness/max", "verl"),
        ),
        reading="At the configured limit, samples are being thrown away.",
    ),
    Metric(
        name="tool_call_freq",
        title="Tool calls",
        group="generation",
        meaning="Tool calls per answer.",
        aliases=(Alias("tools/call_frequency", "TRL GRPO"),),
        reading=(
            "A fall to zero means that the policy gave up on its tools, a steady rise that calls are rewarded for "
            "themselves."
        ),
    ),
    Metric(
        name="tool_failure_freq",
        title="Failed tool calls",
        group="generation",
        meaning="Share of tool calls that failed.",
        unit=Unit.SHARE,
        better=Better.DOWN,
        aliases=(Alias("tools/failure_frequency", "TRL GRPO"),),
        reading="Falls early, as the policy learns the call format.",
    ),
)
