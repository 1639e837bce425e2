"""Devices that many people have, by the name under which `--profile` knows them. The standard library alone."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CARDS", "THIS", "Card"]

#: Whatever is in this machine.
THIS = "auto"


@dataclass(frozen=True, slots=True)
class Card:
    """What there is to train on."""

    #: Gigabytes on each; 0 for the memory of this machine.
    gigabytes: float
    count: int = 1
    is_processor: bool = False


CARDS = {
    "cpu": Card(0.0, is_processor=True),
    "24gb": Card(24.0),
    "2x24gb": Card(24.0, count=2),
    "80gb": Card(80.0),
    "h200": Card(141.0),
}
