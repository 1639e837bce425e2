"""What is looked at and kept while the run goes on: evaluations, checkpoints, rows of the log."""

from __future__ import annotations

from collections.abc import Iterator

from barograph.config.check import CRITICAL, INFO, WARNING, NotJudgeable, SaysItself, SettingCheck, limit, shown
from barograph.config.plan import Plan
from barograph.core.finding import Finding
from barograph.core.methods import ALL, ONLINE

__all__ = ["CHECKS"]


class EvaluationNever(SaysItself):
    """An evaluation that is asked for and never comes, or none at all although there is something to evaluate.

    Why: what is learned by heart looks on training data like what is learned; only held-out data tell.
    False alarm: runs that are evaluated elsewhere; that there is none is a remark.
    Sources: arithmetic of the settings [M].
    """

    code, name = "CFG31", "evaluation-never"
    methods = ALL - ONLINE
    about = "eval_steps"
    least = limit(50.0, "steps of a run below which it is a try, so that it is a remark")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        strategy, every = plan.text("eval_strategy").lower(), plan.steps("eval_steps")
        setting, held_out, updates = plan.called("eval_steps"), plan.number("eval_examples"), plan.updates
        remedy = f"Evaluate by steps, with {setting} at {shown(_tenth(updates))}"
        if strategy == "no" or (not strategy and every is None):
            if held_out:
                what = f"{shown(held_out)} examples are held out, and none is ever looked at"
                yield self.say(plan, what, remedy, INFO)
            elif not strategy:
                raise NotJudgeable("nothing is said of an evaluation")
        elif strategy == "epoch":
            if plan.passes is not None and plan.passes < 1:
                what = f"it is evaluated after each epoch, and the run ends after {plan.passes:.0%} of one"
                yield self.say(plan, what, remedy, about="eval_strategy")
        elif every is None or updates is None:
            raise NotJudgeable("it is not known how many steps the run has, or how often it is evaluated")
        elif every > updates:
            what = f"{setting} is {shown(every)}, and the run has {updates:,} steps: it is never evaluated"
            yield self.say(plan, what, remedy, WARNING if strategy == "steps" and updates >= self.least else INFO)


class CheckpointsRare(SaysItself):
    """Checkpoints so rare, or so few of them kept, that there is nothing to go back to.

    Why: when a run goes wrong, a rescue goes back to the last checkpoint from before the trouble: with none there is
    only the start. If but the newest is kept, it is from after the trouble.
    False alarm: short runs; it is a warning only where long ones keep nothing at all.
    Sources: KTO guide: go back to the last checkpoint [D]; with ten of them a tenth of the run is lost at most [M];
    limits [G].
    """

    code, name, severity = "CFG32", "checkpoints-rare", INFO
    about = "save_steps"
    share = limit(1 / 3, "share of the run between two checkpoints from which it is remarked")
    long = limit(1000.0, "steps of a run from which one without any checkpoint is a warning")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        strategy, every, updates = plan.text("save_strategy").lower(), plan.steps("save_steps"), plan.updates
        setting, limit_of = plan.called("save_steps"), plan.called("keep_checkpoints")
        remedy = f"Save by steps, with {setting} at {shown(_tenth(updates))}"
        if strategy == "no":
            length = f" of {updates:,} steps" if updates else ""
            what = f"no checkpoint is written in the run{length}: if it goes wrong, there is nothing to go back to"
            severity = WARNING if updates and updates >= self.long else INFO
            yield self.say(plan, what, remedy, severity, "save_strategy")
            return
        if plan.number("keep_checkpoints") == 1 and not plan.is_on("load_best"):
            what = f"{limit_of} is 1: when trouble is seen, the only checkpoint may be from after it began"
            yield self.say(plan, what, f"Set {limit_of} to 3 or more", about="keep_checkpoints")
        if strategy == "epoch":
            return
        if every is None or updates is None:
            raise NotJudgeable("it is not known how many steps the run has, or how often it is saved")
        if every > updates:
            what = f"{setting} is {shown(every)}, and the run has {updates:,} steps: nothing is saved before its end"
            yield self.say(plan, what, remedy)
        elif every > self.share * updates:
            lost = every / updates
            what = f"{setting} is {shown(every)} of {updates:,} steps: going back may cost {lost:.0%} of the run"
            yield self.say(plan, what, remedy)


class BestNotEvaluated(SaysItself):
    """The best checkpoint is asked for in the end, and checkpoints are not written where it is evaluated.

    Why: transformers refuses, for it could not tell which checkpoint is the best.
    False alarm: none known.
    Sources: arguments of transformers [S].
    """

    code, name, severity = "CFG33", "best-not-evaluated", CRITICAL
    about = "load_best"

    def findings(self, plan: Plan) -> Iterator[Finding]:
        if not plan.is_on("load_best"):
            return
        best, evaluation, saving = (plan.called(name) for name in ("load_best", "eval_strategy", "save_strategy"))
        evaluates, saves = (plan.text(f"{kind}_strategy").lower() for kind in ("eval", "save"))
        every, kept = plan.number("eval_steps"), plan.number("save_steps")
        if evaluates in {"no", ""}:
            yield self.say(plan, f"{best} is on, and it is never evaluated", f"Set {evaluation} as {saving}")
        elif saves and saves not in {evaluates, "best"}:
            what = f"{best} is on, and {evaluation} is {evaluates}, {saving} {saves}"
            yield self.say(plan, what, f"Set {saving} to {evaluates}")
        elif evaluates == "steps" and every and kept and min(every, kept) >= 1 and kept % every:
            setting, near = plan.called("save_steps"), max(1, round(kept / every)) * every
            between = f"{plan.called('eval_steps')} {shown(every)}"
            what = f"{best} is on, and {setting} {shown(kept)} is no multiple of {between}"
            yield self.say(plan, what, f"Set {setting} to {shown(near)}")


class LogSparse(SettingCheck):
    """So few rows in the log that hardly anything can be said of the run.

    Why: rules look for what holds over several rows; between two of them a run may go wrong and end.
    False alarm: runs that are watched by other means.
    Sources: most rules want ten rows or more [S].
    """

    code, name, severity = "CFG34", "log-sparse", INFO
    about = "logging_steps"
    says = "{setting} is {value} of {updates} steps: the log will have {rows} rows"
    do = ("Set {setting} to {each}",)
    least = limit(10.0, "rows that a log should have")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        every, updates = plan.steps("logging_steps"), plan.updates
        if not every or not updates:
            raise NotJudgeable("it is not known how many steps the run has, or how often it is logged")
        rows = int(updates / every)
        if rows < self.least <= updates:
            each = shown(max(1, updates // 50))
            yield self.found(plan, told={"updates": f"{updates:,}", "rows": f"{rows}", "each": each})


def _tenth(updates: int | None) -> str | int:
    return max(1, round(updates / 10)) if updates else "a tenth of the run"


CHECKS: tuple[type[SettingCheck], ...] = (EvaluationNever, CheckpointsRare, BestNotEvaluated, LogSparse)
