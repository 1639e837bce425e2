"""Operators are compiled: one straight run of Python for all that a row may update.

Arithmetic, comparison and logic are most of what rules are made of, and calling a method for each would cost
more than the work itself. So the operators between cells are written out as source and compiled once; words with
a memory stay objects and are called. The source is made of cell names, numbers and the operators below only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

from barograph.signals.expression import Signal
from barograph.signals.step.cells import Cell

__all__ = ["OPERATORS", "compile_plan"]

#: How each operator is written between operands `x` and `y`. A result that may not be finite is checked.
OPERATORS = {
    "add": "x + y",
    "sub": "x - y",
    "mul": "x * y",
    "div": "x / y if y else nan",
    "minimum": "y if y < x else x",
    "maximum": "y if y > x else x",
    "lt": "x < y",
    "le": "x <= y",
    "gt": "x > y",
    "ge": "x >= y",
    "neg": "-x",
    "abs": "abs(x)",
    "log": "log(x) if x > 0 else nan",
    "not": "not x",
    "and": "x and y",
    "or": "x or y or False",
}
MAY_OVERFLOW = frozenset({"add", "sub", "mul", "div", "log"})


def compile_plan(
    cells: Mapping[Signal, Cell], touched: Sequence[Signal], reached: Collection[Signal]
) -> Callable[[int], None]:
    """What a row does: one function of the row's number.

    `touched` are the signals to look at, inputs first; of those, `reached` may have updates of their own.
    """
    names = {signal: f"c{number}" for number, signal in enumerate(cells)}
    namespace: dict[str, object] = {"nan": math.nan, "inf": math.inf, "log": math.log}
    namespace |= {names[signal]: cell for signal, cell in cells.items()}
    lines = ["def plan(row):"]
    for signal in touched:
        if signal.word in OPERATORS:
            lines += _operation(signal, cells[signal], names, reached)
        else:
            update = f"{names[signal]}_update"
            namespace[update] = cells[signal].update
            lines.append(f"{update}(row)")
    source = "\n    ".join([*lines, "return"])
    exec(compile(source, "<signals>", "exec"), namespace)  # noqa: S102 - made of our own names, numbers and operators
    return namespace["plan"]  # type: ignore[return-value]


def _operation(signal: Signal, cell: Cell, names: Mapping[Signal, str], reached: Collection[Signal]) -> list[str]:
    """The lines of one operator."""
    me = names[signal]
    operands = [_operand(argument, names) for argument in signal.arguments]
    result = OPERATORS[signal.word]
    loads = [f"{letter} = {operand}" for letter, operand in zip("xy", operands, strict=False)]
    unknown = [letter for letter, argument in zip("xy", signal.arguments, strict=False) if isinstance(argument, Signal)]
    known = (" or " if signal.word == "or" else " and ").join(f"{letter} is not None" for letter in unknown)
    if cell.passive:
        return [
            *loads,
            f"x = ({result}) if {known} else None",
            f"{me}.value = x if x is not None and x - x == 0 else None",
        ]
    fresh = " or ".join(f"{names[part]}.stamp == row" for part in dict.fromkeys(signal.inputs) if part in reached)
    lines = [f"if {fresh}:", *(f"    {load}" for load in loads)]
    indent = "    "
    if len(signal.inputs) > 1:  # a single input that has just been updated has a value
        lines.append(f"{indent}if {known}:")
        indent += "    "
    if signal.word in MAY_OVERFLOW:
        lines += [f"{indent}x = {result}", f"{indent}if x - x == 0.0:"]
        indent += "    "
        result = "x"
    return [*lines, f"{indent}{me}.value = {result}", f"{indent}{me}.stamp = row"]


def _operand(argument: object, names: Mapping[Signal, str]) -> str:
    if isinstance(argument, Signal):
        return f"{names[argument]}.value"
    return f"({float(argument)!r})"  # type: ignore[arg-type]
