"""The margin: by how much the chosen answer is preferred to the rejected one."""

from __future__ import annotations

from barograph.core.methods import IMPLICIT_REWARD, PAIRED, PREFERENCE, Method
from barograph.core.names import EVAL
from barograph.rules.advice import (
    advise,
    check_data,
    check_labels,
    check_reference,
    check_trainable,
    cut_lr,
    earlier_checkpoint,
    raise_beta,
    raise_lr,
    revert,
    stop,
)
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.rules.series import (
    accuracy,
    chosen,
    chosen_nats,
    kto_kl,
    margin,
    margin_nats,
    own_beta,
    rejected,
    rejected_nats,
    steps_are_logged,
    unless,
)
from barograph.signals.words import (
    after,
    after_warmup,
    before,
    count,
    delta,
    ema,
    fact,
    first,
    highest,
    maximum,
    metric,
    minimum,
    noise,
    settled,
    step,
    streak,
    sustained,
)

recent = ema(margin, 5)
slow = ema(margin, share=0.05)


class NothingTrains(Rule):
    """Margin and rewards are exactly zero, row after row.

    Why: the policy is the reference: no parameter is trainable, the adapter is not attached, every label is masked
    away, or the reference is the very object that is being updated.
    False alarm: the first rows of a warm-up that starts at a rate of zero; five rows are waited for.
    Sources: TRL issue 1311; ETO issue 14 (I); definition of the implicit reward (M).
    """

    code, name, severity = "PREF01", "nothing-trains", CRITICAL
    methods = IMPLICIT_REWARD
    about = ("reward_margin", "reward_chosen")
    patience = param(5, "rows in a row")
    tiny = param(1e-6, "reward that counts as exactly zero")
    when = after(share=0.03, steps=10) & sustained((abs(chosen) < tiny) & (abs(rejected) < tiny), patience, share=0.02)
    says = "the rewards are exactly 0 for {rows}: the policy does not move away from its reference"
    do = (
        stop("nothing is being trained"),
        check_trainable,
        advise("Look at one tokenised example: are labels masked?"),
    )
    may_act = True
    follows = ("RATE01", "NUM01")
    forgiven_after = 0.2


class StartsAwayFromReference(Rule):
    """Both rewards are far from zero, on the same side, in the very first rows.

    Why: rewards compare with the reference, so they begin at zero if training starts from it. They do not when the
    reference is another checkpoint, dropout is on in it, the adapter is not switched off for it, or the template or
    precision differ. A wildly high learning rate does the same within a few steps.
    False alarm: the log begins late, after a resume or with long logging intervals.
    Sources: definition of the implicit reward (M); TRL issue 1236 (I); 20 nats (G).
    """

    code, name, severity = "PREF02", "starts-away-from-reference", WARNING
    methods = IMPLICIT_REWARD
    about = ("reward_chosen", "reward_rejected")
    nats = param(20, "nats per sequence on the same side, for both answers")
    steps = param(10, "last step that counts as the beginning")
    exact = param(5, "nats per sequence that are too many in the row of step 1, before any update")
    kl = param(1.0, "nats of KTO's own estimate that are too many in the row of step 1")
    shared = maximum(minimum(chosen_nats, rejected_nats), minimum(-chosen_nats, -rejected_nats))
    # Before the first update both are exactly zero, if all is well; later rows no longer tell.
    moved = maximum(abs(chosen_nats), abs(rejected_nats))
    at_once = (step() <= 1) & ((moved > exact) | ((moved > 0.1) & (moved > 0.05 * abs(metric("logp_chosen")))))
    # KTO's estimate compares answers to other prompts: it is zero as well before the first update.
    apart = (step() <= 1) & (kto_kl > kl)
    when = steps_are_logged & (step() <= steps) & (count(chosen) <= 1) & ((shared > nats) | at_once | apart)
    shows = {"chosen": chosen, "rejected": rejected}
    says = (
        "at step {step} the rewards are already {chosen:.2f} and {rejected:.2f}: the reference is not the start policy"
    )
    do = (check_reference, cut_lr())


class MarginInverted(Rule):
    """The margin is negative: rejected answers are preferred to chosen ones.

    Why: chosen and rejected are swapped, the template or truncation cuts off what differs, or the steps are so large
    that the model runs away in the wrong direction.
    False alarm: around zero the margin is noise; only a mean well below the scatter of the rows counts.
    Sources: KTO guide: after the warm-up, stop and revert (D); DPO guide (D); four standard errors (G).
    """

    code, name, severity = "PREF03", "margin-inverted", CRITICAL
    methods = IMPLICIT_REWARD
    about = "reward_margin"
    patience = param(10, "steps that it must last")
    errors = param(4.0, "standard errors below zero")
    least = param(0.2, "nats per sequence below zero that matter")
    plain = param(2.0, "nats per sequence below zero that matter when it has only ever fallen")
    # Over five rows this average has a standard error of 0.45 of the scatter.
    below = (recent < -errors * 0.45 * noise(margin, 30)) & (ema(margin_nats, 5) < -least) & (count(margin) >= 8)
    # Few rows allow no such reckoning; but three that only ever fall, far below zero, tell the same.
    never_rose = (streak(delta(margin) < 0) >= count(margin) - 1) & (count(margin) >= 3) & (margin_nats < -plain)
    when = after_warmup() & (
        sustained(below, 4, steps=patience, share=0.03) | (never_rose & sustained(margin < 0, 2, steps=patience))
    )
    shows = {"margin": recent}
    says = "the margin is negative since step {onset}, now {margin:.3f}: the model learns the preferences backwards"
    do = (
        stop(),
        revert(),
        cut_lr(),
        check_labels,
        advise("Check that max_length does not cut off where answers differ"),
    )
    may_act = True
    follows = ("KTO03", "MOVE04", "NUM01")
    forgiven_after = 0.5


class MarginFlat(Rule):
    """The margin stays at zero while a good part of the run goes by.

    Why: the learning rate is too low, the answers of a pair hardly differ, or beta is far too small for the rate.
    False alarm: a method of small steps by design; compare with the accuracy.
    Sources: KTO guide, DPO guide (D); half a nat (G).
    """

    code, name, severity = "PREF04", "margin-flat", WARNING
    methods = IMPLICIT_REWARD
    about = "reward_margin"
    nats = param(0.5, "nats per sequence that still count as zero (0.05 at beta 0.1)")
    begins = param(0.33, "share of the run after which it is judged")
    steps = param(50, "steps after which it is judged when the run's length is unknown")
    when = after(share=begins, steps=steps) & sustained(abs(ema(margin_nats, share=0.05)) < nats, 3, share=0.1)
    shows = {"margin": slow, "chosen": ema(chosen, 5), "rejected": ema(rejected, 5)}
    says = "the margin is {margin:.4f} at step {last_step}: the preferences are not being learned"
    do = (raise_lr, check_data, check_trainable)
    follows = ("PREF01", "RATE01", "RATE03", "GRAD04", "LOSS01")
    forgiven_after = 0.2


class MarginShrinking(Rule):
    """The margin had been reached and is being lost again.

    Why: the learning rate is too high for how far the run has come, or the later data contradicts the earlier.
    False alarm: a reference that is synchronised on purpose makes the margin fall at each synchronisation; where the
    settings say so (sync_ref_model) nothing is said.
    Sources: practice (G).
    """

    code, name, severity = "PREF05", "margin-shrinking", WARNING
    methods = PREFERENCE
    about = "reward_margin"
    kept = param(0.5, "share of its best that must remain")
    best = highest(settled(slow, 10))
    when = (
        after(share=0.2, steps=40)
        & (fact("reference_follows") <= 0)
        & sustained((slow < kept * best) & (best - slow > 3 * noise(margin, 20)), 3, share=0.1)
    )
    shows = {"margin": slow, "best": best}
    says = "the margin has fallen from {best:.3f} to {margin:.3f}"
    do = (revert(), cut_lr(), check_data)
    follows = ("NUM01", "MOVE04", "PREF03")


class MarginTooLarge(Rule):
    """The margin is so large that the chosen answer has long won: over-optimisation.

    Why: too many epochs, too high a rate or too small a beta. The sigmoid is saturated; what still moves is the
    distance from the reference.
    False alarm: long answers collect many nats; compare per token where lengths are known.
    Sources: KTO guide: above 5 (D); TRL issue 1236: 13 to 23 (I); over-optimisation, arXiv 2406.02900 (P); nats (G).
    """

    code, name, severity = "PREF06", "margin-too-large", WARNING
    methods = IMPLICIT_REWARD
    about = "reward_margin"
    nats = param(100, "nats per sequence; times beta, that is a margin", by_method={Method.KTO: 50})
    far = param(200, "nats per sequence that make it critical")
    units = param(1e9, "reward units, whatever beta is", guide=5)
    when = sustained((ema(margin_nats, 5) > nats) | (recent > units), 2) | (margin_nats > far)
    escalates = {CRITICAL: ema(margin_nats, 3) > far}
    shows = {"margin": margin, "distance": margin_nats}
    says = "the margin is {margin:.1f}, {distance:.0f} nats per answer: the pairs are overfitted"
    do = (stop("more training only harms"), earlier_checkpoint, cut_lr(), raise_beta)


class ConfidenceTiny(Rule):
    """The ranking is nearly always right, but by a hair.

    Why: the run has only begun to separate the answers: more steps or a higher rate would help.
    False alarm: the start of a healthy run looks the same; it is judged after a third of the run.
    Sources: DPO guide (D); levels (G).
    """

    code, name, severity = "PREF07", "accurate-by-a-hair", INFO
    methods = PAIRED & IMPLICIT_REWARD
    about = ("reward_margin", "reward_accuracy")
    right = param(0.8, "accuracy that counts as high")
    nats = param(1.0, "nats per sequence that count as a hair")
    when = after(share=0.33, steps=50) & sustained((ema(accuracy, 5) > right) & (ema(margin_nats, 5) < nats), 3)
    shows = {"accuracy": ema(accuracy, 5), "margin": recent}
    says = "the accuracy is {accuracy:.2f} but the margin only {margin:.4f}: ranked rightly, with no confidence"
    do = (raise_lr, advise("Train longer"))


class MarginUnsteady(Rule):
    """The margin jumps up and down by as much as it has grown.

    Why: the learning rate is too high or the batch too small.
    False alarm: logs of every step with a handful of pairs each; the average may still rise steadily.
    Sources: KTO guide: unstable metrics, halve the rate (D); its own level (G).
    """

    code, name, severity = "PREF08", "margin-unsteady", INFO
    severity_for = {Method.KTO: WARNING}
    methods = IMPLICIT_REWARD
    about = "reward_margin"
    part = param(1.5, "scatter from row to row, as a share of the margin itself")
    nats = param(5, "nats per sequence of scatter that matter")
    #: What the held-out pairs gain meanwhile is worth some scatter.
    improves = metric("reward_margin", EVAL) >= 0.95 * highest(metric("reward_margin", EVAL))
    wild = (
        unless(improves, beside=margin)
        & (noise(margin, 20) > part * abs(ema(margin, 20)))
        & (noise(margin_nats, 20) > nats)
    )
    when = after(share=0.4, steps=60) & sustained(wild, 10, share=0.05)
    shows = {"margin": ema(margin, 20), "jump": noise(margin, 20)}
    says = "the margin jumps by {jump:.2f} from row to row around {margin:.2f}"
    do = (cut_lr(), advise("Enlarge the batch, or accumulate gradients"))
    follows = ("KTO03", "NUM01", "KTO04", "PREF03", "LOSS02")


class BetaTiny(Rule):
    """Beta is far below every usual value, so that hardly anything holds the policy near the reference.

    Why: a slip of the decimal point; or a value of another loss, in which beta means something else.
    False alarm: losses that scale their rewards otherwise.
    Sources: DPO guide: 0.01 to 0.5 (D); arXiv 2305.18290, 2402.01306: 0.01 to 1 (P); limit (G).
    """

    code, name, severity = "PREF09", "beta-tiny", WARNING
    methods = frozenset({Method.DPO, Method.KTO})
    about = "reward_margin"
    least = param(0.002, "beta that anybody uses")
    when = (own_beta < least) & (step() >= 0)
    shows = {"beta": own_beta}
    says = "beta is {beta:g}; 0.01 to 0.5 is usual"
    do = (advise("Set beta between 0.01 and 0.5"),)
    rearm = 1.0


class BetaHuge(Rule):
    """Beta is far above every usual value, so that single answers saturate the loss and the others count for nothing.

    Why: a slip of the decimal point; or a value of another loss: SimPO and CPO use 2 to 10.
    False alarm: losses that scale their rewards otherwise.
    Sources: as for `beta-tiny`.
    """

    code, name, severity = "PREF10", "beta-huge", WARNING
    methods = BetaTiny.methods
    about = "reward_margin"
    most = param(10, "beta that anybody uses")
    when = (own_beta > most) & (step() >= 0)
    shows = BetaTiny.shows
    says = BetaTiny.says
    do = BetaTiny.do
    rearm = 1.0


class MarginDoesNotRise(Rule):
    """Without a reference the margin begins anywhere; here it stays where it began.

    Why: the learning rate is too low, the weight of the preference term too small beside the likelihood term, or the
    answers of a pair hardly differ.
    False alarm: answers that the model tells apart well from the start.
    Sources: ORPO, arXiv 2403.07691: the log odds grow (P); two standard errors (M).
    """

    code, name, severity = "PREF11", "margin-does-not-rise", WARNING
    methods = frozenset({Method.ORPO, Method.CPO})
    about = ("reward_margin", "log_odds")
    errors = param(2.0, "standard errors of a ten-row mean that count as a rise")
    odds = metric("log_odds")
    # The beginning and now are means over ten rows each: the error of their difference is 0.45 of the scatter.
    flat = ema(margin, 10) - first(margin, 10) < errors * 0.45 * noise(margin, 30)
    odds_flat = ema(odds, 10) - first(odds, 10) < errors * 0.45 * noise(odds, 30)
    of_margin = (count(margin) >= 20) & flat & (ema(accuracy, 20) < 0.9)
    of_odds = (count(odds) >= 20) & odds_flat & (ema(accuracy, 20) < 0.9)
    when = after(share=0.5, steps=100) & sustained(of_margin | of_odds, 5, share=0.1)
    shows = {"margin": ema(margin, 10), "start": first(margin, 10)}
    says = "the margin is {margin:.4f} at step {last_step} and was {start:.4f} at the start: it does not rise"
    do = (raise_lr, advise("Raise beta (the weight of the preference term)"), check_data)
    follows = ("RATE01", "RATE03", "GRAD04")


class FarFromReferenceEarly(Rule):
    """The policy is many nats from its reference before a quarter of the run is over.

    Why: beta is too small to hold it, or the learning rate too high; margins may still look small in reward units.
    False alarm: very long answers, which collect nats by their length.
    Sources: beta of 0.5 for summaries, arXiv 2305.18290 (P); nats (G).
    """

    code, name, severity = "PREF12", "far-from-reference-early", INFO
    methods = IMPLICIT_REWARD
    about = ("reward_rejected", "reward_chosen")
    nats = param(50, "nats per sequence")
    far = param(150, "nats per sequence that make it a warning")
    until = param(0.25, "share of the run that counts as early")
    away = maximum(abs(ema(chosen_nats, 5)), abs(ema(rejected_nats, 5)))
    when = before(share=until, steps=50) & sustained(away > nats, 3)
    escalates = {WARNING: away > far}
    shows = {"away": away}
    says = "the policy is {away:.0f} nats per answer from its reference as early as step {step}"
    do = (raise_beta, cut_lr())
    follows = ("PREF02", "LIK05", "PREF06", "PREF09", "NUM01")


RULES = (
    NothingTrains,
    StartsAwayFromReference,
    MarginInverted,
    MarginFlat,
    MarginShrinking,
    MarginTooLarge,
    ConfidenceTiny,
    MarginUnsteady,
    BetaTiny,
    BetaHuge,
    MarginDoesNotRise,
    FarFromReferenceEarly,
)
