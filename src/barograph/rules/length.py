"""How long the answers are, and whether they end by themselves."""

from __future__ import annotations

from barograph.core.methods import GENERATING
from barograph.rules.advice import advise, revert
from barograph.rules.base import CRITICAL, WARNING, Rule, param
from barograph.rules.score import score_error, score_gain
from barograph.rules.series import length, truncated
from barograph.signals.words import after, count, ema, first, highest, lowest, metric, sustained

longer_limit = advise("Raise max_completion_length, or reward an answer for ending in time")
mask_cut_answers = advise("Mask answers that were cut off (mask_truncated_completions)")


class Truncation(Rule):
    """Many answers are cut off at the length limit.

    Why: the limit is too short for the task, or the model has not learnt to stop. Cut answers get no fair score, so
    scores, spread and gradient vanish after it.
    False alarm: a limit that is short on purpose; below a tenth it hardly matters.
    Sources: ScaleRL: below 5 % for most of the run, 10 to 15 % destabilises (P); TRL issue 5697 (I).
    Levels of 0.3 and 0.8, since public healthy runs live with a tenth (G).
    """

    code, name, severity = "LEN01", "answers-cut-off", WARNING
    methods = GENERATING
    about = "truncated_frac"
    share = param(0.3, "share of answers")
    most = param(0.8, "share of answers that makes it critical")
    when = (count(truncated) >= 5) & sustained(ema(truncated, 10) > share, 5, share=0.1)
    escalates = {CRITICAL: sustained(ema(truncated, 10) > most, 5, share=0.2)}
    shows = {"cut": ema(truncated, 10), "length": ema(length, 10)}
    says = "{cut:.0%} of the answers are cut off at the length limit (mean length {length:.0f})"
    do = (longer_limit, mask_cut_answers, advise("Check that the model knows its end-of-text token"))
    follows = ("LEN06", "ENT02")


class StoppedEnding(Rule):
    """Answers that ended by themselves at the beginning run into the length limit now.

    Why: the policy has lost its end-of-text token, as it does when it breaks down, or it is paid for not ending. The
    limit is not the trouble: it was long enough before.
    False alarm: reasoning that grows towards its limit; half of the answers are far beyond that.
    Sources: measured on policies that broke down, and on rewards that pay by the word (G).
    """

    code, name, severity = "LEN06", "answers-stopped-ending", WARNING
    methods = GENERATING
    about = "truncated_frac"
    few = param(0.2, "share of answers cut off at the beginning")
    many = param(0.5, "share of answers cut off now")
    when = (count(truncated) >= 10) & sustained((first(truncated, 3) < few) & (ema(truncated, 5) > many), 5, share=0.05)
    shows = {"cut": ema(truncated, 5), "start": first(truncated, 3)}
    says = "{start:.0%} of the answers were cut off at the beginning, {cut:.0%} are now: they do not end any more"
    do = (revert(), advise("Look at the KL, the entropy and what the reward pays for"))
    follows = ("NUM01",)


class LengthAtCap(Rule):
    """Every answer has the very same length: the limit.

    Why: no answer ends by itself. The share of cut answers is not in this log, but a constant length tells it.
    False alarm: tasks whose answers have a fixed length.
    Sources: measured on public runs, the commonest fault of GRPO there (G).
    """

    code, name, severity = "LEN02", "length-pinned-to-limit", WARNING
    methods = GENERATING
    about = "len_mean"
    patience = param(10, "rows in a row with exactly the same mean length")
    least = param(32, "length from which on it can be a limit")
    pinned = (highest(length, patience) - lowest(length, patience) < 1e-6) & (length >= highest(length))
    when = sustained((count(length) >= patience) & pinned & (length > least), 2, share=0.05)
    escalates = {CRITICAL: sustained(pinned & (length > least), 10, share=0.3)}
    shows = {"length": length}
    says = "every answer is {length:.0f} tokens long since step {onset}: none ends by itself"
    do = (longer_limit, advise("Check that the model knows its end-of-text token"), mask_cut_answers)
    follows = ("LEN01", "ENT02")


class LengthGrowth(Rule):
    """The answers have become much longer, and the score has not gained by it.

    Why: a loss normalised per answer favours long wrong answers; or the reward pays for length.
    False alarm: reasoning that pays off grows in length and in score together; that is left alone.
    Sources: Dr. GRPO, arXiv 2503.20783 (P); factor (G).
    """

    code, name, severity = "LEN03", "length-grows-without-score", WARNING
    methods = GENERATING
    about = "len_mean"
    times = param(2, "times their beginning")
    when = (count(length) >= 20) & sustained(
        (ema(length, 10) > times * first(length, 10)) & (score_gain < score_error), 5, share=0.1
    )
    shows = {"length": ema(length, 10), "start": first(length, 10)}
    says = "the answers have grown from {start:.0f} to {length:.0f} tokens without a better score"
    do = (advise("Use a loss normalised per token (dr_grpo, dapo)"), advise("Penalise overlong answers"), revert())
    follows = ("ENT02",)


class LengthCollapse(Rule):
    """The answers have become very short.

    Why: ending at once is safe when long answers are punished, or the format reward pays for nothing else.
    False alarm: a task whose best answer is short: the score then rises with it.
    Sources: practice (G).
    """

    code, name, severity = "LEN04", "length-collapse", WARNING
    methods = GENERATING
    about = "len_mean"
    share = param(0.3, "share of their beginning")
    when = (count(length) >= 20) & sustained(
        (ema(length, 10) < share * first(length, 10)) & (score_gain < 2 * score_error), 5, share=0.1
    )
    shows = {"length": ema(length, 10), "start": first(length, 10)}
    says = "the answers have shrunk from {start:.0f} to {length:.0f} tokens"
    do = (advise("Look at what the reward pays for a very short answer"), revert())


class NoEndOfText(Rule):
    """Most answers never reach their end-of-text token.

    Why: the limit is too short, or nothing rewards ending.
    False alarm: none is known after the first fifth of the run.
    Sources: N+ implementation details, arXiv 2403.17031 (P); half (G).
    """

    code, name, severity = "LEN05", "no-end-of-text", WARNING
    methods = GENERATING
    about = ("eos_frac", "eos_count")
    share = param(0.5, "share of answers that should end by themselves")
    ending = ema(metric("eos_frac"), 10)
    #: Old TRL counts end-of-text tokens in a batch instead.
    counted = ema(metric("eos_count"), 10)
    when = after(share=0.2, steps=20) & sustained((ending < share) | (counted < share), 5)
    says = "hardly an answer ends by itself ({metric} is {value:.2g} on average) since step {onset}"
    do = (advise("Set missing_eos_penalty"), longer_limit)
    follows = ("LEN06", "LEN01")


RULES = (StoppedEnding, Truncation, LengthAtCap, LengthGrowth, LengthCollapse, NoEndOfText)
