"""The learning rate, against what is usual for the method."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.config.check import CRITICAL, INFO, WARNING, NotJudgeable, SaysItself, SettingCheck, limit, shown
from barograph.config.plan import Plan
from barograph.core.finding import Finding
from barograph.core.methods import Method
from barograph.rules.usual import RATES, Span

__all__ = ["CHECKS"]

#: Rates above what is usual that a trainer comes with: a remark at most.
SHIPPED = {Method.REWARD: 1e-4}


class _Rate(SettingCheck):
    """What both checks have in common."""

    methods = frozenset(RATES)
    about = "learning_rate"

    def usual(self, plan: Plan) -> Span:
        """From the lowest to the highest usual rate; adapters count where nobody says whether there is one."""
        rates = plan.rates
        if rates is None:
            raise NotJudgeable(f"no rates are known for {plan.method.value}")
        if plan.is_adapter is None:
            return Span(rates.full.low, rates.adapters.high)
        return rates.adapters if plan.is_adapter else rates.full


class RateHigh(_Rate):
    """A learning rate above what is usual for the method, for the whole model or for an adapter.

    Why: a rate for supervised tuning, or for adapters, was carried over. Preferences are learned at rates ten to a
    hundred times lower; above them the model forgets how to write within some dozen steps, and the loss looks well
    meanwhile.
    False alarm: models of less than half a billion weights bear more, and so do settings that were healthy before.
    Sources: the ranges by which runs are judged, each with its sources, in `rules/usual.py` [P, D, S]; how far beyond
    is worth a warning is ours [G].
    """

    code, name = "CFG03", "rate-high"
    says = "{setting} is {value}, {times} times the most that is usual for {method}{kind}: {low} to {high}"
    do = ("Set {setting} to {high} or less",)
    warns_from = limit(3.0, "times the highest usual rate from which it is more than a remark")
    grave_from = limit(30.0, "times the highest usual rate from which it is critical")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        rate, usual = plan.need("learning_rate"), self.usual(plan)
        if rate <= usual.high:
            if plan.is_adapter is None and plan.rates and rate > self.warns_from * plan.rates.full.high:
                yield self._if_whole(plan, rate, plan.rates.full)
            return
        times = rate / usual.high
        severity = CRITICAL if times > self.grave_from else WARNING if times > self.warns_from else INFO
        if not plan.is_tiny and rate <= SHIPPED.get(plan.method, 0.0):
            severity = INFO
        yield self.found(plan, severity, told=_words(plan, usual), times=times)

    def _if_whole(self, plan: Plan, rate: float, full: Span) -> Finding:
        """Right for an adapter and far too high for a whole model, and nobody says which it is."""
        kind = f" if the whole model is trained{_toy(plan)}"
        told = {"kind": kind, "low": shown(full.low), "high": shown(full.high)}
        return self.found(plan, INFO, told=told, times=rate / full.high)


class RateLow(_Rate):
    """A learning rate below what is usual for the method.

    Why: a slip in the exponent, or a rate for the whole model that is used for an adapter, which bears ten times as
    much; the model hardly moves, and hours pass before anybody sees it.
    False alarm: very long runs, and cautious ones. It warns only below a fifth of what is least for the whole model.
    Sources: as for CFG03; the fifth is that of RATE03 [G].
    """

    code, name = "CFG04", "rate-low"
    says = "{setting} is {value}, {times} times less than the least that is usual for {method}{kind}: {low} to {high}"
    do = ("Set {setting} to {low} or more",)
    warns_from = limit(5.0, "times below the lowest usual rate for the whole model from which it is more than a remark")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        rate, usual = plan.need("learning_rate"), self.usual(plan)
        if not 0 < rate < usual.low or plan.rates is None:
            return
        severity = WARNING if rate * self.warns_from < plan.rates.full.low else INFO
        yield self.found(plan, severity, told=_words(plan, usual), times=usual.low / rate)


class CriticRate(SaysItself):
    """A critic that does not learn, or learns far too fast: its rate against that of the policy, and its loss's weight.

    Why: without a critic that keeps up, advantages are noise; with one that jumps, its loss explodes and takes the
    policy with it where both share a body.
    False alarm: a critic that is frozen on purpose, or one with a head of its own, which bears a hundred times the
    rate.
    Sources: OpenRLHF 9e-6 beside a policy at 1e-6, verl 1e-5 beside 1e-6 [S]; the limits [G].
    """

    code, name = "CFG05", "critic-rate"
    methods = frozenset({Method.PPO})
    about = "value_learning_rate"
    most = limit(1000.0, "times the rate of the policy that the critic's may be")
    least = limit(0.1, "times the rate of the policy that the critic's should be")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        weight = plan.called("value_weight")
        if plan.number("value_weight") == 0:
            what = f"{weight} is 0: the critic learns nothing"
            yield self.say(plan, what, f"Set {weight} to 0.1 to 0.5", about="value_weight")
            return
        rate, policy = plan.need("value_learning_rate"), plan.need("learning_rate")
        if plan.rates:  # If the policy's own rate is off, that is told elsewhere.
            policy = min(max(policy, plan.rates.full.low), plan.rates.adapters.high)
        setting = plan.called("value_learning_rate")
        remedy = f"Set {setting} to {shown(policy)} to {shown(100 * policy)}, 1 to 100 times the rate of the policy"
        if rate == 0:
            yield self.say(plan, f"{setting} is 0: the critic learns nothing", remedy)
        elif not self.least <= rate / policy <= self.most:
            what = f"{setting} is {shown(rate)}, {shown(rate / policy)} times a rate for the policy"
            yield self.say(plan, what, remedy, CRITICAL if rate > self.most * policy else INFO)


def _words(plan: Plan, usual: Span) -> dict[str, str]:
    kind = {True: " with adapters", False: "", None: ", adapters included"}[plan.is_adapter]
    return {"kind": kind + _toy(plan), "low": shown(usual.low), "high": shown(usual.high)}


def _toy(plan: Plan) -> str:
    return " in a model as small as this" if plan.is_tiny else ""


CHECKS: tuple[type[SettingCheck], ...] = (RateHigh, RateLow, CriticRate)
