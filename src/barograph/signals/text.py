"""The text form of an expression, read without ever running it.

Python's own parser makes the tree; only the words of the vocabulary, numbers and operators are taken from it.

>>> parse("sustained(ema(reward_margin, 5) < 0, steps=10)")
<Condition sustained(ema(reward_margin, 5) < 0, steps=10)>
>>> parse("eval.loss > 1.05 * lowest(eval.loss)")
<Condition eval.loss > 1.05 * lowest(eval.loss)>
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable

from barograph.core.errors import ExpressionError, suggest
from barograph.core.names import EVAL, TRAIN, catalogue
from barograph.signals.expression import Argument, Condition, Signal
from barograph.signals.words import WORDS, check

__all__ = ["parse", "parse_condition"]

LONGEST = 2000
DEEPEST = 40

_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
_COMPARISON: dict[type[ast.cmpop], str] = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"}


def parse_condition(text: str) -> Condition:
    """Read an expression that must be true or false."""
    signal = parse(text)
    if not isinstance(signal, Condition):
        raise ExpressionError(f"{text!r} is a number, not a condition: compare it with something, as in `{text} > 1`")
    return signal


def parse(text: str) -> Signal:
    """Read an expression, or say in one sentence what is wrong with it and where."""
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression of {len(text)} characters is longer than the {LONGEST} allowed")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise ExpressionError(f"{text!r} cannot be read at column {error.offset}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{text[:60]!r} cannot be read as an expression") from None
    result = _Reader(text).read(tree.body, 0)
    if not isinstance(result, Signal):
        raise ExpressionError(f"{text!r} is a constant: nothing in it follows the run")
    check(result)
    return result


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text

    def wrong(self, node: ast.AST, problem: str) -> ExpressionError:
        part = ast.get_source_segment(self.text.strip(), node) if isinstance(node, ast.expr) else None
        return ExpressionError(f"in {self.text.strip()!r}: {problem}" + (f", at {part!r}" if part else ""))

    def read(self, node: ast.expr, depth: int) -> Argument:
        if depth > DEEPEST:
            raise ExpressionError(f"{self.text[:60]!r} is nested more than {DEEPEST} deep")
        match node:
            case ast.Constant(value=bool()):
                raise self.wrong(node, "true and false are not values here")
            case ast.Constant(value=int() | float() | str() as constant):
                return constant
            case ast.Name(id=name):
                return self.series(node, name, TRAIN)
            case ast.Attribute(value=ast.Name(id=split), attr=name) if split in {EVAL, TRAIN}:
                return self.series(node, name, split)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                value = self.read(inner, depth + 1)
                return -value if isinstance(value, int | float) else -self.signal(inner, value)
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return ~self.condition(inner, depth)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return self.arithmetic(
                    node, _ARITHMETIC[type(op)], self.read(left, depth + 1), self.read(right, depth + 1)
                )
            case ast.Compare(left=left, ops=ops, comparators=rights):
                return self.comparison(node, left, ops, rights, depth)
            case ast.BoolOp(op=op, values=values):
                return self.joined("and" if isinstance(op, ast.And) else "or", values, depth)
            case ast.Call(func=ast.Name(id=word)):
                return self.call(node, word, depth)
        raise self.wrong(node, "only metrics, numbers, operators and the words of the vocabulary can stand here")

    def series(self, node: ast.expr, name: str, split: str) -> Signal:
        if name not in catalogue():
            if name in WORDS:
                raise self.wrong(node, f"{name} is a word and needs its arguments in brackets")
            raise self.wrong(node, f"there is no metric {name!r}{suggest(name, catalogue())}")
        return Signal("metric", name, split)

    def signal(self, node: ast.expr, value: Argument) -> Signal:
        if not isinstance(value, Signal):
            raise self.wrong(node, "a metric or an expression over metrics must stand here")
        return value

    def condition(self, node: ast.expr, depth: int) -> Condition:
        value = self.read(node, depth + 1)
        if not isinstance(value, Condition):
            raise self.wrong(node, "a condition must stand here: a comparison, or and / or / not of some")
        return value

    def arithmetic(self, node: ast.expr, word: str, left: Argument, right: Argument) -> Argument:
        for side in (left, right):
            if isinstance(side, Condition | str):
                raise self.wrong(node, "only numbers can be added, subtracted, multiplied or divided")
        if isinstance(left, int | float) and isinstance(right, int | float):
            try:
                return {"add": left + right, "sub": left - right, "mul": left * right}.get(word) or (
                    left / right if word == "div" else 0.0
                )
            except (ZeroDivisionError, OverflowError):
                raise self.wrong(node, "this constant has no value") from None
        return Signal(word, left, right)

    def comparison(
        self, node: ast.expr, left: ast.expr, ops: Iterable[ast.cmpop], rights: Iterable[ast.expr], depth: int
    ) -> Condition:
        parts: list[Condition] = []
        here = self.read(left, depth + 1)
        for op, right in zip(ops, rights, strict=True):
            there = self.read(right, depth + 1)
            if type(op) not in _COMPARISON:
                raise self.wrong(node, "compare with <, <=, > or >=; equality of measured numbers is abs(a - b) < c")
            if (
                isinstance(here, str)
                or isinstance(there, str)
                or not isinstance(here, Signal) | isinstance(there, Signal)
            ):
                raise self.wrong(node, "a comparison needs a metric on one side at least")
            parts.append(Condition(_COMPARISON[type(op)], here, there))
            here = there
        joined = parts[0]
        for part in parts[1:]:
            joined = joined & part
        return joined

    def joined(self, word: str, values: list[ast.expr], depth: int) -> Condition:
        result = self.condition(values[0], depth)
        for value in values[1:]:
            result = Condition(word, result, self.condition(value, depth))
        return result

    def call(self, node: ast.Call, word: str, depth: int) -> Signal:
        if word not in WORDS:
            raise self.wrong(node, f"there is no word {word!r}{suggest(word, WORDS)}")
        function = WORDS[word]
        positional = [self.read(argument, depth + 1) for argument in node.args]
        named = {keyword.arg or "": self.read(keyword.value, depth + 1) for keyword in node.keywords}
        try:
            bound = inspect.signature(function).bind(*positional, **named)
        except TypeError as error:
            raise self.wrong(node, f"{word}: {error}") from None
        for name, value in bound.arguments.items():
            self.check_kind(node, word, name, value, str(inspect.signature(function).parameters[name].annotation))
        if word in {"metric", "nonfinite", "present"}:
            name = str(bound.arguments["name"])
            if name not in catalogue() and "/" not in name:
                raise self.wrong(node, f"there is no metric {name!r}{suggest(name, catalogue())}")
        return function(*bound.args, **bound.kwargs)

    def check_kind(self, node: ast.expr, word: str, name: str, value: Argument, takes: str) -> None:
        fits = {
            "str": isinstance(value, str),
            "Number": isinstance(value, int | float),
            "Condition": isinstance(value, Condition),
            "Signal": isinstance(value, Signal),
            "Value": isinstance(value, Signal | int | float),
        }[takes]
        if not fits:
            needed = {"str": "a name in quotes", "Number": "a number", "Condition": "a condition"}.get(
                takes, "a metric"
            )
            raise self.wrong(node, f"{word}: {name} must be {needed}")
