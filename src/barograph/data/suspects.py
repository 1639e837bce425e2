"""The examples that a run never learned: which they are, what stands in them, and where in their file they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from barograph.core.errors import ConfigurationError, UnreadableRun
from barograph.data.looks import FILE, Looks
from barograph.data.map import Map, Region, map_of

__all__ = ["ANSWERS", "RunReport", "Suspect", "fingerprint", "has_looks", "quoted", "report_of_run"]

#: Signs of a text that are shown.
SHOWN = 160
#: Methods that learn from answers which they make themselves.
ONLINE = ("ppo", "grpo", "rloo", "online-dpo")
#: Columns that hold what answers the prompt, and what is said of it.
ANSWERS = ("chosen", "rejected", "completion", "completions")
LABELS = ("label", "labels")


@dataclass(frozen=True, slots=True)
class Suspect:
    """One example that stands out."""

    #: Its place in what was trained on, from 1 on.
    row: int
    region: str
    #: How much speaks for a wrong label; comparable within one run.
    score: float
    mean: float
    spread: float
    looks: int
    right: float
    forgotten: int
    #: What stands in it, by column, clipped; empty where nobody knows.
    texts: Mapping[str, str] = field(default_factory=dict)
    #: The row of the data file, from 1 on, where it was found there.
    file_row: int | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "row": self.row, "file_row": self.file_row, "region": self.region, "score": self.score, "mean": self.mean,
            "spread": self.spread, "looks": self.looks, "right": self.right, "forgotten": self.forgotten,
            **dict(self.texts),
        }  # fmt: skip


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
            "suspects": [one.to_dict() for one in self.suspects],
            "ambiguous": [one.to_dict() for one in self.ambiguous],
            "notes": list(self.notes),
        }  # fmt: skip


def has_looks(path: str | Path) -> bool:
    """Whether a folder is a run of which `report_of_run` can say something, or say why not."""
    folder = Path(path)
    return (folder / FILE).is_file() or (folder / "run.json").is_file()


def report_of_run(path: str | Path, *, data: str | None = None, top: int = 20) -> RunReport:
    """What a run has shown: the `top` examples whose label is likeliest wrong, and as many on which it wavered.

    The file that it was trained on is the one that is named, or the one that a recipe was told; then each example is
    looked up there by what stands in it, for a trainer may have mixed, split and filtered what it was given.
    """
    file = Path(path) / FILE
    if not file.is_file():
        raise UnreadableRun(path, *_why_none(Path(path)))
    looks = Looks.read(file)
    found = map_of(looks)
    if not found.seen:
        raise UnreadableRun(path, "no example has been looked at yet", "come back after some steps")
    kept = {int(one["row"]): one for one in looks.about.get("texts", ())}
    suspects = [_suspect(found, place, kept) for place in found.ranked()[:top]]
    wavering = [_suspect(found, place, kept) for place in found.wavering()[:top]]
    where = data or _told(Path(path))
    notes = []
    if where is not None:
        try:
            rows = _rows_of(where, [kept[one.row] for one in (*suspects, *wavering) if one.row in kept])
        except (OSError, UnreadableRun, ConfigurationError) as error:
            if data is not None:
                raise
            notes.append(f"its data could not be read again ({error})")
            where = None
        else:
            suspects, wavering = ([_placed(one, rows) for one in side] for side in (suspects, wavering))
            if any(one.file_row is None for one in (*suspects, *wavering)):
                notes.append(f"some of these examples were not found in {where}")
    if where is None:
        notes.append(
            "row numbers are those of what the trainer was given, which it may have been mixed and split before"
        )
    if found.looks < 1.5:
        notes.append("each example was seen about once: two epochs or three tell more")
    return RunReport(str(path), str(looks.about.get("method", "")), found, suspects, wavering, where, notes)


def _why_none(folder: Path) -> tuple[str, str]:
    """Why a run has no margins of its examples, and what to do."""
    try:
        method = json.loads((folder / "run.json").read_bytes()).get("method")
    except (OSError, ValueError, AttributeError):
        return "is no run that barograph has recorded", "train with BarographCallback, and name the folder it wrote to"
    if method in ONLINE:
        return f"{method} learns from answers that it makes itself: there is no label to be wrong", ""
    return (
        f"holds no margins of single examples ({FILE})",
        "train with BarographCallback in a trainer of transformers or TRL, with examples=True",
    )


def _told(folder: Path) -> str | None:
    """The data file that a recipe was told of, if it is still there."""
    try:
        data = json.loads((folder / "recipe.json").read_bytes()).get("data")
    except (OSError, ValueError, AttributeError):
        return None
    return str(data) if data and Path(data).exists() else None


def _suspect(found: Map, place: int, kept: Mapping[int, Mapping[str, Any]]) -> Suspect:
    texts = kept.get(place + 1, {}).get("texts", {})
    return Suspect(
        row=place + 1, region=str(Region(int(found.region[place])).name).lower(), score=float(found.score[place]),
        mean=float(found.mean[place]), spread=float(found.spread[place]), looks=int(found.count[place]),
        right=float(found.right[place]), forgotten=int(found.forgotten[place]), texts=texts,
    )  # fmt: skip


def _placed(one: Suspect, rows: Mapping[int, tuple[int, Mapping[str, str]]]) -> Suspect:
    if one.row not in rows:
        return one
    file_row, texts = rows[one.row]
    return replace(one, file_row=file_row, texts=texts)


def _rows_of(
    where: str, kept: Sequence[Mapping[str, Any]]
) -> dict[int, tuple[int, Mapping[str, str]]]:  # fmt: skip
    """For each example, by its place in the training: the row of the file that says the same, and its texts."""
    from barograph.data.reading import open_data

    wanted: dict[str, list[int]] = {}
    for one in kept:
        wanted.setdefault(one["fingerprint"], []).append(int(one["row"]))
    found: dict[int, tuple[int, Mapping[str, str]]] = {}
    for number, row in open_data(where).train.rows():
        if not wanted:
            break
        if not isinstance(row.fields, Mapping):
            continue
        for fields in _forms(row.fields):
            # Where the same stands in several rows, each is taken by one example, in their order.
            places = wanted.get(fingerprint(fields))
            if places:
                found[places.pop(0)] = number, quoted(fields)
    return found


def _forms(fields: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """A row as it stands, and as the labelled answers that a trainer may have made of a pair."""
    yield fields
    if "chosen" in fields and "rejected" in fields:
        for side in ("chosen", "rejected"):
            yield {"prompt": fields.get("prompt") or "", "completion": fields[side], "label": side == "chosen"}


def fingerprint(fields: Mapping[str, Any], ending: str = "") -> str:
    """What an example says, as a short sign, whether its prompt stands by itself or at the beginning of its answers.

    The mark that trainers put at the end of answers is no part of it.

    >>> a = fingerprint({"prompt": "1 + 1", "chosen": "1 + 1 2<eos>", "rejected": " 3"}, ending="<eos>")
    >>> a == fingerprint({"prompt": "1 + 1", "chosen": " 2", "rejected": " 3", "id": 7})
    True
    """
    prompt = fields.get("prompt") or ""
    said = []
    for name in ANSWERS:
        answer = fields.get(name)
        if answer is not None:
            answer = _apart(prompt, answer)
            is_alike = isinstance(prompt, str) == isinstance(answer, str)
            said.append(_plain(prompt + answer if is_alike else answer).removesuffix(ending))
    said += [_plain(fields[name]) for name in LABELS if fields.get(name) is not None]
    return hashlib.blake2b("\0".join(said).encode(errors="surrogatepass"), digest_size=12).hexdigest()


def quoted(fields: Mapping[str, Any], ending: str = "") -> dict[str, str]:
    """What an example says, by column, so short that it fits on a line.

    >>> quoted({"prompt": "1 + 1", "chosen": " 2<eos>", "label": True}, ending="<eos>")
    {'prompt': '1 + 1', 'chosen': '2', 'label': 'good'}
    """
    told = {}
    for name in ("prompt", *ANSWERS, *LABELS):
        value = fields.get(name)
        if value is not None:
            value = _apart(fields.get("prompt"), value) if name in ANSWERS else value
            text = " ".join(_said(value).removesuffix(ending).split())
            told[name] = text if len(text) <= SHOWN else f"{text[: SHOWN - 4].rstrip()} ..."
    return told


def _apart(prompt: Any, answer: Any) -> Any:
    """An answer without the prompt, where that stands before it."""
    if not prompt or type(prompt) is not type(answer) or answer[: len(prompt)] != prompt:
        return answer
    return answer[len(prompt) :]


def _plain(value: object) -> str:
    if isinstance(value, bool) or value in (0, 1):
        return "good" if value else "bad"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _said(value: object) -> str:
    """A text, a conversation as what was said in it, a list one after another."""
    if isinstance(value, list):
        return " | ".join(str(one.get("content", one)) if isinstance(one, Mapping) else _plain(one) for one in value)
    return _plain(value)
