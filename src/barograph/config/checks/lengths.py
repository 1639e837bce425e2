"""Whether examples and answers fit into the lengths that they are given."""

from __future__ import annotations

import math
from collections.abc import Iterator

from barograph.config.check import CRITICAL, INFO, WARNING, NotJudgeable, SaysItself, SettingCheck, limit, shown
from barograph.config.plan import Plan
from barograph.core.finding import Finding
from barograph.core.methods import GENERATING

__all__ = ["CHECKS"]

#: Lengths are whole multiples of this.
WHOLE = 64


class NoRoom(SaysItself):
    """Lengths that leave no room: a prompt as long as everything, or more tokens than the model takes.

    Why: where the prompt may take all there is, answers are cut to nothing, and pairs become the same on both sides.
    False alarm: prompts that are all short.
    Sources: what the settings mean [M]; `max_position_embeddings` of the model [S].
    """

    code, name = "CFG27", "no-room"
    about = "max_length"

    def findings(self, plan: Plan) -> Iterator[Finding]:
        whole, prompt, answer = (plan.number(name) for name in ("max_length", "prompt_limit", "answer_limit"))
        setting = plan.called("max_length")
        of = f"of {setting} {shown(whole)}"
        if whole and prompt and prompt >= whole:
            name = plan.called("prompt_limit")
            what = f"{name} is {shown(prompt)} {of}: no room for an answer is left"
            yield self.say(plan, what, f"Raise {setting}, or lower {name}", CRITICAL)
        elif whole and answer and answer >= whole:
            what = f"{plan.called('answer_limit')} is {shown(answer)} {of}: no room for a prompt is left"
            yield self.say(plan, what, f"Raise {setting} above {shown(answer)}")
        context = plan.number("context")
        asked = whole or (prompt or 0) + (answer or 0)
        if context and asked > context:
            what = f"{shown(asked)} tokens are asked for, and the model takes {shown(context)}"
            yield self.say(plan, what, f"Stay within {shown(context)} tokens", CRITICAL)


class ExamplesCut(SettingCheck):
    """Examples of the data that are longer than the length they are cut to.

    Why: what is cut off is not learned; an answer without its end teaches not to end, and pairs that differ only behind
    the cut teach nothing.
    False alarm: without `--tokenizer` lengths are estimated from bytes, which may be off by a third.
    Sources: the data that were named; limits as those of DATA23 [G].
    """

    code, name = "CFG28", "examples-cut"
    about = "max_length"
    says = "{share} of the examples are longer than {setting} {value}; {fit} tokens hold 98 % of them{how}"
    do = ("Set {setting} to {fit}, or leave long examples out",)
    warns_from = limit(0.02, "share of examples from which it is more than a remark")
    grave_from = limit(0.3, "share of examples from which it is critical")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        share, _ = plan.need("cut"), plan.need("max_length")
        if share > 0:
            severity = CRITICAL if share >= self.grave_from else WARNING if share >= self.warns_from else INFO
            fit = math.ceil(plan.need("most_fit") / WHOLE) * WHOLE
            how = "" if plan.is_on("tokens_are_counted") else ", by an estimate from their bytes"
            yield self.found(plan, severity, told={"share": _percent(share), "fit": f"{fit:,}", "how": how}, cut=share)


class LengthWasted(SettingCheck):
    """A length far beyond the longest example.

    Why: memory is planned for examples that do not come: a larger batch would fit.
    False alarm: data that are packed, or that go on growing.
    Sources: the data that were named [M]; the limit [G].
    """

    code, name, severity = "CFG29", "length-wasted", INFO
    about = "max_length"
    says = "{setting} is {value}, and the longest example has {longest} tokens{how}"
    do = ("Set {setting} to {fit}; a larger batch may fit then",)
    times = limit(2.0, "times the longest example from which it is remarked")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        longest, most = plan.need("longest"), plan.need("max_length")
        if plan.method in GENERATING:
            raise NotJudgeable("answers are not in the data")
        fit = math.ceil(1.2 * longest / WHOLE) * WHOLE
        if most > self.times * longest and fit < most:
            how = "" if plan.is_on("tokens_are_counted") else " by an estimate from its bytes"
            yield self.found(plan, told={"fit": f"{fit:,}", "how": how}, longest=longest)


class AnswersShort(SettingCheck):
    """Answers that may be too short to be whole.

    Why: an answer that is cut off is scored for what it is not; where many are, length is what is learned.
    False alarm: tasks whose answers are a word.
    Sources: ScaleRL: fewer than 5 % should be cut off [P]; usual limits are 512 and more [S]; the limit [G].
    """

    code, name, severity = "CFG30", "answers-short", INFO
    methods = GENERATING
    about = "answer_limit"
    says = "{setting} is {value}: longer answers are cut off, and scored as they are then"
    do = ("Set {setting} so that fewer than 5 % of the answers are cut off; the log says how many are",)
    least = limit(64.0, "tokens of an answer below which it is remarked")

    def findings(self, plan: Plan) -> Iterator[Finding]:
        if plan.need("answer_limit") < self.least and not plan.is_tiny:
            yield self.found(plan)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else f"{share:.2%}"


CHECKS: tuple[type[SettingCheck], ...] = (NoRoom, ExamplesCut, LengthWasted, AnswersShort)
