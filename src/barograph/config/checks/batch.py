"""How many examples make up an update, and how many answers a prompt has."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.config.check import CRITICAL, INFO, WARNING, NotJudgeable, SaysItself, SettingCheck, limit
from barograph.config.plan import Plan
from barograph.core.finding import Finding
from barograph.core.methods import PREFERENCE, Method
from barograph.rules.measures import KTO_BATCH

__all__ = ["CHECKS"]


class KTOBatch(SettingCheck):
    """Too few examples on a device for KTO, which compares the answers of a batch with each other.

    Why: the KL is estimated from answers that are shifted by one within the batch. With one example there is nothing to
    shift, and TRL refuses; with two or three the estimate is noise. Accumulation does not help.
    False alarm: none known.
    Sources: documentation of TRL's KTO trainer: at least 4 for each step, and 16 to 128 in all [D].
    """

    code, name = "CFG12", "kto-batch"
    methods = frozenset({Method.KTO})
    about = "per_device_batch"
    says = "{setting} is {value}: KTO needs {least} or more on each device"
    do = ("Set {setting} to {least} or more, and {accumulation} to less in return",)
    least = limit(KTO_BATCH, "examples on a device at least")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        batch = plan.need("per_device_batch")
        if batch < self.least:
            told = {"accumulation": plan.called("accumulation")}
            yield self.found(plan, CRITICAL if batch <= 1 else WARNING, told=told, least=self.least)


class BatchSmall(SettingCheck):
    """Few examples in an update, over all devices.

    Why: a preference is a noisy label; with a handful of them in an update the margin wanders.
    False alarm: toys, and small rates over long runs.
    Sources: DPO paper 64, Zephyr and Tulu 32 to 128, KTO documentation 16 to 128 [P, D]; the limit [G].
    """

    code, name, severity = "CFG13", "batch-small", INFO
    methods = PREFERENCE
    about = "per_device_batch"
    says = "an update has {batch} examples; 16 to 128 are usual for {method}"
    do = ("Set {accumulation} so that 16 or more examples make up an update",)
    least = limit(8.0, "examples in an update at least")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        if plan.batch is None or not plan.is_batch_sure:
            raise NotJudgeable("it is not known how many devices train together")
        if plan.batch < self.least and not plan.is_tiny:
            yield self.found(plan, told={"accumulation": plan.called("accumulation")}, batch=plan.batch)


class GroupSmall(SettingCheck):
    """Groups of one answer, in a method that compares the answers to a prompt with each other.

    Why: an answer is as good as the mean of its group where it is the only one: its advantage is zero, always.
    False alarm: RLOO and its kin with a baseline over the batch.
    Sources: GRPO and RLOO, by definition [M]; DeepSeekMath 64, TRL 8, DAPO 16 [P, S].
    """

    code, name, severity = "CFG14", "group-small", CRITICAL
    methods = frozenset({Method.GRPO, Method.RLOO})
    about = "group_size"
    says = "{setting} is {value}: {means}"
    do = ("Set {setting} to 8 or more",)
    least = limit(4.0, "answers to a prompt below which it is remarked")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        size = plan.need("group_size")
        if size < 2 and plan.method is Method.GRPO:
            yield self.found(plan, told={"means": "an answer that is compared with itself alone teaches nothing"})
        elif size < self.least and plan.method is Method.GRPO:
            means = "of so few answers the mean is noise, and often all have the same score"
            yield self.found(plan, INFO, told={"means": means})


class BatchDoesNotDivide(SaysItself):
    """Batches that are no whole number of groups, or of parts.

    Why: TRL refuses it when the training begins, in the evaluation too; verl stops with an assertion.
    False alarm: none known; where the number of devices is not known it is not judged.
    Sources: TRL's GRPO arguments: the answers that are generated at once are a multiple of `num_generations` [S]; verl:
    `train_batch_size` is not less than `ppo_mini_batch_size` [S].
    """

    code, name, severity = "CFG15", "batch-does-not-divide", CRITICAL
    methods = frozenset({Method.GRPO, Method.RLOO, Method.PPO})
    about = "per_device_batch"

    def findings(self, plan: Plan) -> Iterator[Finding]:
        batch, part = plan.number("global_batch"), plan.number("mini_batch")
        if batch and part and batch < part:
            what = f"{plan.called('global_batch')} is {batch:g}, less than the {part:g} of one mini-batch"
            yield self.say(plan, what, "Make the mini-batch smaller", about="global_batch")
        size = plan.number("group_size")
        if plan.is_on("batch_of_prompts") or not size or size < 2:
            return
        drawn = plan.number("generation_batch") or self._drawn(plan)
        if drawn and drawn % size:
            yield self._uneven(plan, drawn, size, "are generated in one go")
        looked_at = (plan.number("eval_batch") or 0.0) * plan.devices
        if self._evaluates(plan) and plan.has("devices") and looked_at % size:
            yield self._uneven(plan, looked_at, size, "are evaluated in one go", "eval_batch")

    def _drawn(self, plan: Plan) -> float | None:
        """Answers that are generated in one go, where the number of devices is known."""
        each = plan.number("per_device_batch")
        parts = plan.number("steps_per_generation") or plan.number("accumulation") or 1.0
        return each * parts * plan.devices if each and plan.has("devices") else None

    def _evaluates(self, plan: Plan) -> bool:
        return bool(plan.number("eval_examples")) and plan.text("eval_strategy").lower() in {"steps", "epoch"}

    def _uneven(self, plan: Plan, drawn: float, size: float, how: str, about: str = "per_device_batch") -> Finding:
        setting, near = plan.called("group_size"), max(1, round(drawn / size)) * size
        what = f"{drawn:,.0f} answers {how}, which is no multiple of {setting} {size:g}"
        remedy = (
            f"Set {plan.called(about)} so that {near:,.0f} come together, or {setting} to a divisor of {drawn:,.0f}"
        )
        return self.say(plan, what, remedy, about=about)


CHECKS: tuple[type[SettingCheck], ...] = (KTOBatch, BatchSmall, GroupSmall, BatchDoesNotDivide)
