"""How answers are drawn: where that is not from the policy itself, the KL may be measured below zero."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.config.check import CRITICAL, INFO, WARNING, NotJudgeable, SaysItself, SettingCheck, limit, shown
from barograph.config.plan import Plan
from barograph.core.finding import Finding
from barograph.core.methods import GENERATING, Method

__all__ = ["CHECKS"]


class SamplingNarrowed(SettingCheck):
    """Answers that are drawn from the likeliest tokens only (top-k, top-p, min-p), or not purely for repeating less.

    Why: the KL compares what the policy and its start make of tokens that the policy drew. Where they are drawn from a
    narrowed choice, the policy gains by spreading its probability over what can never be drawn: the estimate falls
    below zero, and as the reward is lessened by beta times the KL, that pays better than the task.
    False alarm: without a KL in the objective it is a remark, for then only the ratios of old to new are a little off.
    Sources: RLHF FAQ: top-k makes the KL negative [D]; Lite PPO trains with top-k 100 and top-p 0.99 without a KL [P].
    """

    code, name = "CFG16", "sampling-narrowed"
    methods = GENERATING
    about = "top_k"
    says = "answers are drawn with {how}, so not from the policy itself: {means}"
    do = ("Draw purely: {pure}",)
    mild_p = limit(0.99, "top-p from which on it is a remark")
    mild_k = limit(100.0, "top-k from which on it is a remark")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        k, p, least, again = (plan.number(name) for name in ("top_k", "top_p", "min_p", "repetition_penalty"))
        narrowed = {
            "top_k": k is not None and k > 0,
            "top_p": p is not None and p < 1,
            "min_p": least is not None and least > 0,
            "repetition_penalty": again is not None and again != 1,
        }
        if all(plan.number(name) is None for name in narrowed):
            raise NotJudgeable("how answers are drawn is not said")
        found = [name for name, is_so in narrowed.items() if is_so]
        if not found:
            return
        mild = {"top_k": (k or 0) >= self.mild_k, "top_p": (p or 0) >= self.mild_p}
        is_mild = not plan.weighs_kl or all(mild.get(name, False) for name in found)
        pure = {"top_k": "0", "top_p": "1", "min_p": "0", "repetition_penalty": "1"}
        told = {
            "how": ", ".join(f"{plan.called(name)} {shown(plan.number(name))}" for name in found),
            "means": "the KL may be measured below zero, and that pays"
            if plan.weighs_kl
            else "ratios are a little off",
            "pure": ", ".join(f"{plan.called(name)} {pure[name]}" for name in found),
        }
        yield self.found(plan, INFO if is_mild else WARNING, about=found[0], told=told)


class EndHeldBack(SaysItself):
    """Answers that may not end when the policy would end them: a least length, or an end that is ignored.

    Why: until the least length the end cannot be drawn, so that the policy may give it all probability and everything
    else next to none: the KL falls below zero. Where the end is ignored, what follows it is trained on as well.
    False alarm: none known in a training; for measuring speed both are usual.
    Sources: RLHF FAQ: min_length makes the KL negative [D].
    """

    code, name = "CFG17", "end-held-back"
    methods = GENERATING
    about = "min_length"

    def findings(self, plan: Plan) -> Iterator[Finding]:
        least = plan.number("min_length")
        if least is not None and least > 0:
            setting = plan.called("min_length")
            what = f"{setting} is {least:g}: until then the end cannot be drawn, and the KL may be measured below zero"
            yield self.say(plan, what, f"Leave {setting} out, and reward length instead")
        if plan.is_on("ignore_eos"):
            setting = plan.called("ignore_eos")
            what = f"{setting} is on: answers go on behind their end, and that is trained on"
            yield self.say(plan, what, f"Set {setting} to false", about="ignore_eos")


class PaddedOnTheRight(SettingCheck):
    """Prompts that are padded on the right where answers are drawn.

    Why: the answer is then drawn behind padding, from states of tokens that mean nothing; and the policy may learn to
    give padding next to no probability, by which the KL falls below zero.
    False alarm: a trainer that turns the side itself, as those of TRL do.
    Sources: RLHF FAQ: padding in batched generation [D]; transformers warns of it when it generates [S].
    """

    code, name = "CFG18", "padded-on-the-right"
    methods = GENERATING
    about = "padding_side"
    says = "{setting} is {value}: answers are drawn behind padding"
    do = ("Set {setting} to left",)

    def findings(self, plan: Plan) -> Iterator[Finding]:
        if plan.text("padding_side").lower() == "right":
            yield self.found(plan)


class TemperatureUnusual(SettingCheck):
    """A temperature of zero, or one far from 1, where answers are drawn to be learned from.

    Why: at zero all answers of a group are the same, so none is better than the others. Far from 1 the answers are not
    those of the policy, unless log-probabilities are taken at the same temperature.
    False alarm: TRL, verl and OpenRLHF divide the logits by the temperature where they train, too.
    Sources: 0.7 to 1.0 is usual, the same in sampling and in training [D, S]; limits [G].
    """

    code, name = "CFG19", "temperature-unusual"
    methods = GENERATING
    about = "temperature"
    says = "{setting} is {value}: {means}"
    do = ("Set {setting} to 0.7 to 1.0",)
    lowest = limit(0.5, "temperature below which it is remarked")
    highest = limit(1.5, "temperature above which it is remarked")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        heat = plan.need("temperature")
        if heat == 0:
            yield self.found(plan, CRITICAL, told={"means": "all answers to a prompt are the same, and none is better"})
        elif heat < self.lowest:
            yield self.found(plan, INFO, told={"means": "answers to a prompt are nearly the same"})
        elif heat > self.highest:
            yield self.found(plan, INFO, told={"means": "answers are drawn that the policy would hardly give"})


class EntropyBonus(SettingCheck):
    """A weight of the entropy that is negative, or so large that it outweighs the reward.

    Why: a negative one is paid for being certain, and the policy collapses onto one answer; a large one is paid for
    noise.
    False alarm: methods that adapt the weight to a target.
    Sources: verl and OpenRLHF 0 to 0.001, PPO paper 0.01 [S, P]; the limit [G].
    """

    code, name = "CFG20", "entropy-bonus"
    methods = frozenset({Method.PPO, Method.GRPO, Method.RLOO})
    about = "entropy_bonus"
    says = "{setting} is {value}: {means}"
    do = ("Set {setting} between 0 and 0.01",)
    most = limit(0.1, "weight above which it outweighs the reward")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        bonus = plan.need("entropy_bonus")
        if bonus < 0:
            yield self.found(plan, told={"means": "the policy is paid for being certain, and collapses"})
        elif bonus > self.most:
            yield self.found(plan, told={"means": "the policy is paid for noise more than for its answers"})


class ManyPasses(SettingCheck):
    """Many updates on the same answers before new ones are drawn.

    Why: with every pass the policy is further from the one that answered; the clip holds it, until most of what is
    trained on is clipped away.
    False alarm: small rates.
    Sources: PPO paper 3 to 10 passes on games [P]; TRL and our recipe 4, verl and OpenRLHF 1 [S]; limits [G].
    """

    code, name = "CFG21", "many-passes"
    methods = frozenset({Method.PPO, Method.GRPO, Method.RLOO})
    about = "num_iterations"
    says = "{setting} is {value}: the answers of a step are trained on {value} times; 1 to 4 is usual"
    do = ("Set {setting} to 1 to 4",)
    some = limit(4.0, "passes above which it is remarked")
    many = limit(10.0, "passes above which it is a warning")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        passes = plan.need("num_iterations")
        if passes > self.some:
            yield self.found(plan, WARNING if passes > self.many else INFO)


CHECKS: tuple[type[SettingCheck], ...] = (
    SamplingNarrowed, EndHeldBack, PaddedOnTheRight, TemperatureUnusual, EntropyBonus, ManyPasses,
)  # fmt: skip
