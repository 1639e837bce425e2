"""The distance from the reference in online methods. Per token and per answer are never mixed."""

from __future__ import annotations

from barograph.core.methods import GENERATING, ONLINE
from barograph.rules.advice import advise, check_reference, cut_lr, revert, stop
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import beta, kl_sequence, kl_token, score, steps_are_logged
from barograph.signals.words import (
    absolute,
    after,
    count,
    ema,
    first,
    highest,
    median,
    metric,
    noise,
    spike,
    step,
    sustained,
)

raise_kl_weight = advise("Raise the weight of the KL term (kl_coef, beta)")
sample_purely = advise(
    "Sample purely: top_k 0, top_p 1, no min_length, temperature as in the log-probabilities; pad with a token that "
    "is not EOS"
)


class KlHighPerAnswer(Rule):
    """The KL to the reference, summed over an answer, leaves its usual range.

    Why: the KL weight is too small or the learning rate too high; the policy starts to exploit the reward.
    False alarm: very long answers collect more of it.
    Sources: RLHF guide, TRL documentation: 0 to 10 (D); target 6 of the old TRL (S); 25 (G).
    """

    code, name, severity = "KL01", "kl-high", WARNING
    methods = GENERATING
    about = "kl_ref_sequence"
    nats = param(10, "nats per sequence")
    far = param(25, "nats per sequence that make it critical")
    when = sustained(ema(kl_sequence, 5) > nats, 3)
    escalates = {CRITICAL: ema(kl_sequence, 5) > far}
    shows = {"kl": ema(kl_sequence, 5)}
    says = "the KL to the reference is {kl:.1f} nats per answer since step {onset}, above {nats:g}"
    do = (raise_kl_weight, cut_lr(), revert())
    follows = ("VAL05",)


class KlHighPerToken(Rule):
    """The KL to the reference, per token, leaves its usual range.

    Why: as with `kl-high`; in GRPO often a learning rate that suits adapters only.
    False alarm: single spikes come from single odd answers (the k3 estimate is unbounded) and pass; runs that drop the
    KL on purpose do not log it.
    Sources: practice (G); measured on public runs: healthy ones stay below 0.3 (G).
    """

    code, name, severity = "KL02", "kl-high-per-token", WARNING
    methods = GENERATING
    about = "kl_ref"
    nats = param(0.5, "nats per token")
    far = param(3, "nats per token that make it critical")
    when = sustained((ema(kl_token, 10) > nats) & (kl_token > nats / 2), 3, share=0.1)
    escalates = {CRITICAL: ema(kl_token, 10) > far}
    shows = {"kl": ema(kl_token, 10)}
    says = "the KL to the reference is {kl:.2f} nats per token since step {onset}, above {nats:g}"
    do = (raise_kl_weight, cut_lr(), revert())
    may_act = True


class KlNegative(Rule):
    """The KL estimate is negative, beyond what sampling noise explains.

    Why: answers are not sampled from the policy as it computes probabilities: top-k, top-p, a minimum length, EOS or
    padding inside the sum, dropout, a reference with its adapter still on. The reward then pays for driving the KL
    down further.
    False alarm: the k1 estimate of a small KL is negative by chance in single rows; a mean is compared with its error.
    Sources: RLHF guide (D); TRL issues 235, 262, 352, 925 (I): below -1 per answer; -0.01 per token (G).
    """

    code, name, severity = "KL03", "kl-negative", WARNING
    methods = GENERATING
    about = ("kl_ref_sequence", "kl_ref")
    nats = param(1, "nats per sequence below zero")
    per_token = param(0.01, "nats per token below zero")
    far = param(5, "times that which make it critical")
    # A mean over about ten rows has an error of the scatter over the root of ten.
    of_answer = (ema(kl_sequence, 10) < -nats) & (ema(kl_sequence, 10) < -noise(kl_sequence, 10))
    of_token = (ema(kl_token, 10) < -per_token) & (ema(kl_token, 10) < -noise(kl_token, 10))
    when = sustained(of_answer | of_token, 5)
    escalates = {CRITICAL: (ema(kl_sequence, 10) < -far * nats) | (ema(kl_token, 10) < -far * per_token)}
    says = "the KL to the reference is negative for {rows} (mean {value:.3g}): sampling does not match the policy"
    do = (sample_purely, check_reference, stop("the reward is being collected from a negative KL"))


class KlOutrunsScore(Rule):
    """The KL keeps growing while the score has stopped.

    Why: there is no advantage left to learn from, and the policy drifts; or it is over-optimised.
    False alarm: a short plateau of the score is ordinary.
    Sources: TRL issues 204 and 3452 (I); over-optimisation, arXiv 2210.10760 (P); factors (G).
    """

    code, name, severity = "KL04", "kl-grows-without-score", INFO
    methods = GENERATING
    about = ("kl_ref_sequence", "kl_ref")
    growing_answer = ema(kl_sequence, share=0.05) > 1.5 * ema(kl_sequence, share=0.3) + 1
    growing_token = ema(kl_token, share=0.05) > 1.5 * ema(kl_token, share=0.3) + 0.05
    stale = ema(score, share=0.1) < highest(ema(score, share=0.1)) - noise(score, 20)
    when = after(share=0.4, steps=100) & sustained((growing_answer | growing_token) & stale, 3, share=0.1)
    shows = {"score": ema(score, share=0.1), "start": first(score, 10)}
    says = "the KL grows while the score does not ({score:.3g}): the policy drifts without learning"
    do = (raise_kl_weight, advise("Stop at the best evaluation"))


class KlSpike(Rule):
    """The KL to the reference leaps for single rows.

    Why: a few odd answers (the estimate is unbounded for tokens that the reference finds impossible), or an update that
    went too far; if the score falls with it, the latter.
    False alarm: single odd answers pass, and are a remark.
    Sources: TRL issue 41 (I); ten times (G).
    """

    code, name, severity = "KL05", "kl-spike", INFO
    methods = GENERATING
    about = ("kl_ref_sequence", "kl_ref")
    times = param(10, "times the median of its last 20 rows")
    of_answer = (kl_sequence > times * median(kl_sequence, 20)) & (spike(kl_sequence, 20) > times) & (kl_sequence > 10)
    of_token = (kl_token > times * median(kl_token, 20)) & (spike(kl_token, 20) > times) & (kl_token > 0.5)
    # Lower than the twenty rows before it by far: the score went with it.
    score_fell = score < ema(score, 20) - 4 * noise(score, 30)
    when = of_answer | of_token
    escalates = {WARNING: score_fell}
    says = "the KL to the reference leapt to {peak:.3g} at step {peak_step}"
    do = (raise_kl_weight, cut_lr(), revert())
    follows = ("NUM01", "KL01", "KL02")


class KlWeightRunsAway(Rule):
    """The weight of the KL term, which follows the KL by itself, has grown manifold.

    Why: the KL does not come down whatever the weight: the steps are too large.
    False alarm: a weight that began far too small; look at the KL.
    Sources: TRL documentation: it often grows before numerical instabilities (D); tenfold (G).
    """

    code, name, severity = "KL06", "kl-weight-runs-away", INFO
    methods = GENERATING
    about = "kl_coef"
    times = param(10, "times its beginning")
    far = param(100, "times its beginning that make it a warning")
    weight, begin = metric("kl_coef"), first(metric("kl_coef"), 3)
    when = (begin > 0) & sustained(weight > times * begin, 5)
    escalates = {WARNING: weight > far * begin}
    shows = {"weight": weight, "start": begin}
    says = "the weight of the KL term has grown from {start:.3g} to {weight:.3g}: the KL does not follow it"
    do = (cut_lr(), advise("Raise the target of the KL if this distance is acceptable"))
    follows = ("KL01", "KL02")


class KlStartsAboveZero(Rule):
    """In the very first row the policy is already away from its reference.

    Why: both are the same before the first update, and so is what they make of any answer: dropout is on in one of
    them, the adapter is not switched off for the reference, or it is another checkpoint or another precision.
    False alarm: a log that begins late, after a resume or with long logging intervals: only the row of step 1 counts.
    Sources: definition of the KL (M); slime: a test of its own fails above 1e-8 (S); tolerance (G).
    """

    code, name, severity = "KL07", "kl-starts-above-zero", WARNING
    methods = GENERATING
    about = ("kl_ref_sequence", "kl_ref")
    nats = param(1, "nats per sequence")
    per_token = param(0.02, "nats per token")
    of_answer = (count(kl_sequence) <= 1) & (absolute(kl_sequence) > nats)
    of_token = (count(kl_token) <= 1) & (absolute(kl_token) > per_token)
    when = steps_are_logged & (step() <= 1) & (of_answer | of_token)
    says = "the KL to the reference is {value:.3g} in the first row: the reference is not the start policy"
    do = (check_reference,)


class KlWeightHuge(Rule):
    """The weight of the KL is so large that the policy is glued to its reference.

    Why: a slip of the decimal point; or a beta of DPO, which means something else.
    False alarm: KLs that are divided by the length of the answer and weighed up again by hand.
    Sources: 0 to 0.04 in GRPO, 0.01 to 0.2 in PPO (D, S); limit (G).
    """

    code, name, severity = "KL08", "kl-weight-huge", WARNING
    methods = ONLINE
    about = ("kl_ref", "kl_ref_sequence", "score_mean")
    most = param(2, "weight of the KL that anybody uses")
    when = (beta > most) & (step() >= 0)
    shows = {"beta": beta}
    says = "the KL weighs {beta:g}; 0 to 0.2 is usual"
    do = (advise("Set beta between 0 and 0.1"),)
    rearm = 1.0


RULES = (
    KlHighPerAnswer,
    KlHighPerToken,
    KlNegative,
    KlOutrunsScore,
    KlSpike,
    KlWeightRunsAway,
    KlStartsAboveZero,
    KlWeightHuge,
)
