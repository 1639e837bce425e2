"""The map of a training set: what was learned with ease, what wavered, and what was never learned.

After Swayamdipta and others, "Dataset Cartography" (arXiv 2009.10795), with margins in place of probabilities as in
"Identifying Mislabeled Data using the Area Under the Margin Ranking" (2001.10528), and with the forgetting events of
Toneva and others (1812.05159).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from barograph.data.odds import odds_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from barograph.data.looks import Looks

__all__ = ["LIKELY", "Map", "Region", "map_of"]

#: From this share of looks on at which the label was held with, an example is easy; below the other, hard.
EASY, HARD = 0.75, 0.25
#: Of an example that was seen once, a margin of less than this part of the usual one says neither.
NEAR = 0.25
#: From this chance on an example counts among those that stand apart.
LIKELY = 0.5


class Region(IntEnum):
    """Where on the map an example lies."""

    UNSEEN = 0
    EASY = 1
    AMBIGUOUS = 2
    HARD = 3

    @property
    def words(self) -> str:
        """What that means."""
        return ("never seen", "learned", "undecided", "never learned")[self]


@dataclass(frozen=True, slots=True)
class Map:
    """One number for each example in each array, by its place in the data."""

    #: How many looks there were at it.
    count: NDArray[Any]
    #: The mean of its margins, and how far they lay from it (standard deviation).
    mean: NDArray[Any]
    spread: NDArray[Any]
    #: The share of looks at which the model held with the label.
    right: NDArray[Any]
    #: How often the model held with it and then no longer.
    forgotten: NDArray[Any]
    region: NDArray[Any]
    #: How much speaks for a wrong label, and how likely it is one: see `odds.py`. Minus infinity if never seen.
    score: NDArray[Any]
    chance: NDArray[Any]
    #: The part of the last looks' mean margin that was learned by heart; None after one look at each.
    by_heart: float | None

    @property
    def seen(self) -> int:
        """So many examples were looked at."""
        return int((self.count > 0).sum())

    @property
    def looks(self) -> float:
        """So many looks there were at each of them, on average."""
        return float(self.count.sum()) / max(1, self.seen)

    @property
    def apart(self) -> int:
        """So many examples stand apart from the rest: a wrong label, or of another kind."""
        return int((self.chance > LIKELY).sum())

    def counts(self) -> dict[str, int]:
        """How many examples each region has."""
        return {region.name.lower(): int((self.region == region).sum()) for region in Region}

    def drawn(self, most: int) -> list[int]:
        """Places for a picture that holds so many: those that stand apart have a third of it, if they need it."""
        import numpy as np

        places = np.flatnonzero(self.count > 0)
        is_apart = self.chance[places] > LIKELY
        apart, others = _evenly(places[is_apart], most // 3), places[~is_apart]
        chosen: list[int] = np.concatenate((_evenly(others, most - len(apart)), apart)).tolist()
        return chosen

    def ranked(self) -> list[int]:
        """The places of all examples that were seen, the likeliest wrong label first."""
        import numpy as np

        order: list[int] = np.argsort(-self.score, kind="stable").tolist()
        return order[: self.seen]

    def wavering(self) -> list[int]:
        """The places of ambiguous examples: those that were forgotten most often first, then the widest spread."""
        import numpy as np

        places = np.flatnonzero(self.region == Region.AMBIGUOUS)
        order = np.lexsort((-self.spread[places], -self.forgotten[places]))
        wavering: list[int] = places[order].tolist()
        return wavering


def _evenly(places: NDArray[Any], most: int) -> NDArray[Any]:
    """No more than so many of them, evenly spread."""
    return places[:: max(1, -(-len(places) // max(1, most)))]


def map_of(looks: Looks) -> Map:
    """Each example's place, from what was kept of it. Looks that still wait are not in it."""
    import numpy as np

    kept, odds = looks.kept, odds_of(looks)
    count = kept["count"]
    is_seen = count > 0
    times = np.maximum(count, 1)
    right = kept["right"] / times
    region = np.where(right >= EASY, Region.EASY, np.where(right <= HARD, Region.HARD, Region.AMBIGUOUS))
    size = np.abs(kept["beside"])
    usual = float(np.median(size[is_seen])) if is_seen.any() else 0.0
    region = np.where((count == 1) & (size < NEAR * usual), Region.AMBIGUOUS, region)
    return Map(
        count=count,
        mean=kept["mean"],
        spread=np.sqrt(kept["squares"] / times),
        right=right,
        forgotten=kept["forgotten"],
        region=np.where(is_seen, region, Region.UNSEEN),
        score=odds.score,
        chance=odds.chance,
        by_heart=odds.by_heart,
    )
