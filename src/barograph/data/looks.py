"""What a training has shown of each example it learned from: a few numbers for each, however long it goes on.

At every look a trainer has a margin of the example: by how much the model holds with its label. What is kept of all
looks is their number, mean and spread, how often the model held with the label, how often that was lost again, the
last margin, and what the looks told of the label, one after another (`odds.py` puts that together).

In KTO the margin is the reward of one answer times the sign of its label. All rewards drift together, which would put
all good answers on the wrong side at once, or all bad ones: so margins are taken beside the middle between good and bad
answers at that time, and only the last one is kept as it was too. In a pair the drift cancels out by itself.
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

__all__ = ["NTHS", "SLOTS", "WINDOW", "Look", "Looks", "width_of"]

#: So many looks, one after another, are of one time, or an eighth of an epoch if that is less, but not fewer than
#: these: how much a model knows changes within an epoch.
WINDOW, SHORTEST = 256, 64
#: Of fewer looks of one time, their mean and spread say little.
FEW = 32
#: So many looks at an example are kept apart; of more, neighbours are merged, again and again.
SLOTS = 8
#: What is kept of each example, and in how many bytes: 54 in all. `beside` is the last margin beside the middle of its
#: time. `told` is what each look told of the label, as log-odds; `place` which of its labels
#: the last look spoke against most, from 1 on.
KEPT = {
    "count": "i4", "mean": "f8", "squares": "f8", "right": "i4", "forgotten": "i4", "last": "f4", "beside": "f4",
    "told": f"({SLOTS},)f2", "place": "i2",
}  # fmt: skip
#: More than this no look can tell, and half a float holds it.
MOST_TOLD = 200.0
#: What is kept of the first looks at all examples, of the second ones, and so on: with which mean margin they began,
#: over how many looks that is, with which one they end, and how far margins lie from it (as a variance).
NTHS = 256
BEGIN, BEGUN, END, VARIANCE = range(4)
FORM = 2


@dataclass(frozen=True, slots=True)
class Look:
    """The margins of some examples at one time."""

    rows: NDArray[Any]
    margins: NDArray[Any]
    #: 1 and -1 where a margin is a score times the sign of its label, as in KTO: then what all scores have in common
    #: says nothing about any label. None for pairs, in which it cancels out.
    signs: NDArray[Any] | None = None
    #: Which of an example's labels its margin is of, from 1 on, where it has several, one for each step.
    places: NDArray[Any] | None = None


def _no_course() -> NDArray[Any]:
    import numpy as np

    return np.zeros((NTHS, 4))


@dataclass(slots=True)
class Looks:
    """The examples of a training, by their place in its data set."""

    examples: int
    #: What else a reader needs: the method, the data, the texts of those that stand out.
    about: dict[str, Any] = field(default_factory=dict)
    #: One array for each number that is kept.
    kept: dict[str, NDArray[Any]] = field(default_factory=dict)
    #: A row for each of the first, second ... looks: see `NTHS`.
    course: NDArray[Any] = field(default_factory=_no_course)
    _waiting: list[Look] = field(default_factory=list)

    def __post_init__(self) -> None:
        import numpy as np

        if not self.kept:
            self.kept = {name: np.zeros(self.examples, dtype=kind) for name, kind in KEPT.items()}

    def add(self, look: Look) -> None:
        """Take in some margins, in the order in which they came. Those that are no number are left out."""
        import numpy as np

        rows, margins = np.asarray(look.rows, dtype=np.int64), np.asarray(look.margins, dtype=np.float64)
        known = np.isfinite(margins) & (rows >= 0) & (rows < self.examples)
        signs, places = (None if one is None else np.asarray(one)[known] for one in (look.signs, look.places))
        if known.any():
            self._waiting.append(Look(rows[known], margins[known], signs, places))
        if sum(len(one.rows) for one in self._waiting) >= self.window:
            self.settle()

    @property
    def window(self) -> int:
        """So many looks are of one time."""
        return min(WINDOW, max(SHORTEST, self.examples // 8))

    def settle(self) -> None:
        """Work what waits into what is kept."""
        import numpy as np

        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        rows = np.concatenate([one.rows for one in waiting])
        margins = np.concatenate([one.margins for one in waiting])
        signs, places = _joined([one.signs for one in waiting]), _joined([one.places for one in waiting])
        if places is not None:
            self.kept["place"][rows] = places
        for now in np.array_split(np.arange(len(rows)), max(1, len(rows) // self.window)):
            self._settle(rows[now], margins[now], None if signs is None else signs[now])

    def _settle(self, rows: NDArray[Any], margins: NDArray[Any], signs: NDArray[Any] | None) -> None:
        """Work in looks of one time."""
        beside = margins - signs * _middle(margins * signs, signs) if signs is not None else margins
        # An example may come twice: its looks are taken one after another.
        turn = _repeats(rows)
        told = self._told(self.kept["count"][rows] + turn, beside)
        for now in (turn == one for one in range(int(turn.max()) + 1)):
            self._take(rows[now], margins[now], beside[now], told[now])

    def _told(self, nth: NDArray[Any], beside: NDArray[Any]) -> NDArray[Any]:
        """What these margins tell of their labels: they are of one time, and `nth` looks at their examples.

        A model that knows nothing yet has margins that say nothing. If right labels have margins around m with a
        variance of v, and wrong ones around -m, then a margin x tells 2 x m / v: the logarithm of how much likelier it
        makes a right label than a wrong one. What is read of m is never less than the error with which it is known.
        """
        import numpy as np

        told = np.zeros(len(beside))
        for look in np.unique(nth):
            is_now = nth == look
            group = beside[is_now]
            if look < NTHS:
                self._note(int(look), group)
            # Too few to know by: whatever looks there are at this time.
            known = group if len(group) >= FEW else beside
            spread = float(known.std())
            if spread > 0:
                mean = max(float(known.mean()) - self.start, spread / len(known) ** 0.5)
                told[is_now] = 2 * (group - self.start) * mean / spread**2
        return np.clip(told, -MOST_TOLD, MOST_TOLD)

    @property
    def edge(self) -> int:
        """So many looks are the beginning of an epoch, or its end."""
        return min(max(self.examples // 8, FEW), 2048)

    @property
    def start(self) -> float:
        """Where the margins of a model lie that knows nothing: not at nought where the least of several is taken."""
        return min(0.0, float(self.course[0, BEGIN]))

    def _note(self, look: int, margins: NDArray[Any]) -> None:
        """Keep with which mean margin the first, second ... looks begin and end."""
        course = self.course[look]
        size = self.edge
        count, mean = len(margins), float(margins.mean())
        course[VARIANCE] = margins.var() if count >= FEW or not course[BEGUN] else course[VARIANCE]
        if course[BEGUN] < size:
            course[BEGUN] += count
            course[BEGIN] += (mean - course[BEGIN]) * count / course[BEGUN]
            course[END] = course[BEGIN]
        else:
            course[END] += (mean - course[END]) * min(1.0, count / size)

    def _take(self, rows: NDArray[Any], margins: NDArray[Any], beside: NDArray[Any], told: NDArray[Any]) -> None:
        """One look at each of these examples."""
        kept = self.kept
        self._keep_told(rows, told)
        lost = (kept["beside"][rows] > 0) & (beside <= 0)  # Of what was never seen it is nought.
        kept["count"][rows] += 1
        # Welford's way: neither a sum of squares that overflows nor a list of all looks.
        off = beside - kept["mean"][rows]
        kept["mean"][rows] += off / kept["count"][rows]
        kept["squares"][rows] += off * (beside - kept["mean"][rows])
        kept["right"][rows] += beside > 0
        kept["forgotten"][rows] += lost
        kept["last"][rows] = margins
        kept["beside"][rows] = beside

    def _keep_told(self, rows: NDArray[Any], told: NDArray[Any]) -> None:
        """Put what a look has told into the slot of its turn, before it is counted."""
        import numpy as np

        count, slots = self.kept["count"][rows], self.kept["told"]
        before, width = width_of(count), width_of(count + 1)
        full = rows[(before < width) & (count > 0)]
        if len(full):
            pairs = slots[full].astype(np.float32).reshape(len(full), SLOTS // 2, 2).mean(axis=2)
            slots[full, : SLOTS // 2], slots[full, SLOTS // 2 :] = pairs, 0
        slot, place = np.divmod(count, width)
        was = slots[rows, slot].astype(np.float32)
        slots[rows, slot] = was + (told - was) / (place + 1)

    def to_bytes(self) -> bytes:
        """Everything but what still waits, as the content of a file."""
        import numpy as np

        file = io.BytesIO()
        about = json.dumps({"form": FORM, **self.about}).encode()
        content = {"about": np.frombuffer(about, dtype=np.uint8), "course": self.course, **self.kept}
        np.savez(file, **content)  # type: ignore[arg-type]
        return file.getvalue()

    @classmethod
    def read(cls, path: Any) -> Self:
        """As they were written; raises `UnreadableRun`."""
        import zipfile

        import numpy as np

        try:
            with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                about = dict(json.loads(file["about"].tobytes()))
                if about.pop("form", FORM) != FORM:
                    raise UnreadableRun(path, "holds margins of examples as another version of barograph kept them")
                kept = {name: _as_kept(file[name], kind) for name, kind in KEPT.items()}
                course = file["course"].reshape(NTHS, 4)
        except FileNotFoundError:
            raise UnreadableRun(path, "there is no such file") from None
        except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
            raise UnreadableRun(path, f"holds no margins of examples ({type(error).__name__})") from None
        if len({len(numbers) for numbers in kept.values()}) != 1:
            raise UnreadableRun(path, "holds more of one number than of another")
        return cls(len(kept["count"]), about, kept, course)


def width_of(count: Any) -> Any:
    """How many looks share a slot, where there were so many.

    >>> import numpy as np
    >>> width_of(np.array([0, 1, 8, 9, 16, 17])).tolist()
    [1, 1, 1, 2, 2, 4]
    """
    import numpy as np

    return 1 << np.ceil(np.log2(np.maximum(1.0, np.asarray(count) / SLOTS))).astype(np.int64)


def _joined(parts: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    """Parts one after another, if all are there."""
    import numpy as np

    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _as_kept(numbers: NDArray[Any], kind: str) -> NDArray[Any]:
    """What a file holds, in the form that it is kept in; raises ValueError."""
    import numpy as np

    form = np.dtype(kind)
    if numbers.shape[1:] != form.shape:
        raise ValueError
    return numbers.astype(form.base)


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
