"""The examples that a run never learned: which they are, what stands in them, and where in their file they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from barograph.core.errors import BarographError, UnreadableRun
from barograph.data.kept import FILE
from barograph.data.looks import Looks
from barograph.data.map import Map, Region, map_of

__all__ = ["TWICE", "RunReport", "Suspect", "report_of_run", "sentences"]

#: Methods that learn from answers which they make themselves.
ONLINE = ("ppo", "grpo", "rloo", "online-dpo")
#: From so many looks at each example on, on average, the map has a second dimension.
TWICE = 1.5
#: From this part of the margin on it is worth saying that it was learned by heart.
MUCH = 0.6
#: A file of so many bytes is read in a second.
SMALL = 1 << 25


@dataclass(frozen=True, slots=True)
class Suspect:
    """One example that stands out."""

    #: Its place in what was trained on, from 1 on.
    row: int
    region: str
    #: How much speaks for a wrong label; comparable within one run.
    score: float
    #: How likely it is one of those that stand apart from the rest: see `odds.py`.
    chance: float
    mean: float
    spread: float
    looks: int
    right: float
    forgotten: int
    #: Of several labels, one for each step, which one the model held against most when it looked last, from 1 on.
    step: int | None = None
    #: What stands in it, by column, clipped; empty where nobody knows.
    texts: Mapping[str, str] = field(default_factory=dict)
    #: The row of the data file, from 1 on, where it was found there, and the file, where there are several.
    file_row: int | None = None
    file: str | None = None

    def to_dict(self) -> dict[str, object]:
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**known, "texts": dict(self.texts)}


@dataclass(frozen=True, slots=True)
class RunReport:
    """What one run has shown of its examples."""

    path: str
    method: str
    map: Map
    suspects: Sequence[Suspect]
    ambiguous: Sequence[Suspect]
    data: str | None = None
    notes: Sequence[str] = ()

    def to_dict(self) -> dict[str, object]:
        return {
            "path": self.path, "method": self.method, "data": self.data, "examples": len(self.map.score),
            "seen": self.map.seen, "looks": self.map.looks, "regions": self.map.counts(),
            "apart": self.map.apart, "by_heart": self.map.by_heart,
            "suspects": [one.to_dict() for one in self.suspects],
            "ambiguous": [one.to_dict() for one in self.ambiguous],
            "notes": list(self.notes),
        }  # fmt: skip


def report_of_run(
    path: str | Path, *, data: str | None = None, top: int = 20, patient: bool = True
) -> RunReport:  # fmt: skip
    """What a run has shown: the `top` examples whose label is likeliest wrong, and as many on which it wavered.

    Their rows are looked for in the file that the run was trained on: the one that is named, or the one that a recipe
    was told. In one that is large they are looked for only if the caller is `patient`.
    """
    file = Path(path) / FILE
    if not file.is_file():
        raise UnreadableRun(path, *_why_none(Path(path)))
    looks = Looks.read(file)
    found = map_of(looks)
    if not found.seen:
        raise UnreadableRun(path, "no example has been looked at yet", "come back after some steps")
    kept = {int(one["row"]): one for one in looks.about.get("texts", ())}
    first = found.ranked()[:top]
    are_first = set(first)
    others = [place for place in found.wavering() if place not in are_first][:top]
    suspects, wavering = (
        [_suspect(found, place, kept, int(looks.kept["place"][place])) for place in places]
        for places in (first, others)
    )
    where = data or _told(Path(path), patient=patient)
    notes = []
    if where is not None:
        try:
            suspects, wavering = _placed(where, kept, suspects, wavering)
        except (OSError, BarographError) as error:
            if data is not None:
                raise
            notes.append(f"its data could not be read again ({error})")
            where = None
        else:
            if any(one.file_row is None for one in (*suspects, *wavering)):
                notes.append(f"some of these examples were not found in {where}")
    if where is None:
        notes.append("rows are those of what the trainer was given, which may have been mixed and split before")
    if found.looks < TWICE:
        notes.append("most examples were seen once: two epochs or three tell more")
    return RunReport(str(path), str(looks.about.get("method", "")), found, suspects, wavering, where, notes)


def sentences(report: RunReport) -> list[str]:
    """What its numbers say, in words."""
    found = report.map
    times = "once" if found.looks == 1 else f"{found.looks:.1f} times each on average"
    said = [f"{found.seen:,} of {len(found.score):,} examples were looked at, {times}."]
    if found.apart:
        verb = "examples stand" if found.apart > 1 else "example stands"
        said.append(
            f"{found.apart:,} {verb} apart from the rest, as wrong labels do: those at the top of the list. "
            "What is merely hard, or of another kind than the rest, stands there too."
        )
    else:
        said.append("No group of examples stands apart: the list is an order, and has no end up to which to go.")
    if found.by_heart is not None and found.by_heart >= MUCH:
        said.append(
            f"About {found.by_heart:.0%} of the margin at the end was learned label by label, not from other examples: "
            "epochs before that are weighed more."
        )
    return said


def _why_none(folder: Path) -> tuple[str, str]:
    """Why a run has no margins of its examples, and what to do."""
    try:
        method = json.loads((folder / "run.json").read_bytes()).get("method")
    except (OSError, ValueError, AttributeError):
        return "is no run that barograph has recorded", "name the folder that BarographCallback wrote to"
    if method in ONLINE:
        return f"{method} learns from answers that it makes itself: there is no label to be wrong", ""
    return (
        f"holds no margins of single examples ({FILE})",
        "train with BarographCallback in a trainer of transformers or TRL, with examples=True",
    )


def _told(folder: Path, *, patient: bool) -> str | None:
    """The data that a recipe was told of, if they are still there; to be read soon, unless the caller is patient."""
    try:
        data = json.loads((folder / "recipe.json").read_bytes()).get("data")
    except (OSError, ValueError, AttributeError):
        return None
    place = Path(str(data or ""))
    if not data or not place.exists():
        return None
    return str(data) if patient or (place.is_file() and place.stat().st_size <= SMALL) else None


def _suspect(found: Map, place: int, kept: Mapping[int, Mapping[str, Any]], which: int) -> Suspect:
    return Suspect(
        row=place + 1,
        region=Region(int(found.region[place])).name.lower(),
        score=float(found.score[place]),
        chance=float(found.chance[place]),
        mean=float(found.mean[place]),
        spread=float(found.spread[place]),
        looks=int(found.count[place]),
        right=float(found.right[place]),
        forgotten=int(found.forgotten[place]),
        step=which or None,
        texts=kept.get(place + 1, {}).get("texts", {}),
    )


def _placed(where: str, kept: Mapping[int, Mapping[str, Any]], *groups: Sequence[Suspect]) -> list[list[Suspect]]:
    """The same examples with their rows in a file, and with what stands there."""
    from barograph.data.reading import open_data
    from barograph.data.recognised import rows_saying

    data = open_data(where).train
    listed = dict.fromkeys(one.row for group in groups for one in group if one.row in kept)
    rows = rows_saying(data, ((row, str(kept[row]["fingerprint"])) for row in listed))
    placed: list[list[Suspect]] = [[] for _ in groups]
    for group, done in zip(groups, placed, strict=True):
        for one in group:
            if one.row in rows:
                number, said = rows[one.row]
                place = data.place(number)
                file = str(place.file) if len(data.files) > 1 else None
                done.append(replace(one, file=file, file_row=place.row, texts=said.quoted()))
            else:
                done.append(one)
    return placed
