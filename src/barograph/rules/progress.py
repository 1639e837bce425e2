"""Whether the run gets on at all."""

from __future__ import annotations

from barograph.rules.advice import advise
from barograph.rules.base import INFO, WARNING, Rule, param
from barograph.rules.series import step_time
from barograph.signals.words import after, count, ema, first, mean, median, metric, settled, sustained


class Stalled(Rule):
    """A step took many times as long as its neighbours.

    Why: a hanging worker, a full disk, a slow reward service.
    False alarm: evaluations and checkpoints that are timed with the step.
    Sources: practice (G), but a remark: single slow steps are usually evaluations.
    """

    code, name, severity = "RUN01", "stalled", INFO
    about = "step_time"
    times = param(20, "times the median of the last 20 rows")
    many = param(3, "rows in a row that make it a warning")
    when = (count(step_time) >= 5) & (step_time > times * median(step_time, 20))
    escalates = {WARNING: sustained(step_time > times * median(step_time, 20), many)}
    shows = {"time": step_time, "usual": median(step_time, 20)}
    says = "step {peak_step} took {peak:.0f} s where {usual:.1f} s is usual"
    do = (advise("Look at the workers, the disk and the reward service at that time"),)


class SlowingDown(Rule):
    """Steps take more and more time.

    Why: answers grow longer, memory fragments, or something is leaking.
    False alarm: answers that grow on purpose.
    Sources: practice (G).
    """

    code, name, severity = "RUN02", "slowing-down", INFO
    about = "step_time"
    times = param(2, "times the beginning")
    much = param(4, "times the beginning that make it a warning")
    # The mean of the first ten rows: steps of two kinds may alternate, and then a median is one of the two.
    beginning = first(settled(mean(step_time, 10), 10), 1)
    when = (
        after(share=0.1, steps=50)
        & (count(step_time) >= 20)
        & sustained(ema(step_time, 20) > times * beginning, 10, share=0.1)
    )
    escalates = {WARNING: ema(step_time, 20) > much * beginning}
    shows = {"time": ema(step_time, 20), "start": beginning}
    says = "a step takes {time:.1f} s; at the beginning it took {start:.1f} s"
    do = (advise("Compare with the length of the answers, then look for leaks and fragmentation"),)


class ThroughputFalls(Rule):
    """Fewer and fewer samples or tokens are processed in a second.

    Why: memory fragments, a worker is lost, or something else runs on the machine.
    False alarm: longer answers lower the samples per second, but not the tokens.
    Sources: half of the beginning (G).
    """

    code, name, severity = "RUN03", "throughput-falls", INFO
    about = ("tokens_per_second", "samples_per_second")
    share = param(0.5, "share of its beginning")
    little = param(0.25, "share of its beginning that makes it a warning")
    tokens, samples = metric("tokens_per_second"), metric("samples_per_second")
    tokens_begin = first(settled(mean(tokens, 10), 10), 1)
    samples_begin = first(settled(mean(samples, 10), 10), 1)
    fewer_tokens = (count(tokens) >= 20) & (ema(tokens, 20) < share * tokens_begin)
    fewer_samples = (count(samples) >= 20) & (ema(samples, 20) < share * samples_begin)
    when = after(share=0.1, steps=50) & sustained(fewer_tokens | fewer_samples, 10, share=0.1)
    escalates = {WARNING: (ema(tokens, 20) < little * tokens_begin) | (ema(samples, 20) < little * samples_begin)}
    says = "the throughput ({metric}) has fallen to {value:.3g} since step {onset}"
    do = SlowingDown.do
    follows = ("RUN02",)


RULES = (Stalled, SlowingDown, ThroughputFalls)
