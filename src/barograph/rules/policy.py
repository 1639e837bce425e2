"""How the policy changes: its entropy, and the size of its steps."""

from __future__ import annotations

from barograph.core.methods import GENERATING, ONLINE, Method
from barograph.rules.advice import advise, cut_lr, revert
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.score import score_error, score_gain
from barograph.rules.series import approx_kl, clip_share, entropy, ratio
from barograph.signals.words import count, ema, fact, first, maximum, median, step, sustained

same_engine = advise("Compare the log-probabilities of the engine that generates with those of the trainer")


class EntropyCollapse(Rule):
    """The policy's entropy is all but gone, and the score has not gained by it.

    Why: updates that only ever sharpen: clipping that is tighter upwards, a low temperature, too many updates. What is
    no longer sampled can no longer be learned.
    False alarm: instruction-tuned models start below 0.1 nats per token, and most of the fall comes early in good
    runs; so the fall is measured against the run's own beginning, and together with the score.
    Sources: arXiv 2505.22617, DAPO 2503.14476 (P); practice (G); measured on public runs (G).
    """

    code, name, severity = "ENT01", "entropy-collapse", WARNING
    methods = GENERATING
    about = "entropy"
    share = param(0.2, "share of its beginning that is left")
    nats = param(0.1, "nats per token below which it can matter")
    gone = param(0.05, "share of its beginning that makes it critical")
    left = ema(entropy, 10)
    when = (count(entropy) >= 10) & sustained(
        (left < share * first(entropy, 10)) & (left < nats) & (score_gain < 3 * score_error), 5, share=0.05
    )
    escalates = {CRITICAL: left < gone * first(entropy, 10)}
    shows = {"entropy": left, "start": first(entropy, 10)}
    says = "the entropy has collapsed from {start:.3f} to {entropy:.4f} nats per token, and the score gained nothing"
    do = (
        revert(),
        advise("Clip less tightly upwards (0.28 against 0.2), or add an entropy bonus"),
        advise("Sample at temperature 1"),
        cut_lr(),
    )
    follows = ("NUM01", "RWD01", "LEN05", "LEN06", "CLIP03", "KL01", "KL02", "RWD03", "VAL05")


class EntropyExplosion(Rule):
    """The entropy grows far beyond its beginning: the policy writes noise.

    Why: too high a rate, clipping that is too loose upwards, an entropy bonus that wins, or engines that disagree.
    False alarm: a rise below one nat per token is often exploration.
    Sources: verl issue 1066, rllm issue 116 (I); factors (G).
    """

    code, name, severity = "ENT02", "entropy-explosion", WARNING
    methods = GENERATING
    about = "entropy"
    times = param(2, "times its beginning")
    nats = param(1.0, "nats per token above which it can matter")
    far = param(2.0, "nats per token that make it critical")
    now = ema(entropy, 10)
    when = (count(entropy) >= 10) & sustained((now > times * first(entropy, 10)) & (now > nats), 3)
    escalates = {CRITICAL: now > maximum(far, times * first(entropy, 10))}
    shows = {"entropy": now, "start": first(entropy, 10)}
    says = "the entropy has grown from {start:.2f} to {entropy:.2f} nats per token: the policy is becoming noise"
    do = (revert(), cut_lr(), advise("Lower the entropy bonus or the upper clipping limit"), same_engine)
    may_act = True
    follows = ("NUM01",)


class EntropyBonusStrong(Rule):
    """The entropy bonus is so strong that it outweighs what the reward pays for.

    Why: advantages are about one in size, and the entropy of a token is a few nats at most: a bonus of a tenth of the
    entropy is worth as much as a clearly better answer.
    False alarm: bonuses that are steered to a target, or that decay.
    Sources: 0 to 0.01 is what trainers ship and papers use (S, P); limit (G).
    """

    code, name, severity = "ENT03", "entropy-bonus-strong", WARNING
    methods = ONLINE
    about = ("entropy", "score_mean")
    most = param(0.1, "weight of the entropy")
    bonus = fact("entropy_coef")
    when = (bonus > most) & (step() >= 0)
    shows = {"bonus": bonus}
    says = "the entropy bonus is {bonus:g}; 0 to 0.01 is usual"
    do = (advise("Lower the entropy bonus, or steer it to a target"),)
    rearm = 1.0


class ClipShareHigh(Rule):
    """A large part of the updates is clipped.

    Why: the steps are too large: rate, number of inner epochs, or batches that are too small.
    False alarm: ratios of whole answers (GSPO) clip far more by design; where the settings name them nothing is said.
    Sources: practice: 0 to 0.2 is usual (G).
    """

    code, name, severity = "CLIP01", "clip-share-high", WARNING
    methods = GENERATING
    about = "clip_frac"
    share = param(0.3, "share of clipped updates")
    half = param(0.5, "share that makes it critical, together with a ratio off by a tenth")
    when = (fact("ratio_of_answers") <= 0) & sustained(ema(clip_share, 10) > share, 5)
    escalates = {CRITICAL: (ema(clip_share, 10) > half) & (abs(ema(ratio, 5) - 1) > 0.1)}
    shows = {"clipped": ema(clip_share, 10)}
    says = "{clipped:.0%} of the updates are clipped: the steps are too large"
    do = (cut_lr(), advise("Fewer inner epochs, or larger minibatches"))
    follows = ("NUM01",)


class RatioOff(Rule):
    """The ratio of new to old probabilities is far from 1.

    Why: drastic updates, or old probabilities that were computed by another engine or at another temperature.
    False alarm: none below a tenth; padding positions dilute it towards 1, so the truth is worse.
    Sources: TRL documentation of PPO: 2 or 0.1 are too drastic (D); threshold 10 of the old TRL (S); a tenth (G).
    """

    code, name, severity = "CLIP02", "ratio-off", WARNING
    methods = GENERATING
    about = "ratio_mean"
    far_from_one = param(0.1, "distance from 1")
    twice = param(2, "ratio that makes it critical; below a tenth it is, too")
    when = sustained(abs(ema(ratio, 5) - 1) > far_from_one, 5)
    escalates = {CRITICAL: (ema(ratio, 5) > twice) | (ema(ratio, 5) < 0.1)}
    shows = {"ratio": ema(ratio, 5)}
    says = "the ratio of new to old probabilities is {ratio:.3f} on average, not 1"
    do = (cut_lr(), same_engine)
    follows = ("NUM01",)


class UpdateKlHigh(Rule):
    """Each update moves the policy far from the one that sampled.

    Why: learning rate or number of inner epochs too high.
    False alarm: frameworks disagree on the estimator; k1 is signed and scatters.
    Sources: Spinning Up: target 0.01, stop at 1.5 times (P); practice (G).
    """

    code, name, severity = "CLIP03", "update-kl-high", WARNING
    methods = GENERATING
    about = "approx_kl"
    nats = param(0.05, "nats per token")
    far = param(0.1, "nats per token that make it critical")
    # The usual update, not the mean: one that is a hundred times as large happens in good runs.
    usual = median(approx_kl, 10)
    when = (count(approx_kl) >= 5) & sustained(usual > nats, 5)
    escalates = {CRITICAL: usual > far}
    shows = {"kl": usual}
    says = "each update moves the policy by {kl:.3f} nats per token; 0.01 to 0.02 is usual"
    do = (cut_lr(), advise("Fewer inner epochs, or a target_kl that ends them early"))
    follows = ("NUM01", "VAL05")


class ClippingNeverActive(Rule):
    """Nothing is ever clipped although each batch is used several times.

    Why: the learning rate is too low to matter, or old and new probabilities are computed from the same weights.
    False alarm: with one update per batch this is as it should be, and the rule is not judged.
    Sources: TRL issue 3120, minimind issue 775 (I).
    """

    code, name, severity = "CLIP04", "clipping-never-active", INFO
    methods = GENERATING
    about = "clip_frac"
    when = (fact("num_iterations") > 1) & sustained(clip_share <= 0, 20, share=0.2)
    says = "no update is ever clipped in {rows}, although each batch is used several times"
    do = (advise("Check where the old log-probabilities come from"), advise("Raise the learning rate"))


class ClippedOnPolicy(Rule):
    """Updates are clipped although each batch is used once, for a single update.

    Why: the ratio is exactly one then, unless old probabilities come from another engine, another precision, with
    dropout, or of older weights.
    False alarm: one rollout that is split over several updates; where the settings say so nothing is said.
    Sources: definition of the ratio (M); TRL issue 3120: exactly 0 is normal (I).
    """

    code, name, severity = "CLIP05", "clipped-though-on-policy", INFO
    methods = frozenset({Method.GRPO, Method.RLOO})
    about = "clip_frac"
    share = param(0.02, "share of clipped updates")
    # TRL splits a rollout over steps_per_generation micro-batches, of which so many make one update.
    once = (fact("num_iterations") <= 1) & (fact("steps_per_generation") <= fact("gradient_accumulation_steps"))
    when = once & sustained(ema(clip_share, 10) > share, 5)
    shows = {"clipped": ema(clip_share, 10)}
    says = "{clipped:.0%} of the updates are clipped, although each batch is used once: old probabilities are not these"
    do = (same_engine, advise("Switch dropout off, and check the precision of both"))
    follows = ("CLIP01", "ENG01", "ENG02")


RULES = (
    EntropyCollapse,
    EntropyExplosion,
    EntropyBonusStrong,
    ClipShareHigh,
    RatioOff,
    UpdateKlHigh,
    ClippingNeverActive,
    ClippedOnPolicy,
)
