"""A row as somebody's training loop gives it, made into one that can be written and one that can be judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from barograph.core.lead import IN_PERCENT, Lead
from barograph.core.methods import Method
from barograph.core.names import precedence, resolve, series_key

__all__ = ["HIGHEST_STEP", "Cleaner", "Naming", "Plan", "as_number", "as_step", "flat"]

#: Readers keep steps in 64 bits.
HIGHEST_STEP = 2**63 - 1
#: So many sets of keys, and so many keys, are remembered: a log whose names never end must not fill the memory.
MOST_SHAPES, MOST_KEYS = 256, 20_000
#: After so many rows of one set of keys, a function of its own pays for the time that it takes to make.
OFTEN = 8
#: So many values that are no numbers are told; all are counted.
MOST_LEFT_OUT = 5
#: So deep may metrics lie inside each other.
DEEPEST = 8


def as_number(value: object) -> float | None:
    """The number that a value is, or None: what is no single number is not written.

    Tensors and arrays of one element, on whatever device, and the scalars of NumPy count; True and False are 1 and 0.
    A whole number too large for any float is infinite.
    """
    if isinstance(value, str | bytes | bytearray) or value is None:
        return None
    try:
        if not isinstance(value, float | int):
            item = getattr(value, "item", None)
            value = item() if callable(item) else float(value)  # type: ignore[arg-type]
        if isinstance(value, int):
            return int(value) if -HIGHEST_STEP <= value <= HIGHEST_STEP else float(value)
        return float(value) if isinstance(value, float) else None
    except OverflowError:
        return float("inf" if value > 0 else "-inf")  # type: ignore[operator]
    except Exception:  # noqa: BLE001 - whatever somebody's object does: it is no number then
        return None


def as_step(value: object) -> int | None:
    """The step that a value is: a whole number from 0 on, of whatever type; None for anything else."""
    if isinstance(value, bool):
        return None
    number = as_number(value)
    if number is None or not 0 <= number <= HIGHEST_STEP or number != int(number):
        return None
    return int(number)


def flat(metrics: Mapping[Any, object], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """Keys and values, with what lies inside each other joined by slashes.

    >>> list(flat({"loss": 0.7, "rewards": {"chosen": 1.0}}))
    [('loss', 0.7), ('rewards/chosen', 1.0)]
    """
    for key, value in metrics.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from flat(value, f"{name}/", depth + 1)
        else:
            yield name, value


class Cleaner:
    """Makes of what a training loop gives the numbers of a row. What is none is left out, and told."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        #: How many values were no numbers.
        self.left_out = 0
        self._tell = tell

    def cleaned(self, metrics: Mapping[str, object]) -> dict[str, float]:
        """The numbers of a row by their names, without the step."""
        row: dict[str, float] = {}
        for key, value in flat(metrics):
            number = value if type(value) is float else as_number(value)
            if number is not None:
                row[key] = number
            elif value is not None and key != "step":
                self._leave_out(key, value)
        row.pop("step", None)
        return row

    def _leave_out(self, key: str, value: object) -> None:
        self.left_out += 1
        if self.left_out <= MOST_LEFT_OUT:
            self._tell(f"the metric {key[:80]!r} is of type {type(value).__name__}, not one number: left out")


class Plan:
    """What is to be done with every row of one set of keys."""

    __slots__ = ("keys", "last", "leads", "margins", "quick", "series", "steady", "uses")

    def __init__(self, leads: Mapping[str, Lead]) -> None:
        self.leads = dict(leads)
        self.series = tuple(lead.series for lead in leads.values())
        #: Those that a resume shows itself by; an epoch is counted anew for other reasons.
        self.steady = frozenset(name for name in self.series if name.rpartition(".")[2] != "epoch")
        self.margins = tuple(
            prefix
            for prefix in ("", "eval.")
            if {f"{prefix}reward_chosen", f"{prefix}reward_rejected"} <= {*self.series}
            and f"{prefix}reward_margin" not in self.series
        )
        #: What a row of these keys has: its series, and the margins that are made of them.
        self.keys = (*self.series, *(f"{prefix}reward_margin" for prefix in self.margins))
        #: The step of the last such row.
        self.last = -1
        #: Rows that were made by hand; from some on a function of its own pays.
        self.uses = 0
        self.quick: Callable[[Mapping[str, float]], dict[str, float] | None] = _nothing

    def write_out(self) -> None:
        """Make the quick function. It gives None for a row with a share that may be in percent."""
        name_of = {series: f"v{place}" for place, series in enumerate(self.series)}
        lines = []
        for key, lead in self.leads.items():
            value = f"row[{key!r}]" if lead.scale == 1.0 else f"row[{key!r}] * {lead.scale!r}"
            lines.append(f"{name_of[lead.series]} = {f'1.0 - ({value})' if lead.complement else value}")
            if lead.is_share:
                lines.append(f"if {IN_PERCENT} < {name_of[lead.series]}: return None")
        values = [f"{series!r}: {name}" for series, name in name_of.items()]
        for prefix in self.margins:
            chosen, rejected = name_of[f"{prefix}reward_chosen"], name_of[f"{prefix}reward_rejected"]
            values.append(f"{prefix + 'reward_margin'!r}: {chosen} - {rejected}")
        source = "\n    ".join(["def quick(row):", *lines, f"return {{{', '.join(values)}}}"])
        made: dict[str, Any] = {}
        exec(source, made)  # noqa: S102 - keys stand in it as quoted text, and nothing else comes from outside
        self.quick = made["quick"]


def _nothing(row: Mapping[str, float]) -> None:
    """Stands where there is no quick function."""


class Naming:
    """Where raw keys lead for one method. What is worked out once for a set of keys is kept in `plans`."""

    def __init__(self, method: Method, by_hand: Mapping[str, str] | None = None) -> None:
        self.method = method
        self.plans: dict[tuple[str, ...], Plan] = {}
        self._by_hand = dict(by_hand or {})
        self._leads: dict[str, tuple[int, Lead | None]] = {}
        self._in_percent: set[str] = set()

    def plan(self, row: Mapping[str, float]) -> Plan:
        """What to do with a row of these keys."""
        shape = tuple(row)
        known = self.plans.get(shape)
        if known is None:
            if len(self.plans) >= MOST_SHAPES:
                self.plans.clear()
            known = self.plans[shape] = self._worked_out(shape)
        return known

    def values(self, row: Mapping[str, float]) -> dict[str, float]:
        """The numbers of a row under our names, in our units."""
        return self.carried_out(self.plan(row), row)

    def carried_out(self, plan: Plan, row: Mapping[str, float]) -> dict[str, float]:
        """What a plan makes of a row."""
        return plan.quick(row) or self._by_hand_made(plan, row)

    def _by_hand_made(self, plan: Plan, row: Mapping[str, float]) -> dict[str, float]:
        plan.uses += 1
        if plan.uses == OFTEN and self._in_percent.isdisjoint(plan.leads):
            plan.write_out()
        values = {}
        for key, lead in plan.leads.items():
            value = lead.in_unit(row[key])
            if lead.is_share and (IN_PERCENT < value <= 100.0 or key in self._in_percent):
                self._take_as_percent(key)
                value /= 100.0
            values[lead.series] = value
        for prefix in plan.margins:
            values[f"{prefix}reward_margin"] = values[f"{prefix}reward_chosen"] - values[f"{prefix}reward_rejected"]
        return values

    def _take_as_percent(self, key: str) -> None:
        if key not in self._in_percent:
            self._in_percent.add(key)
            for plan in self.plans.values():
                if key in plan.leads:
                    plan.quick = _nothing

    def _worked_out(self, shape: tuple[str, ...]) -> Plan:
        best: dict[str, tuple[int, str, Lead]] = {}
        for key in shape:
            rank, lead = self._lead(key)
            if lead is not None and (lead.series not in best or (rank, key) < best[lead.series][:2]):
                best[lead.series] = rank, key, lead
        return Plan({key: lead for _, key, lead in best.values()})

    def _lead(self, key: str) -> tuple[int, Lead | None]:
        """Where one key leads, and its rank among those that lead there; None if it is none of ours."""
        if key not in self._leads:
            if len(self._leads) >= MOST_KEYS:
                self._leads.clear()
            self._leads[key] = self._resolved(key)
        return self._leads[key]

    def _resolved(self, key: str) -> tuple[int, Lead | None]:
        if key in self._by_hand:
            return -1, Lead.to(self._by_hand[key], None)
        found = resolve(key, self.method)
        if found is None or found.name == "step":
            return 0, None
        return precedence(found), Lead.to(series_key(found.name, found.split), found.alias)
