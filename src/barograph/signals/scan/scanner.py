"""Many expressions over one run, a block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from barograph.core.run import Run
from barograph.signals.expression import Signal
from barograph.signals.scan.block import BLOCK, Block, blocks
from barograph.signals.scan.cells import PLAIN, Cell, binary, joined, unary
from barograph.signals.scan.memory import MEMORY
from barograph.signals.timeline import Timeline

__all__ = ["Scanner"]


class Scanner:
    """Many expressions over one run, advanced together block by block."""

    def __init__(self, signals: Iterable[Signal], timeline: Timeline) -> None:
        self.timeline = timeline
        self._cells: dict[Signal, Cell] = {}
        for signal in signals:
            self._cell(signal)

    def cell(self, signal: Signal) -> Cell:
        return self._cells[signal]

    def scan(self, run: Run, size: int = BLOCK) -> Iterator[Block]:
        """Go through a run; after each block every cell holds its updates there."""
        cells = list(self._cells.values())
        with np.errstate(all="ignore"):
            for block in blocks(run, size):
                for cell in cells:
                    cell.advance(block)
                yield block

    def _cell(self, signal: Signal) -> Cell:
        if signal not in self._cells:
            inputs = tuple(self._cell(part) for part in signal.inputs)
            self._cells[signal] = self._make(signal, inputs)
        return self._cells[signal]

    def _make(self, signal: Signal, inputs: tuple[Cell, ...]) -> Cell:
        word, timeline = signal.word, self.timeline
        cells = iter(inputs)
        operands = tuple(
            next(cells) if isinstance(argument, Signal) else float(argument)
            for argument in signal.arguments
            if not isinstance(argument, str)
        )
        made = (
            binary(word, timeline, operands) or unary(word, timeline, inputs) or joined(word, timeline, inputs)
        )  # fmt: skip
        if made is not None:
            return made
        numbers = [argument for argument in signal.arguments if not isinstance(argument, Signal)]
        return (PLAIN.get(word) or MEMORY[word])(timeline, inputs, *numbers)
