"""Evaluate expressions over columns, a block of rows at a time, with NumPy: the same meaning as `step`.

Each distinct sub-expression is one cell, as in `step`; but a cell takes a whole block of rows and keeps what
it needs for the next. Blocks are small enough to stay in the processor's cache, and memory does not grow with
the run. How rows are cut into blocks makes no difference to any value.
"""

from barograph.signals.scan.block import BLOCK, Block
from barograph.signals.scan.cells import Cell, Passive
from barograph.signals.scan.memory import Sustained
from barograph.signals.scan.scanner import Scanner

__all__ = ["BLOCK", "Block", "Cell", "Passive", "Scanner", "Sustained"]
