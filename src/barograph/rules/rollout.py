"""How answers are come by: the settings they are sampled with, and those that are lost on the way."""

from __future__ import annotations

from barograph.core.methods import GENERATING, ONLINE, Method
from barograph.rules.advice import advise
from barograph.rules.base import CRITICAL, INFO, WARNING, Rule, param
from barograph.signals.words import count, ema, fact, metric, step, sustained

mend = advise("Mend the environment before the policy: read the errors of ten failed rollouts")
#: The objectives that compare the answers to one prompt with each other.
GROUPED = frozenset({Method.GRPO, Method.RLOO})


class RolloutsFail(Rule):
    """A part of the rollouts ends in an error.

    Why: the environment, a tool server or a sandbox fails or runs out of time.
    False alarm: single failures; a share that lasts counts.
    Sources: prime-rl: above 5 % for some time, look at the environment (D); half (G).
    """

    code, name, severity = "ROLL01", "rollouts-fail", WARNING
    methods = GENERATING
    about = "error_frac"
    share = param(0.05, "share of the rollouts")
    most = param(0.5, "share that makes it critical")
    failed = ema(metric("error_frac"), 10)
    when = (count(metric("error_frac")) >= 5) & sustained(failed > share, 5)
    escalates = {CRITICAL: failed > most}
    shows = {"failed": failed}
    says = "{failed:.0%} of the rollouts end in an error since step {onset}"
    do = (mend,)


class AnswersAborted(Rule):
    """A part of the answers is given up before it is finished.

    Why: a time limit, or a generating engine that is short of memory.
    False alarm: engines that restart answers later count them here as well.
    Sources: as for `rollouts-fail` (G).
    """

    code, name, severity = "ROLL02", "answers-aborted", WARNING
    methods = GENERATING
    about = "aborted_frac"
    share = param(0.05, "share of the answers")
    most = param(0.5, "share that makes it critical")
    given_up = ema(metric("aborted_frac"), 10)
    when = (count(metric("aborted_frac")) >= 5) & sustained(given_up > share, 5)
    escalates = {CRITICAL: given_up > most}
    shows = {"aborted": given_up}
    says = "{aborted:.0%} of the answers are aborted since step {onset}"
    do = (advise("Look at the time limit and the memory of the generating engine"), mend)


class ToolsFail(Rule):
    """Most tool calls fail.

    Why: the tools are down, or the policy does not know how to call them.
    False alarm: the first steps of a policy that has yet to learn the format of a call.
    Sources: TRL key `tools/failure_frequency` (S); half (G).
    """

    code, name, severity = "ROLL03", "tools-fail", WARNING
    methods = GENERATING
    about = "tool_failure_freq"
    share = param(0.5, "share of the calls")
    failed = ema(metric("tool_failure_freq"), 10)
    when = (count(metric("tool_failure_freq")) >= 10) & sustained(failed > share, 10, share=0.1)
    shows = {"failed": failed}
    says = "{failed:.0%} of the tool calls fail since step {onset}"
    do = (advise("Call the tools by hand as the policy does; show the format of a call in the prompt"), mend)


class GroupOfOne(Rule):
    """Each prompt has a single answer, so that there is nothing to compare it with.

    Why: the group size is one: every answer is its own mean, and every advantage is exactly zero.
    False alarm: objectives that take their baseline from elsewhere; name them by `--method`.
    Sources: definition of the group advantage (M); TRL refuses fewer than two (S).
    """

    code, name, severity = "ROLL04", "group-of-one", CRITICAL
    methods = GROUPED
    about = ("score_std", "score_mean")
    when = (fact("group_size") < 2) & (step() >= 0)
    shows = {"size": fact("group_size")}
    says = "a group holds {size:g} answer: its advantage is always zero"
    do = (advise("Sample 8 to 16 answers for each prompt"),)
    rearm = 1.0


class SamplingNarrowed(Rule):
    """Answers are not sampled from the whole distribution.

    Why: top-k, top-p or a minimum length is set. Probabilities are computed without them, so the KL is biased, and the
    policy may be paid for making it negative.
    False alarm: engines that renormalise their probabilities after such a cut; evaluation alone may be narrowed freely.
    Sources: TRL documentation: top_k 0, top_p 1, no min_length (D); TRL issues 235 and 925 (I).
    """

    code, name, severity = "ROLL05", "sampling-narrowed", INFO
    methods = ONLINE
    about = ("kl_ref_sequence", "kl_ref", "score_mean")
    cut = (fact("top_k_or_none") > 0) | (fact("top_p_or_one") < 1) | (fact("min_length_or_none") > 0)
    when = cut & (step() >= 0)
    shows = {"k": fact("top_k_or_none"), "p": fact("top_p_or_one"), "least": fact("min_length_or_none")}
    says = "answers are not sampled purely: top_k {k:g}, top_p {p:g}, min_length {least:g}"
    do = (advise("Sample purely while training: top_k 0, top_p 1, no min_length"),)
    rearm = 1.0


class SamplingCold(Rule):
    """Answers are sampled at a low temperature.

    Why: what is hardly ever sampled cannot be learned, and the answers to one prompt come out alike.
    False alarm: models whose makers recommend it, as long as groups still differ.
    Sources: 0.7 to 1 is usual (D); TRL issue 3857 (I); half (G).
    """

    code, name, severity = "ROLL06", "sampling-cold", INFO
    methods = ONLINE
    about = ("score_std", "score_mean")
    least = param(0.5, "temperature that anybody uses")
    when = (fact("temperature") < least) & (step() >= 0)
    shows = {"temperature": fact("temperature")}
    says = "answers are sampled at temperature {temperature:g}; 0.7 to 1 is usual"
    do = (advise("Sample at a temperature of 0.7 to 1, and compute probabilities at the same"),)
    rearm = 1.0


RULES = (RolloutsFail, AnswersAborted, ToolsFail, GroupOfOne, SamplingNarrowed, SamplingCold)
