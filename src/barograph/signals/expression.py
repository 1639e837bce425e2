"""What an expression is: a word and its arguments, joined by Python's own operators.

>>> from barograph.signals.words import ema, metric, sustained
>>> str(sustained(ema(metric("reward_margin"), 5) < 0, steps=10))
'sustained(ema(reward_margin, 5) < 0, steps=10)'
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Never, TypeAlias

from barograph.core.errors import ConfigurationError

if TYPE_CHECKING:
    from barograph.core.methods import Method

__all__ = ["Argument", "Condition", "Number", "Param", "Signal", "Value"]

#: Infix words: how they are written and how tightly they bind.
INFIX = {
    "or": (" or ", 1),
    "and": (" and ", 2),
    "lt": (" < ", 4),
    "le": (" <= ", 4),
    "gt": (" > ", 4),
    "ge": (" >= ", 4),
    "add": (" + ", 5),
    "sub": (" - ", 5),
    "mul": (" * ", 6),
    "div": (" / ", 6),
}
NOT_BINDS = 3
NEGATION_BINDS = 7


Number: TypeAlias = "float | int | Signal"
Argument: TypeAlias = "Signal | float | int | str"
Value: TypeAlias = "Signal | float | int"


class Signal:
    """A number that follows the rows of a run. Immutable; equal if word and arguments are equal."""

    __slots__ = ("_hash", "arguments", "word")

    def __init__(self, word: str, *arguments: Argument) -> None:
        self.word = word
        self.arguments = arguments
        self._hash = hash((word, arguments))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Signal)
            and self._hash == other._hash
            and self.word == other.word
            and self.arguments == other.arguments
        )

    def __bool__(self) -> Never:
        raise TypeError("a signal has no truth of its own: join conditions with & | ~, not with and, or, not")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def __str__(self) -> str:
        return write(self)

    # Arithmetic
    def __add__(self, other: Value) -> Signal:
        return Signal("add", self, other)

    def __radd__(self, other: Value) -> Signal:
        return Signal("add", other, self)

    def __sub__(self, other: Value) -> Signal:
        return Signal("sub", self, other)

    def __rsub__(self, other: Value) -> Signal:
        return Signal("sub", other, self)

    def __mul__(self, other: Value) -> Signal:
        return Signal("mul", self, other)

    def __rmul__(self, other: Value) -> Signal:
        return Signal("mul", other, self)

    def __truediv__(self, other: Value) -> Signal:
        return Signal("div", self, other)

    def __rtruediv__(self, other: Value) -> Signal:
        return Signal("div", other, self)

    def __neg__(self) -> Signal:
        return Signal("neg", self)

    def __abs__(self) -> Signal:
        return Signal("abs", self)

    # Comparison
    def __lt__(self, other: Value) -> Condition:
        return Condition("lt", self, other)

    def __le__(self, other: Value) -> Condition:
        return Condition("le", self, other)

    def __gt__(self, other: Value) -> Condition:
        return Condition("gt", self, other)

    def __ge__(self, other: Value) -> Condition:
        return Condition("ge", self, other)

    @property
    def inputs(self) -> tuple[Signal, ...]:
        """The signals that this one is made of."""
        return tuple(argument for argument in self.arguments if isinstance(argument, Signal))

    def walk(self) -> Iterator[Signal]:
        """This signal and every one inside it, inputs first; equal ones may come more than once."""
        for part in self.inputs:
            yield from part.walk()
        yield self

    def bind(self, number_of: Callable[[Param], float]) -> Argument:
        """The same expression with every parameter replaced by its number; a number where nothing else is left."""
        bound = tuple(
            argument.bind(number_of) if isinstance(argument, Signal) else argument for argument in self.arguments
        )
        if self.word in _FOLDS and all(isinstance(argument, int | float) for argument in bound):
            return _FOLDS[self.word](*bound)
        return type(self)(self.word, *bound)

    def series(self) -> tuple[str, ...]:
        """The series keys that it reads, in order of first use, each once."""
        from barograph.core.names import series_key

        keys = (
            series_key(str(part.arguments[0]), str(part.arguments[1]))
            for part in self.walk()
            if part.word in {"metric", "nonfinite", "present"}
        )
        return tuple(dict.fromkeys(keys))


class Condition(Signal):
    """A signal that is true or false, or has no value yet and is then neither."""

    __slots__ = ()

    def __and__(self, other: Condition) -> Condition:
        return Condition("and", self, _condition(other, "&"))

    def __or__(self, other: Condition) -> Condition:
        return Condition("or", self, _condition(other, "|"))

    def __invert__(self) -> Condition:
        return Condition("not", self)


_FOLDS: dict[str, Callable[..., float]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
}


class Param(Signal):
    """A number in a rule that its reader may set: a default, what it means, and what the guides say.

    `by_method` holds defaults for single methods; `guide` is the value of the `guide` profile, which takes the
    numbers of the published guides literally. Every parameter is equal to itself only.
    """

    __slots__ = ("by_method", "default", "doc", "guide", "name")

    def __init__(
        self,
        default: float,
        doc: str,
        *,
        by_method: Mapping[Method, float] | None = None,
        guide: float | None = None,
    ) -> None:
        super().__init__("param", str(id(self)))
        self.default = default
        self.doc = doc
        self.by_method = dict(by_method or {})
        self.guide = guide
        self.name = ""

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def bind(self, number_of: Callable[[Param], float]) -> Argument:
        return number_of(self)

    def value(self, method: Method | None = None, profile: str = "default") -> float:
        """The number that holds for a method under a profile."""
        if profile == "guide" and self.guide is not None:
            return self.guide
        if method is not None and method in self.by_method:
            return self.by_method[method]
        return self.default


def _condition(other: object, sign: str) -> Condition:
    if not isinstance(other, Condition):
        raise ConfigurationError(f"{sign} joins conditions, and {other!r} is none")
    return other


def write(signal: Signal) -> str:
    """The text form, which `text.parse` reads back to an equal signal."""
    return _write(signal, 0)


def _write(argument: Argument, outer: int) -> str:
    if isinstance(argument, Param):
        return _number(argument.default)
    if isinstance(argument, str):
        return repr(argument)
    if not isinstance(argument, Signal):
        return _number(argument)
    word, arguments = argument.word, argument.arguments
    if word in INFIX:
        sign, binds = INFIX[word]
        # The right side needs brackets already at equal strength: a - (b - c); comparisons do not chain at all.
        left = _write(arguments[0], binds + (1 if binds == INFIX["lt"][1] else 0))
        text, strength = left + sign + _write(arguments[1], binds + 1), binds
    elif word == "not":
        text, strength = "not " + _write(arguments[0], NOT_BINDS), NOT_BINDS
    elif word == "neg":
        text, strength = "-" + _write(arguments[0], NEGATION_BINDS), NEGATION_BINDS
    elif word == "metric":
        return _metric(str(arguments[0]), str(arguments[1]))
    else:
        return f"{word}({', '.join(_call_arguments(word, arguments))})"
    return f"({text})" if strength < outer else text


def _metric(name: str, split: str) -> str:
    if name.isidentifier() and split in {"train", "eval"}:
        return name if split == "train" else f"eval.{name}"
    return f"metric({name!r})" if split == "train" else f"metric({name!r}, {split!r})"


def _call_arguments(word: str, arguments: tuple[Argument, ...]) -> Iterator[str]:
    """Arguments as a person would write them: defaults left out, options by name."""
    from barograph.signals.words import parameters_of

    for argument, parameter in zip(arguments, parameters_of(word), strict=True):
        if parameter.optional and argument == parameter.default:
            continue
        text = _write(argument, 0)
        yield f"{parameter.name}={text}" if parameter.by_name else text


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
