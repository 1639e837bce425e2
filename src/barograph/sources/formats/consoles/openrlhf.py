"""OpenRLHF: a dict for each global step of PPO, and progress bars with metrics behind them for DPO, RM and SFT."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from barograph.sources.formats.consoles.base import Console, Parser, Row
from barograph.sources.formats.consoles.printed import dict_in
from barograph.sources.late import late

__all__ = ["OPENRLHF", "OpenRlhfConsole"]

_STEP = late(r"\bGlobal step (\d{1,15}): (?=\{)")
_EVALUATION = late(r"\bglobal_step (\d{1,15}), eval_metrics: (?=\{)")
#: `Train step of epoch 0:  8%|# | 1/12 [00:01<00:11, 1.0it/s, loss=0.655, lr=4.8e-7]`, and the same of an evaluation.
_BAR = late(
    r"^(Train step of epoch|Eval stage of global_step) (\d{1,15}):.{0,400}?\| (\d{1,15})/(\d{1,15}) \[([^\]]*)\]"
)
#: Only a trainer that moves its bar first, and then writes behind it, has this.
_WRITTEN_LATE = "gpt_loss"


class OpenRlhfConsole(Console):
    """What OpenRLHF prints."""

    name: ClassVar[str] = "openrlhf"
    describes: ClassVar[str] = (
        "The console of OpenRLHF: `Global step 5: {...}` of PPO and its relatives, and the progress bars of DPO, "
        "reward models and SFT, whose steps are batches."
    )
    checked: ClassVar[str] = "what the logger and the bars of OpenRLHF 0.11 print"
    hint: ClassVar[bytes] = b"tep"
    mark: ClassVar[re.Pattern[str]] = late(
        r"\bGlobal step \d+: \{['\"]|global_step \d+, eval_metrics: \{|^Train step of epoch \d+:.*\| \d+/\d+ \["
    )

    def parser(self) -> Parser:
        return _Rows()


class _Rows(Parser):
    """Rows of both ways of printing.

    The bars are drawn twice for each batch. Where the metrics are written before the bar moves, what was drawn last at
    `n` batches belongs to batch `n + 1`; else it belongs to batch `n`.
    """

    def __init__(self) -> None:
        #: What was read from a bar that may be drawn once more at the same place, and that place.
        self._waiting: Row | None = None
        self._place: tuple[int, int] | None = None
        self._last: Row = {}
        #: Evaluations that were read from a bar: bars are drawn again when they close.
        self._evaluated: dict[int, Row] = {}

    def line(self, line: str) -> Iterator[Row]:
        if "tep" not in line:
            return
        if bar := _BAR.match(line):
            kind, number, at, total, inside = bar.groups()
            metrics = _behind(inside)
            if kind.startswith("Train"):
                yield from self._train(int(number), int(at), int(total), metrics)
            elif metrics:
                yield from self._evaluate(int(number), metrics)
        elif (match := _STEP.search(line) or _EVALUATION.search(line)) and (found := dict_in(line)):
            yield {"step": int(match[1]), **found[0]}

    def end(self) -> Iterator[Row]:
        if self._is_news():
            yield from self._settle()

    def _train(self, epoch: int, at: int, total: int, metrics: Row) -> Iterator[Row]:
        if (epoch, at) != self._place:
            if self._place is not None and (epoch, at) < self._place:
                if at == total:  # The bar of an earlier epoch closes.
                    return
                self._evaluated.clear()  # Another run begins.
            yield from self._settle()
            self._place = (epoch, at)
        of_batch = at if _WRITTEN_LATE in metrics else at + 1
        if metrics and of_batch <= total:
            self._waiting = {"step": epoch * total + of_batch, **metrics}

    def _settle(self) -> Iterator[Row]:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting != self._last:
            yield waiting
            self._last = waiting

    def _is_news(self) -> bool:
        """Whether what waits is more than the row before, drawn again behind a bar that has moved."""
        waiting = self._waiting
        return waiting is not None and {**waiting, "step": 0} != {**self._last, "step": 0}

    def _evaluate(self, global_step: int, metrics: Row) -> Iterator[Row]:
        """An evaluation, at the batch that was the last before it: bars of training count batches."""
        if self._evaluated.get(global_step) == metrics:
            return
        self._evaluated[global_step] = metrics
        named = {key if key.startswith("eval") else f"eval/{key}": value for key, value in metrics.items()}
        latest = self._waiting if self._waiting is not None and self._is_news() else self._last
        yield {"step": latest.get("step", global_step), **named}


def _behind(inside: str) -> Row:
    """The metrics behind the times of a bar."""
    pairs = (part.split("=", 1) for part in inside.split(", ") if "=" in part)
    return {key.strip(): value.strip() for key, value in pairs}


OPENRLHF = OpenRlhfConsole()
