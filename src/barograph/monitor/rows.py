"""A row as somebody's training loop gives it, made into one that can be written and one that can be judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from barograph.core.methods import Method
from barograph.core.metric import Unit
from barograph.core.names import catalogue, precedence, resolve, series_key

__all__ = ["Naming", "as_number"]

_PLAIN = frozenset({float, int})


def as_number(value: object) -> float | None:
    """The number that a value is, or None: what is no single number is not written.

    Tensors and arrays of one element, on whatever device, and the scalars of NumPy count; True and False are 1 and 0.
    """
    if isinstance(value, float | int):
        return value + 0
    if isinstance(value, str | bytes) or value is None:
        return None
    try:
        item = getattr(value, "item", None)
        found = item() if callable(item) else float(value)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - whatever somebody's object does: it is no number then
        return None
    return found + 0 if isinstance(found, float | int) else None


class _Leads(NamedTuple):
    series: str
    scale: float
    complement: bool
    is_share: bool


class Naming:
    """Where raw keys lead for one method. What is worked out once for a set of keys is kept."""

    def __init__(self, method: Method, by_hand: Mapping[str, str] | None = None) -> None:
        self.method = method
        self._by_hand = dict(by_hand or {})
        self._shapes: dict[tuple[str, ...], list[tuple[str, _Leads]]] = {}
        self._in_percent: set[str] = set()

    def values(self, row: Mapping[str, float]) -> dict[str, float]:
        """The numbers of a row under our names, in our units."""
        shape = tuple(row)
        known = self._shapes.get(shape)
        if known is None:
            known = self._shapes[shape] = self._worked_out(shape)
        values: dict[str, float] = {}
        for key, leads in known:
            value = row[key]
            if leads.scale != 1.0:
                value *= leads.scale
            if leads.complement:
                value = 1.0 - value
            if leads.is_share and (value > 1.5 or key in self._in_percent):
                self._in_percent.add(key)
                value /= 100.0
            values[leads.series] = value
        self._derive_margin(values)
        return values

    def _worked_out(self, shape: tuple[str, ...]) -> list[tuple[str, _Leads]]:
        best: dict[str, tuple[int, str, _Leads]] = {}
        for key in shape:
            if key in self._by_hand:
                best[self._by_hand[key]] = (-1, key, _Leads(self._by_hand[key], 1.0, False, False))
                continue
            found = resolve(key, self.method)
            if found is None or found.name == "step":
                continue
            series = series_key(found.name, found.split)
            metric = catalogue().get(found.name)
            alias = found.alias
            leads = _Leads(
                series,
                alias.scale if alias else 1.0,
                alias.complement if alias else False,
                metric is not None and metric.unit is Unit.SHARE,
            )
            rank = (precedence(found), key, leads)
            if series not in best or rank[:2] < best[series][:2]:
                best[series] = rank
        return [(key, leads) for _, key, leads in best.values()]

    def _derive_margin(self, values: dict[str, float]) -> None:
        for prefix in ("", "eval."):
            chosen, rejected = values.get(f"{prefix}reward_chosen"), values.get(f"{prefix}reward_rejected")
            if chosen is not None and rejected is not None:
                values.setdefault(f"{prefix}reward_margin", chosen - rejected)
