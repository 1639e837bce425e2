"""What is optimised: the weight of the reference, the loss, the weights of the classes."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.config.check import CRITICAL, INFO, WARNING, NotJudgeable, SaysItself, SettingCheck, limit, shown
from barograph.config.plan import Plan
from barograph.core.finding import Finding
from barograph.core.methods import GENERATING, ONLINE, PREFERENCE, Method
from barograph.rules.usual import Span, usual_beta

__all__ = ["CHECKS"]

#: Losses without a reference, whose beta scales a mean over tokens.
OF_TOKENS = frozenset({"simpo", "alphapo"})
#: Losses in which beta is a step size, and smaller by orders.
SMALL = frozenset({"sppo_hard"})


class BetaUnusual(SettingCheck):
    """A weight of the reference (beta, or the coefficient of the KL) outside of what is usual.

    Why: with a small beta the policy may go as far as it likes, and learns to hack the objective; with a large one it
    may not move at all, and margins stay where they began.
    False alarm: papers with a loss of their own. Online methods do without a KL where a rule gives the reward.
    Sources: DPO guide: 0.01 is free, 0.5 strict [D]; SimPO 2 to 10, a mean over tokens [P]; SPPO 0.001 [P]; GRPO in TRL
    0, in DeepSeekMath 0.04 [S, P]; how far outside is worth a warning is ours [G].
    """

    code, name = "CFG09", "beta-unusual"
    methods = PREFERENCE | GENERATING
    about = "beta"
    says = "{setting} is {value}; {low} to {high} is usual: {means}"
    do = ("Set {setting} between {low} and {high}",)
    far = limit(5.0, "times outside of what is usual from which it is a warning")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        beta, usual = plan.need("beta"), self.usual(plan)
        if beta == 0 and plan.method in ONLINE:
            if plan.method is Method.PPO:
                told = {"low": "0.01", "high": shown(usual.high), "means": "nothing holds the policy near its start"}
                yield self.found(plan, INFO, told=told)
            return
        if usual.low <= beta <= usual.high:
            return
        is_small = beta < usual.low
        times = (usual.low / beta if beta else float("inf")) if is_small else beta / usual.high
        means = "the policy may go where it likes" if is_small else "the policy may hardly move"
        severity = WARNING if times > self.far else INFO
        yield self.found(plan, severity, told={"low": shown(usual.low), "high": shown(usual.high), "means": means})

    def usual(self, plan: Plan) -> Span:
        losses = set(plan.words("loss_type"))
        if losses & OF_TOKENS:
            return Span(1.0, 10.0)
        if losses & SMALL:
            return Span(0.001, 0.5)
        return usual_beta(plan.method)


class LossAtOdds(SaysItself):
    """A loss beside a setting that it needs otherwise.

    Why: `exo_pair` has no finite value without label smoothing; smoothing of a half takes every label for noise; SimPO
    with CPO's likelihood term is another method, and TRL's usual `cpo_alpha` is 1.
    False alarm: SimPO with a likelihood term on purpose, which is told as a remark.
    Sources: EXO paper: smoothing 0.001 [P]; TRL, CPO trainer: SimPO needs `cpo_alpha` 0 [D]; the rest is arithmetic
    [M].
    """

    code, name = "CFG10", "loss-at-odds"
    methods = PREFERENCE
    about = "loss_type"

    def findings(self, plan: Plan) -> Iterator[Finding]:
        losses, smoothing = set(plan.words("loss_type")), plan.number("label_smoothing")
        setting = plan.called("label_smoothing")
        if "exo_pair" in losses and not smoothing:
            what = f"exo_pair without {setting} has no finite value"
            yield self.say(plan, what, f"Set {setting} to 0.001", CRITICAL)
        if smoothing is not None and smoothing >= 0.5:
            what = f"{setting} is {shown(smoothing)}: if half of the labels are wrong, none tells anything"
            yield self.say(plan, what, f"Set {setting} to the share of labels that are wrong, as 0.1", CRITICAL)
        alpha, name = plan.number("cpo_alpha"), plan.called("cpo_alpha")
        if losses & OF_TOKENS and alpha is not None and alpha > 0:
            what = f"SimPO with {name} {shown(alpha)} adds a likelihood term that the paper does not have"
            yield self.say(plan, what, f"Set {name} to 0 for SimPO as it was published", INFO)


class KTOWeights(SaysItself):
    """KTO's weights against the numbers of good and bad examples.

    Why: the two losses pull against each other; weights times numbers should stand in a ratio of 1 to 4/3, or the rarer
    class is drowned and both drift the same way.
    False alarm: weights that follow a balance which the data given here do not show.
    Sources: KTO paper and the documentation of TRL's KTO trainer [P, D]; the limit for a warning is that of DATA28 [G].
    """

    code, name = "CFG11", "kto-weights"
    methods = frozenset({Method.KTO})
    about = "desirable_weight"
    lowest = limit(1.0, "ratio of good to bad, weights counted, that is right at least")
    highest = limit(4 / 3, "the same at most")
    far = limit(2.0, "so many times outside of it from which it is a warning")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        for name in ("desirable_weight", "undesirable_weight"):
            if plan.number(name) == 0:
                kind = "good" if name == "desirable_weight" else "bad"
                what = f"{plan.called(name)} is 0: nothing is learned from {kind} answers"
                yield self.say(plan, what, f"Set {plan.called(name)} above 0", CRITICAL, name)
                return
        good, bad = plan.number("good"), plan.number("bad")
        if not good or not bad:
            raise NotJudgeable("the numbers of good and bad examples are not known")
        weights = plan.number("desirable_weight"), plan.number("undesirable_weight")
        if weights == (None, None) and plan.is_on("weights_are_found"):
            return
        of_good, of_bad = (1.0 if weight is None else weight for weight in weights)
        ratio = of_good * good / (of_bad * bad)
        if self.lowest <= ratio <= self.highest:
            return
        # The weight of the weaker side is raised, the other stays.
        if ratio < self.lowest:
            name, off = "desirable_weight", self.lowest / ratio
            low, high = self.lowest * of_bad * bad / good, self.highest * of_bad * bad / good
        else:
            name, off = "undesirable_weight", ratio / self.highest
            low, high = of_good * good / bad / self.highest, of_good * good / bad / self.lowest
        what = (
            f"{good:,.0f} good and {bad:,.0f} bad examples with weights of {shown(of_good)} and {shown(of_bad)}: a "
            f"ratio of {ratio:.2f} where KTO wants 1 to 1.33"
        )
        remedy = f"Set {plan.called(name)} between {low:.2f} and {high:.2f}"
        yield self.say(plan, what, remedy, WARNING if off >= self.far else INFO, name)


CHECKS: tuple[type[SettingCheck], ...] = (BetaUnusual, LossAtOdds, KTOWeights)
