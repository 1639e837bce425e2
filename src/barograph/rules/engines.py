"""Whether the engine that generates and the one that trains agree, where both log what they make of a token."""

from __future__ import annotations

from barograph.core.methods import GENERATING
from barograph.rules.advice import advise
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.signals.words import absolute, count, ema, first, metric, sustained

correct = advise("Correct for it by importance sampling (truncated, per token or per answer)")
same_precision = advise("Use one precision in both engines, and fp32 for the output layer")
check_sync = advise("Check that new weights reach the generating engine before each rollout, and that templates agree")
fresher = advise("Generate fewer batches ahead, or synchronise the weights more often")

gap = ema(metric("kl_infer"), 10)
difference = ema(metric("logp_diff_mean"), 10)
chance = ema(metric("prob_diff_mean"), 10)
weight = ema(metric("is_ratio_mean"), 10)
error = ema(metric("mult_prob_error"), 10)


class EnginesDisagree(Rule):
    """For the same weights the generating engine has other probabilities than the trainer.

    Why: another precision, other kernels, weights that were not synchronised, another template or temperature; with
    experts, another routing. What is then called on-policy is not, and gradients grow until the run falls apart.
    False alarm: about 0.001 is the price of different kernels; quantised rollouts stand somewhat above.
    Sources: tinker: stable below 0.01; NeMo-RL: about 0.001 is typical; verl: above 0.1 is an alert (D); prime-rl: a
    growing mean is an early sign (D); verl issue 2738 (I); fivefold (G).
    """

    code, name, severity = "ENG01", "engines-disagree", WARNING
    methods = GENERATING
    about = "kl_infer"
    nats = param(0.01, "nats per token")
    far = param(0.1, "nats per token that make it critical")
    times = param(5, "times its beginning, when above a third of the limit")
    grown = (gap > times * first(metric("kl_infer"), 10)) & (gap > nats / 3)
    when = (count(metric("kl_infer")) >= 5) & sustained((absolute(gap) > nats) | grown, 5)
    escalates = {CRITICAL: absolute(gap) > far}
    shows = {"gap": gap}
    says = "generating engine and trainer are {gap:.3g} nats per token apart since step {onset}"
    do = (check_sync, same_precision, correct)


class LogProbabilitiesApart(Rule):
    """The log-probabilities of a sampled token differ between the engines.

    Why: as with `engines-disagree`.
    False alarm: a mean below 0.05 is ordinary; single tokens differ by several nats in good health.
    Sources: slime: a test of its own fails above 0.1 (S); half of that (G).
    """

    code, name, severity = "ENG02", "engine-log-probabilities-apart", INFO
    methods = GENERATING
    about = "logp_diff_mean"
    nats = param(0.05, "nats per token")
    far = param(0.1, "nats per token that make it a warning")
    when = (count(metric("logp_diff_mean")) >= 5) & sustained(absolute(difference) > nats, 5)
    escalates = {WARNING: absolute(difference) > far}
    shows = {"difference": difference}
    says = "log-probabilities of the two engines differ by {difference:.3f} nats per token since step {onset}"
    do = EnginesDisagree.do
    follows = ("ENG01",)


class ProbabilitiesApart(Rule):
    """The probabilities of a sampled token differ between the engines.

    Why: as with `engines-disagree`; it shows as a gradient norm that rises all along.
    False alarm: none is known at this size.
    Sources: verl's questions and answers: below 0.005 is normal, above 0.01 a mismatch of precision (D).
    """

    code, name, severity = "ENG03", "engine-probabilities-apart", WARNING
    methods = GENERATING
    about = "prob_diff_mean"
    share = param(0.01, "difference of probabilities")
    when = (count(metric("prob_diff_mean")) >= 5) & sustained(chance > share, 5)
    shows = {"difference": chance}
    says = "probabilities of the two engines differ by {difference:.3f} on average since step {onset}"
    do = EnginesDisagree.do
    follows = ("ENG01", "ENG02")


class ImportanceRatioOff(Rule):
    """The weights that correct for the gap between the engines are far from one.

    Why: the engines disagree, or the samples are old.
    False alarm: a mean over truncated weights stands a little below one by construction.
    Sources: verl: alert outside 0.5 to 2 (D); healthy 0.95 to 1.05, remarked on outside 0.9 to 1.1 (G).
    """

    code, name, severity = "ENG04", "importance-ratio-off", INFO
    methods = GENERATING
    about = "is_ratio_mean"
    away = param(0.1, "distance from 1")
    least = param(0.5, "ratio below which it is a warning")
    most = param(2, "ratio above which it is a warning")
    when = (count(metric("is_ratio_mean")) >= 5) & sustained(absolute(weight - 1) > away, 5)
    escalates = {WARNING: (weight < least) | (weight > most)}
    shows = {"ratio": weight}
    says = "the importance ratio between the engines is {ratio:.2f} on average, not 1"
    do = (check_sync, correct, fresher)
    follows = ("ENG01", "ENG02")


class FewSamplesCount(Rule):
    """Corrected for the gap between the engines, few of the samples count.

    Why: a few large weights outweigh all the others: the gap is larger than a correction can mend.
    False alarm: none is known at this size.
    Sources: verl: alert below an effective sample size of 0.3 (D).
    """

    code, name, severity = "ENG05", "effective-sample-small", WARNING
    methods = GENERATING
    about = "ess"
    share = param(0.3, "effective share of the samples")
    size = ema(metric("ess"), 10)
    when = (count(metric("ess")) >= 5) & sustained(size < share, 5)
    shows = {"size": size}
    says = "after correction only {size:.0%} of the samples count, since step {onset}"
    do = (check_sync, fresher, same_precision)
    follows = ("ENG01", "ENG02", "ENG04")


class SamplesThrownAway(Rule):
    """Many samples are left out because the engines disagree about them.

    Why: the gap between the engines is large for whole answers, above all for long ones.
    False alarm: a filter that was set strictly on purpose.
    Sources: verl: alert above a tenth (D).
    """

    code, name, severity = "ENG06", "samples-thrown-away", WARNING
    methods = GENERATING
    about = "filtered_frac"
    share = param(0.1, "share of the samples")
    lost = ema(metric("filtered_frac"), 10)
    when = (count(metric("filtered_frac")) >= 5) & sustained(lost > share, 5)
    shows = {"lost": lost}
    says = "{lost:.0%} of the samples are left out since step {onset}, because the engines disagree about them"
    do = (check_sync, same_precision, fresher)
    follows = ("ENG01", "ENG02", "ENG04")


class MultiplicativeError(Rule):
    """The ratio of the engines' probabilities, taken in either direction, rises above one.

    Why: the weights do not reach the generating engine whole.
    False alarm: single spikes come from single tokens; an average is compared.
    Sources: NeMo-RL: up to 1.02 is usual, above 1.05 it keeps the batch for inspection (D, S).
    """

    code, name, severity = "ENG07", "weights-not-synchronised", INFO
    methods = GENERATING
    about = "mult_prob_error"
    usual = param(1.02, "ratio")
    far = param(1.05, "ratio that makes it a warning")
    when = (count(metric("mult_prob_error")) >= 5) & sustained(error > usual, 5)
    escalates = {WARNING: error > far}
    shows = {"error": error}
    says = "the engines' probabilities are a factor of {error:.3f} apart since step {onset}"
    do = (check_sync, same_precision)
    follows = ("ENG01",)


class SamplesOld(Rule):
    """The samples that are trained on come from a policy of several steps ago.

    Why: generation runs far ahead of training.
    False alarm: with a correction for the ratio a few steps are harmless.
    Sources: TRL: at most 4 (S); prime-rl: at most 8 (S).
    """

    code, name, severity = "ENG08", "samples-old", INFO
    methods = GENERATING
    about = ("staleness_mean", "staleness_max")
    steps = param(4, "policy versions on average")
    oldest = param(8, "policy versions on average that make it a warning; twice as many for the oldest")
    age = ema(metric("staleness_mean"), 10)
    worst = ema(metric("staleness_max"), 10)
    when = sustained((age > steps) | (worst > 2 * oldest), 5)
    escalates = {WARNING: (age > oldest) | (worst > 4 * oldest)}
    says = "samples are several policies old ({metric} is {value:.1f}) since step {onset}"
    do = (fresher, correct)


RULES = (
    EnginesDisagree,
    LogProbabilitiesApart,
    ProbabilitiesApart,
    ImportanceRatioOff,
    FewSamplesCount,
    SamplesThrownAway,
    MultiplicativeError,
    SamplesOld,
)
