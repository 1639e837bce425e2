"""How the rate goes, and how long the run is."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.config.check import INFO, WARNING, NotJudgeable, SaysItself, SettingCheck, limit, shown
from barograph.config.plan import Plan
from barograph.core.finding import Finding
from barograph.core.methods import CLASSIFIER, ONLINE, PREFERENCE, REWARD_MODEL, Method

__all__ = ["CHECKS"]


class WarmUp(SaysItself):
    """A warm-up that is not there, that the schedule leaves out, or that takes up the run.

    Why: the first updates stand on the least reliable statistics; without a warm-up they are the largest. With one as
    long as the run, the rate that was asked for is never reached. `constant` of transformers knows no warm-up at all;
    `constant_with_warmup` does.
    False alarm: none at all is a remark, for many healthy runs have none.
    Sources: KTO guide: the first tenth [D]; 3 to 10 % is usual [D]; schedules of transformers [S]; limits [G].
    """

    code, name = "CFG06", "warm-up"
    about = "warmup_steps"
    longest = limit(0.5, "share of the run from which a warm-up is too long")
    long = limit(0.2, "share of the run from which it is remarked")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        about = "warmup_share" if plan.number("warmup_share") is not None else "warmup_steps"
        setting, schedule, asked = plan.called(about), plan.called("schedule"), plan.number(about)
        tenth = "Warm up over the first tenth of the run"
        if asked is None:
            raise NotJudgeable("no warm-up is said")
        if asked and plan.text("schedule") == "constant":
            what = f"{schedule} is constant, so the warm-up that {setting} asks for is left out"
            yield self.say(plan, what, f"Set {schedule} to constant_with_warmup", about=about)
            return
        if asked == 0:
            if plan.method in PREFERENCE | ONLINE:
                yield self.say(plan, "there is no warm-up", tenth, INFO, about)
            return
        share = asked if about == "warmup_share" or asked < 1 else asked / plan.updates if plan.updates else None
        if share is None:
            raise NotJudgeable("it is not known how many steps the run has")
        if share > self.long:
            what = f"{setting} is {shown(asked)}" + (f", {share:.0%} of the run" if asked >= 1 else " of the run")
            reached = ": the rate that was asked for is never reached" if share >= 1 else ""
            yield self.say(plan, what + reached, tenth, WARNING if share > self.longest else INFO, about)


class EpochsMany(SettingCheck):
    """More passes over the examples than the method bears.

    Why: preferences are learned by heart within few epochs: the margin goes on growing on what is trained on, and
    held-out accuracy falls. Reward models are trained for one.
    False alarm: small sets that are looked at by held-out accuracy, with the best checkpoint kept.
    Sources: InstructGPT and Llama 2 train reward models for one epoch [P]; Zephyr trains DPO for three [P]; the step
    classifier's guide for three [D]; limits [G].
    """

    code, name = "CFG07", "epochs-many"
    methods = PREFERENCE | REWARD_MODEL | CLASSIFIER
    about = "epochs"
    says = "every example is seen {times} times; {usual} is usual for {method}"
    do = ("Train for {usual}, or keep the checkpoint with the best evaluation",)
    some = limit(3.0, "passes above which it is remarked")
    many = limit(5.0, "passes above which it is a warning")
    of_rewards = limit(3.0, "passes of a reward model above which it is a warning")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        passes = plan.passes
        if passes is None:
            raise NotJudgeable(f"{plan.called('epochs')} is not said")
        is_reward = plan.method in REWARD_MODEL
        some, many = (1.0, self.of_rewards) if is_reward else (self.some, self.many)
        if passes > some * 1.05:
            usual = "one epoch" if is_reward else "one to three epochs"
            severity = WARNING if passes > many else INFO
            yield self.found(plan, severity, told={"usual": usual}, times=round(passes, 1))


class UpdatesFew(SettingCheck):
    """A run of so few updates that nothing can be learned or seen in it.

    Why: with a batch nearly as large as the data, an epoch is over in a dozen steps, most of them in the warm-up.
    False alarm: tries.
    Sources: guides show the first effects after 20 to 50 steps [D]; the limit [G].
    """

    code, name, severity = "CFG08", "updates-few", INFO
    about = "max_steps"
    says = "the run has {updates} updates; less than {least} show hardly anything"
    do = ("Train longer, or with a smaller batch",)
    least = limit(20.0, "updates that a run should have")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        if plan.updates is None:
            raise NotJudgeable("it is not known how many steps the run has")
        if plan.method is not Method.SFT and plan.updates < self.least:
            yield self.found(plan, updates=plan.updates, least=self.least)


CHECKS: tuple[type[SettingCheck], ...] = (WarmUp, EpochsMany, UpdatesFew)
