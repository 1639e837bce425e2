"""How far the run is, and how fast it goes."""

from __future__ import annotations

from barograph.core.methods import Method
from barograph.core.metric import Alias, Better, Metric, Unit

__all__ = ["PROGRESS_METRICS", "STEP_KEYS", "TOTALS"]

_TRL_LOOPS = frozenset({Method.PPO, Method.RLOO})

#: Raw keys that may hold the step, the most telling first. `_step` counts the calls of a logger rather than updates,
#: and `episode` counts samples, so both are used only where nothing better is there.
STEP_KEYS: tuple[str, ...] = (
    "step",
    "global_step",
    "train/global_step",
    "training/global_step",
    "trainer/global_step",
    "current_steps",
    "global_step/max_steps",
    "Step",
    "train/step",
    "rollout/step",
    "progress/batch",
    "steps",
    "iteration",
    "iter",
    "n_iter",
    "it",
    "update",
    "train_step",
    "optimizer_step",
    "_bar_step",
    "_step",
    "episode",
)

#: Keys of the row of totals that trainers write at the end, and other bookkeeping: not metrics, and not unknown.
#: `train_loss` is a total only beside `train_runtime`; on its own it is the training loss. The loggers that write
#: `train/` and `eval/` in front do so for the totals too.
TOTALS: frozenset[str] = frozenset(
    {
        "train_runtime",
        "train_samples_per_second",
        "train_steps_per_second",
        "train_tokens_per_second",
        "train_loss",
        "total_flos",
        "eval_runtime",
        "eval_samples_per_second",
        "eval_steps_per_second",
        "eval_model_preparation_time",
        "train/train_runtime",
        "train/train_samples_per_second",
        "train/train_steps_per_second",
        "train/train_loss",
        "train/total_flos",
        "eval/runtime",
        "eval/samples_per_second",
        "eval/steps_per_second",
        "eval/model_preparation_time",
        "test_runtime",
        "test_samples_per_second",
        "test_steps_per_second",
        "predict_runtime",
        "predict_samples_per_second",
        "predict_steps_per_second",
        "epoch_steps",
        "percentage",
        "elapsed_time",
        "remaining_time",
        "timestamp",
        "_timestamp",
        "_runtime",
        "_row",
    }
)

PROGRESS_METRICS: tuple[Metric, ...] = (
    Metric(
        name="step",
        title="Step",
        group="progress",
        meaning="Number of the update, or whatever the framework counts as one.",
        unit=Unit.STEPS,
        aliases=(
            Alias("global_step", "many"),
            Alias("training/global_step", "verl"),
            Alias("trainer/global_step", "SkyRL"),
            Alias("current_steps", "LLaMA-Factory"),
            Alias("rollout/step", "slime"),
            Alias("progress/batch", "tinker-cookbook"),
            Alias("steps", "hand-written loops"),
            Alias("iteration", "hand-written loops"),
            Alias("iter", "hand-written loops"),
            Alias("n_iter", "hand-written loops"),
            Alias("it", "hand-written loops"),
            Alias("update", "hand-written loops"),
            Alias("train_step", "hand-written loops"),
            Alias("optimizer_step", "hand-written loops"),
            Alias("_bar_step", "progress bar"),
            Alias("_step", "W&B"),
        ),
        reading=(
            "Steps of different frameworks do not compare: an optimizer update in transformers and TRL, one batch of"
            " rollouts (several updates) in verl and OpenRLHF, a version of the policy in prime-rl."
        ),
    ),
    Metric(
        name="epoch",
        title="Epoch",
        group="progress",
        meaning="Passes over the training data so far.",
        aliases=(
            Alias("training/epoch", "verl"),
            Alias("trainer/epoch", "SkyRL"),
            Alias("progress/epoch", "prime-rl"),
        ),
        reading=(
            "Preference methods overfit from the second epoch on and often within the first. Some logs round it to "
            "two decimals, so that several rows share one value."
        ),
    ),
    Metric(
        name="episode",
        title="Episodes",
        group="progress",
        meaning="Samples that were generated and scored so far.",
        unit=Unit.COUNT,
        aliases=(Alias("episodes", "hand-written loops"),),
        reading="TRL's PPO counts samples here while its step counts updates.",
    ),
    Metric(
        name="tokens_seen",
        title="Tokens seen",
        group="progress",
        meaning="Tokens processed since the start of the run.",
        unit=Unit.TOKENS,
        aliases=(
            Alias("num_tokens", "TRL 0.15 and later"),
            Alias("total_tokens", "LLaMA-Factory"),
            Alias("num_input_tokens_seen", "transformers"),
            Alias("progress/total_tokens", "prime-rl"),
            Alias("tokens/total", "Axolotl"),
        ),
        reading="Only grows within a run. A fall means a restart, or two runs in one file.",
    ),
    Metric(
        name="tokens_in_step",
        title="Tokens in the step",
        group="progress",
        meaning="Tokens processed by this step alone.",
        unit=Unit.TOKENS,
        aliases=(
            Alias("perf/total_num_tokens", "verl"),
            Alias("global_valid_toks", "NeMo-RL"),
        ),
        reading="Follows the length of the answers in online methods. It is not cumulative.",
    ),
    Metric(
        name="max_steps",
        title="Planned steps",
        group="progress",
        meaning="The step at which the run is meant to end.",
        unit=Unit.STEPS,
        aliases=(Alias("total_steps", "LLaMA-Factory, hand-written loops"),),
        reading="Gives the share of the run that is done, and with it the stage to compare with.",
    ),
    Metric(
        name="step_time",
        title="Time per step",
        group="progress",
        meaning="Seconds that one step took.",
        unit=Unit.SECONDS,
        better=Better.DOWN,
        aliases=(
            Alias("timing_s/step", "verl"),
            Alias("perf/time_per_step", "verl"),
            Alias("timing/step", "SkyRL"),
            Alias("timing/step_total", "OpenRLHF"),
            Alias("time/step", "prime-rl"),
            Alias("timing/train/total_step_time", "NeMo-RL"),
            Alias("time/ppo/total", "TRL 0.11 and earlier"),
            Alias("train_speed(s/it)", "ms-swift"),
        ),
        reading=(
            "In online methods it grows with the length of the answers. A doubling with constant lengths points to "
            "the machine: memory, a slow engine, a neighbour."
        ),
    ),
    Metric(
        name="epoch_time",
        title="Time per epoch",
        group="progress",
        meaning="Duration of one epoch, in the unit of the log.",
        better=Better.DOWN,
        aliases=(Alias("time/epoch", "hand-written loops"),),
        reading=(
            "Seconds in most logs, minutes in some hand-written ones, and there often the time that is still left."
        ),
    ),
    Metric(
        name="samples_per_second",
        title="Samples per second",
        group="progress",
        meaning="Training samples processed per second.",
        better=Better.UP,
        aliases=(
            Alias("samples/sec", "hand-written loops"),
            Alias("eps", "TRL PPO, RLOO to 0.21: episodes per second", _TRL_LOOPS),
            Alias("samples_per_sec", "hand-written loops"),
        ),
        reading="Should stay level. A slow decline usually follows longer sequences.",
    ),
    Metric(
        name="tokens_per_second",
        title="Tokens per second",
        group="progress",
        meaning="Tokens processed per second.",
        better=Better.UP,
        aliases=(
            Alias("tokens_per_sec", "hand-written loops"),
            Alias("tokens_per_second_per_gpu", "torchtune"),
            Alias("tokens/train_per_sec_per_gpu", "Axolotl"),
            Alias("perf/throughput", "verl, prime-rl"),
            Alias("throughput", "LLaMA-Factory"),
        ),
        reading="Per device in some frameworks and over all devices in others, so compare within a run only.",
    ),
)
