"""What an epoch came to: training, evaluation, performance, and how long the rest will take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from barograph.console.terminal import Terminal, clean
from barograph.core.epochs import STATES, Epoch
from barograph.core.names import catalogue, split_of

__all__ = ["epoch_summary", "rank"]

WIDTH = 80
#: The names that people know, where they differ from ours.
TITLES = {
    "score_mean": "Reward", "kl_ref": "KL Divergence", "kl_ref_sequence": "KL Divergence", "lr": "Learning Rate",
    "rouge": "ROUGE",
}  # fmt: skip
#: In this order, and the rest of a log after them: a summary is not the log, so it ends somewhere.
FIRST = (
    "loss", "score_mean", "reward_margin", "reward_chosen", "reward_rejected", "reward_accuracy", "rm_accuracy",
    "rm_margin", "kl_ref", "kl_ref_sequence", "kto_z0", "entropy", "grad_norm", "lr",
)  # fmt: skip
TEXT_SCORES = ("bertscore", "codebleu", "bleu", "rouge", "ruby")
MOST_OF_EVALUATION = 12
PERFORMANCE = 24


def epoch_summary(
    epoch: Epoch, terminal: Terminal, *, pace: float | None = None, left: float | None = None
) -> Iterator[str]:
    """The lines. `pace` is in samples, `left` in seconds; what is None is not known, and not shown."""
    rule = "=" * min(WIDTH, terminal.width)
    yield rule
    yield terminal.paint(f"EPOCH {epoch.number} SUMMARY", "bold")
    yield rule
    training = {name: epoch.training[name] for name in FIRST if name in epoch.training}
    if not training:
        training = {name: value for name, value in epoch.training.items() if name not in STATES}
    yield from _block("Training Metrics", training, 6, 1, terminal)
    order = sorted((name for name in epoch.evaluation if split_of(name)[1] not in STATES), key=rank)
    evaluation = {name: epoch.evaluation[name] for name in order[:MOST_OF_EVALUATION]}
    yield from _block("Evaluation Metrics", evaluation, 4, 2, terminal)
    yield from _performance(epoch, pace, left, terminal)
    yield ""
    yield rule


def _block(title: str, values: Mapping[str, float], digits: int, gap: int, terminal: Terminal) -> Iterator[str]:
    if not values:
        return
    yield ""
    yield terminal.paint(f"[{title}]", "bold")
    room = max(12, terminal.width - 18)
    labels = [f"{_title(name)[:room]}:" for name in values]
    width = max(map(len, labels)) + gap
    for (name, value), label in zip(values.items(), labels, strict=True):
        text = _number(name, value, digits)
        yield f"  {label:<{width}}{text if math.isfinite(value) else terminal.paint(text, 'red', 'bold')}"


def _performance(epoch: Epoch, pace: float | None, left: float | None, terminal: Terminal) -> Iterator[str]:
    lines = []
    if epoch.seconds is not None:
        lines.append(f"  {'Epoch Time:':<{PERFORMANCE}}{epoch.seconds:.2f}s")
    if pace is not None:
        lines.append(f"  {'Samples/sec:':<{PERFORMANCE}}{pace:.2f}")
    if left is not None and math.isfinite(left):
        lines.append(f"  Estimated Time Remaining: {left / 60:.1f} min ({left:.0f}s)")
    if lines:
        yield ""
        yield terminal.paint("[Performance]", "bold")
        yield from lines


def _title(series: str) -> str:
    split, name = split_of(series)
    metric = catalogue().get(name)
    title = TITLES.get(name) or (metric.title if metric else clean(name))
    inner = split.partition("/")[2]
    return f"{title} ({clean(inner)})" if inner else title


def rank(series: str) -> tuple[int, str]:
    """A key to sort by: what is looked at first comes first."""
    name = split_of(series)[1]
    if name in TEXT_SCORES:
        return TEXT_SCORES.index(name), series
    return len(TEXT_SCORES) + (FIRST.index(name) if name in FIRST else len(FIRST)), series


def _number(name: str, value: float, digits: int) -> str:
    if not math.isfinite(value):
        return str(value)
    return f"{value:.2e}" if name == "lr" or 0 < abs(value) < 10**-digits else f"{value:.{digits}f}"
