"""What is remembered from row to row: variables that all generated functions of a program share.

They are Python's own closure cells, the quickest state there is: generated functions use them as `nonlocal` names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import CellType, CodeType, FunctionType
from typing import Any

from barograph.signals.expression import Signal
from barograph.signals.step.memory import HELPERS
from barograph.signals.step.operators import COMMON, OPERATORS, function_of
from barograph.signals.step.outline import LOGGED, Outline

__all__ = ["State", "bind", "name_of"]

Reader = Callable[[], Any]


def name_of(number: int, part: str = "") -> str:
    """The variable of a signal: its value, or something else that it remembers."""
    return f"c{number}_{part}" if part else f"c{number}"


class State:
    """The variables of a program, by name, and the step of the row."""

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self.step: float = 0.0
        self.variables: dict[str, CellType] = {}
        for signal, number in outline.number.items():
            is_read = signal in outline.memory and outline.memory[signal].read is not None
            if (signal in outline.memory and not is_read) or signal.word in LOGGED:
                self.variables[name_of(number)] = CellType(None)
            if signal in outline.memory:
                for part, value in outline.memory[signal].state.items():
                    self.variables[name_of(number, part)] = CellType(value)
            elif signal in outline.kept:
                self.variables[name_of(number)] = CellType(None)
        for number in range(len(outline.conditions)):
            self.variables[f"failed{number}"] = CellType(False)

    def expect(self, most: float) -> None:
        """Metrics may be so large from now on: what is kept for that begins with the values that hold."""
        held = {signal: self.reader(signal)() for signal in self.outline.number if signal.word in OPERATORS}
        self.outline.expect(most)
        for signal in self.outline.kept:
            self.variables.setdefault(name_of(self.outline.number[signal]), CellType(held[signal]))

    def variable(self, signal: Signal, part: str = "") -> CellType | None:
        """The variable that holds a signal's value, or another thing that it remembers; None where it has none."""
        return self.variables.get(name_of(self.outline.number[signal], part))

    def now(self, signal: Signal) -> Any:
        """The value of a signal that has a variable."""
        cell = self.variable(signal)
        return None if cell is None else cell.cell_contents

    def has_value(self, signal: Signal) -> bool:
        """Whether a signal that has a variable has a value, too."""
        memory = self.outline.memory.get(signal)
        if memory is not None and memory.read is not None:
            return bool(self.variables[name_of(self.outline.number[signal], "window")].cell_contents)
        return self.now(signal) is not None

    def has_failed(self, condition: int) -> bool:
        """Whether a condition has been false since it last held."""
        return bool(self.variables[f"failed{condition}"].cell_contents)

    def memory(self, signal: Signal) -> dict[str, object]:
        """All that a word with a memory remembers."""
        number = self.outline.number[signal]
        parts = ("", *self.outline.memory[signal].state)
        cells = ((part, self.variables.get(name_of(number, part))) for part in parts)
        return {part: None if cell is None else cell.cell_contents for part, cell in cells}

    def reader(self, signal: Signal) -> Reader:
        """A function that tells the latest value of a signal, None while there is none."""
        cell = self.variable(signal)
        if cell is not None:
            return lambda: cell.cell_contents
        if signal in self.outline.memory:
            return self._looked_up(signal)
        timeline = self.outline.timeline
        match signal.word:
            case "fact":
                return lambda: timeline.facts.get(str(signal.arguments[0]))
            case "step":
                return lambda: self.step
            case "progress":
                return lambda: self.step / timeline.horizon if timeline.horizon else None
            case "before":
                limit = timeline.reach(*signal.arguments)  # type: ignore[arg-type]
                return lambda: self.step <= limit
            case "after" | "after_warmup":
                begins = begin_of(self.outline, signal)
                return lambda: True if self.step >= begins else None
        return self._operator(signal)

    def _looked_up(self, signal: Signal) -> Reader:
        """For a word whose value is worked out where it is read."""
        window = self.variables[name_of(self.outline.number[signal], "window")]
        read = str(self.outline.memory[signal].read).replace("me_window", "window")
        value = eval(f"lambda window: {read}", dict(HELPERS))  # noqa: S307 - a line of the table of words
        return lambda: value(window.cell_contents) if window.cell_contents else None

    def _operator(self, signal: Signal) -> Reader:
        function = function_of(signal.word)
        operands = [
            self.reader(part) if isinstance(part, Signal) else lambda part=float(part): part  # type: ignore[misc]
            for part in signal.arguments
        ]
        enough: Sequence[Reader] = operands
        if signal.word == "or":
            deciding = self.outline.deciding(signal)
            enough = [operand for part, operand in zip(signal.arguments, operands, strict=True) if part in deciding]
        missing = all if signal.word == "or" else any
        kept, failing = self.outline.kept, self.outline.failing  # both may grow

        def read() -> Any:
            if signal in kept:
                return self.now(signal)
            values = [operand() for operand in operands]
            if missing(operand() is None for operand in enough):
                return None
            value = function(*(False if value is None else value for value in values))
            return None if signal in failing and value - value != 0.0 else value

        return read


def begin_of(outline: Outline, signal: Signal) -> float:
    """The step at which a phase begins."""
    if signal.word == "after_warmup":
        return outline.timeline.warmup_end()
    return outline.timeline.reach(*signal.arguments)  # type: ignore[arg-type]


def bind(source: str, variables: Mapping[str, CellType], names: Mapping[str, object]) -> Callable[..., Any]:
    """The function that stands in this source, with those of the variables that it uses for its own.

    The source nests it in another one, which declares the variables and is never called.
    """
    code = compile(source, "<signals>", "exec")
    for _ in range(2):
        code = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
    closure = tuple(variables[name] for name in code.co_freevars)
    return FunctionType(code, {**COMMON, **names}, code.co_name, None, closure)
