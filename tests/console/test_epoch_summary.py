"""The summary of an epoch, compared with the one that the guide on RLHF metrics shows."""

from __future__ import annotations

import math

from barograph.console.epoch_summary import epoch_summary
from barograph.console.terminal import Terminal
from barograph.core.epochs import Epoch

AS_IN_THE_GUIDE = """\
================================================================================
EPOCH 3 SUMMARY
================================================================================

[Training Metrics]
  Loss:          2.345678
  Reward:        0.782145
  KL Divergence: 0.012345
  Entropy:       2.567890
  Learning Rate: 1.00e-05

[Evaluation Metrics]
  BERTScore:  0.5234
  CodeBLEU:   0.3891
  BLEU:       0.2678
  ROUGE:      0.3456
  RUBY:       0.2134

[Performance]
  Epoch Time:             332.50s
  Samples/sec:            4.82
  Estimated Time Remaining: 38.9 min (2334s)

================================================================================
"""
THIRD = Epoch(
    number=3,
    first_step=201,
    last_step=300,
    training={"loss": 2.345678, "score_mean": 0.782145, "kl_ref": 0.012345, "entropy": 2.56789, "lr": 1e-5},
    evaluation={"bertscore": 0.5234, "codebleu": 0.3891, "bleu": 0.2678, "rouge": 0.3456, "ruby": 0.2134},
    seconds=332.5,
)


def text(epoch: Epoch, width: int = 80, **more: float) -> str:
    return "".join(f"{line}\n" for line in epoch_summary(epoch, Terminal(width=width), **more))


def test_it_looks_as_in_the_guide() -> None:
    assert text(THIRD, pace=4.82, left=2334.0) == AS_IN_THE_GUIDE


def test_what_is_not_known_is_not_shown() -> None:
    shown = text(Epoch(number=1, first_step=1, last_step=2, training={"loss": 1.0}))
    assert "[Evaluation Metrics]" not in shown
    assert "[Performance]" not in shown


def test_not_a_number_is_shown() -> None:
    assert "Loss: nan" in text(Epoch(number=1, first_step=1, last_step=2, training={"loss": math.nan}))


def test_it_keeps_within_a_narrow_terminal() -> None:
    long = Epoch(number=1, first_step=1, last_step=2, training={"x" * 200: 1.0}, evaluation={"eval.loss": 2.0})
    assert max(map(len, text(long, width=50).splitlines())) <= 50
