"""What a training has shown of each example it learned from: a few numbers for each, however long it goes on.

At every look a trainer has a margin of the example: by how much the model holds with its label. What is kept of all
looks is their number, mean and spread, how often the model held with the label, how often that was lost again, and the
last margin.

In KTO the margin is the reward of one answer times the sign of its label. All rewards drift together, which would put
all good answers on the wrong side at once, or all bad ones: so whether a label is held with is asked beside the middle
between good and bad answers at that time. In a pair the drift cancels out by itself.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from barograph.core.errors import UnreadableRun

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FILE", "WINDOW", "Look", "Looks"]

#: Where a run keeps them, below its folder.
FILE = "logs/examples.npz"
#: So many looks, one after another, are of one time.
WINDOW = 256
#: What is kept of each example, and in how many bytes: 40 in all. `beside` is the last margin beside the middle of its
#: time, and `trail` the mean of these in which newer ones weigh more.
KEPT = {
    "count": "i4", "mean": "f8", "squares": "f8", "right": "i4", "forgotten": "i4", "last": "f4", "beside": "f4",
    "trail": "f4",
}  # fmt: skip
#: The weight of the newest look in the trail. The last look knows most while the model learns; earlier ones know better
#: once it has begun to learn wrong labels by heart.
NEWEST = 0.7
FORM = 1


@dataclass(frozen=True, slots=True)
class Look:
    """The margins of some examples at one time."""

    rows: NDArray[Any]
    margins: NDArray[Any]
    #: 1 and -1 where a margin is a score times the sign of its label, as in KTO: then what all scores have in common
    #: says nothing about any label. None for pairs, in which it cancels out.
    signs: NDArray[Any] | None = None


@dataclass(slots=True)
class Looks:
    """The examples of a training, by their place in its data set."""

    examples: int
    #: What else a reader needs: the method, the data, the texts of those that stand out.
    about: dict[str, Any] = field(default_factory=dict)
    #: One array for each number that is kept.
    kept: dict[str, NDArray[Any]] = field(default_factory=dict)
    _waiting: list[Look] = field(default_factory=list)

    def __post_init__(self) -> None:
        import numpy as np

        if not self.kept:
            self.kept = {name: np.zeros(self.examples, dtype=kind) for name, kind in KEPT.items()}

    def add(self, look: Look) -> None:
        """Take in some margins, in the order in which they came. Those that are no number are left out."""
        import numpy as np

        rows, margins = np.asarray(look.rows, dtype=np.int64), np.asarray(look.margins, dtype=np.float64)
        signs = None if look.signs is None else np.asarray(look.signs, dtype=np.float64)
        is_good = np.isfinite(margins) & (rows >= 0) & (rows < self.examples)
        if not is_good.all():
            rows, margins = rows[is_good], margins[is_good]
            signs = None if signs is None else signs[is_good]
        if len(rows):
            self._waiting.append(Look(rows, margins, signs))
        if sum(len(one.rows) for one in self._waiting) >= WINDOW:
            self.settle()

    def settle(self) -> None:
        """Work what waits into what is kept."""
        import numpy as np

        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        rows = np.concatenate([one.rows for one in waiting])
        margins = np.concatenate([one.margins for one in waiting])
        has_signs = all(one.signs is not None for one in waiting)
        signs = np.concatenate([one.signs for one in waiting if one.signs is not None]) if has_signs else None
        beside = margins - signs * _middle(margins * signs, signs) if signs is not None else margins
        # An example may come twice in one window: its looks are taken one after another.
        nth = _repeats(rows)
        for turn in range(int(nth.max()) + 1):
            now = nth == turn
            self._take(rows[now], margins[now], beside[now])

    def _take(self, rows: NDArray[Any], margins: NDArray[Any], beside: NDArray[Any]) -> None:
        """One look at each of these examples."""
        import numpy as np

        kept = self.kept
        lost = (kept["beside"][rows] > 0) & (beside <= 0)  # Of what was never seen it is nought.
        kept["count"][rows] += 1
        # Welford's way: neither a sum of squares that overflows nor a list of all looks.
        off = margins - kept["mean"][rows]
        kept["mean"][rows] += off / kept["count"][rows]
        kept["squares"][rows] += off * (margins - kept["mean"][rows])
        kept["right"][rows] += beside > 0
        kept["forgotten"][rows] += lost
        kept["last"][rows] = margins
        kept["beside"][rows] = beside
        weight = np.maximum(NEWEST, 1.0 / kept["count"][rows])
        kept["trail"][rows] += weight * (beside - kept["trail"][rows])

    def to_bytes(self) -> bytes:
        """Everything, as the content of a file."""
        import numpy as np

        self.settle()
        file = io.BytesIO()
        about = json.dumps({"form": FORM, **self.about}).encode()
        np.savez(file, about=np.frombuffer(about, dtype=np.uint8), **self.kept)  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def read(cls, path: Any) -> Self:
        """As they were written; raises `UnreadableRun`."""
        import zipfile

        import numpy as np

        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                about = dict(json.loads(file["about"].tobytes()))
                kept = {name: file[name].astype(kind) for name, kind in KEPT.items()}
        except FileNotFoundError:
            raise UnreadableRun(path, "there is no such file") from None
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
            raise UnreadableRun(path, f"holds no margins of examples ({type(error).__name__})") from None
        if len({len(numbers) for numbers in kept.values()}) != 1:
            raise UnreadableRun(path, "holds more of one number than of another")
        return cls(len(kept["count"]), about, kept)


def _middle(scores: NDArray[Any], signs: NDArray[Any]) -> float:
    """Half-way between the scores of good and of bad answers; what there is of them if one kind is missing."""
    import numpy as np

    kinds = [scores[signs > 0], scores[signs < 0]]
    return float(np.mean([np.median(kind) for kind in kinds if len(kind)]))


def _repeats(rows: Sequence[int] | NDArray[Any]) -> NDArray[Any]:
    """For each row, how many times it came before.

    >>> _repeats([7, 3, 7, 7, 3]).tolist()
    [0, 0, 1, 2, 1]
    """
    import numpy as np

    rows = np.asarray(rows)
    order = np.argsort(rows, kind="stable")
    ordered = rows[order]
    begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    nth = np.empty(len(rows), dtype=np.int64)
    nth[order] = np.arange(len(rows)) - np.repeat(begins, np.diff(np.append(begins, len(rows))))
    return nth
