"""What Weights & Biases keeps on the disk: the log of a run, `run-ID.wandb`, whether it was synced or not.

Field numbers are those of `wandb_internal.proto`. Where there is no such log, `wandb-summary.json` tells the last
value of each metric, which is one row.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from barograph.core.errors import UnreadableRun
from barograph.sources.base import Document, GrowingSource, RawRun, Reading, decoded, unreadable
from barograph.sources.facts import facts_in
from barograph.sources.storage.json_text import Broken, loads
from barograph.sources.storage.leveldb import MARK, Blocks
from barograph.sources.storage.protobuf import Malformed, bits64, fields, signed, stretch, whole
from barograph.sources.storage.yaml_lines import settings_with_values
from barograph.sources.wording import counted, visible

__all__ = ["WANDB", "WANDB_SUMMARY", "WandB", "WandBSummary"]

ENDING = ".wandb"
SUMMARY, SETTINGS = "wandb-summary.json", "config.yaml"
#: Folders of runs, beside or below which their logs lie. `latest-run` is a link to one of them.
_RUNS = ("run-*", "offline-run-*", "wandb/run-*", "wandb/offline-run-*")
#: No summary is longer than this.
LONGEST_SUMMARY = 64 << 20


class WandB(GrowingSource):
    """The log of one run, or in its place the summary."""

    name: ClassVar[str] = "wandb"
    describes: ClassVar[str] = (
        "The log that Weights & Biases keeps of a run on the disk, offline or not: `wandb/run-*/run-*.wandb`."
    )
    checked: ClassVar[str] = "logs that wandb 0.15 and 0.31 wrote, finished and killed"
    landmarks: ClassVar[tuple[str, ...]] = ("wandb/run-*/run-*.wandb",)
    suffixes: ClassVar[tuple[str, ...]] = (ENDING,)
    one_run_a_folder: ClassVar[bool] = False

    def recognises(self, path: str, head: bytes) -> bool:
        if Path(path).name == SUMMARY:
            return head.lstrip().startswith(b"{")
        return head.startswith(MARK) or (path.endswith(ENDING) and b"\0" in head)

    def reading(self, path: str) -> Reading:
        return _Log(path)

    def read(self, document: Document) -> list[RawRun]:
        summary = document.place.parent / "files" / SUMMARY
        has_summary = document.data is None and document.place.name != SUMMARY and summary.is_file()
        try:
            raws = super().read(document)
            problem = "" if raws[0].table.rows else "the log holds no rows"
        except UnreadableRun as error:
            if not has_summary:
                raise
            raws, problem = [], f"the log could not be read: {error}"
        if not has_summary or not problem:
            return raws
        (raw,) = super().read(document.part(summary))
        raw.notes.insert(0, problem)
        return [raw] if raw.table.columns or not raws else raws

    def in_folder(self, folder: Path) -> list[Path]:
        """The log of a run's folder; else those of the runs in it, and of those in its folder `wandb`."""
        if found := _logs_in(folder):
            return found
        runs = sorted({run for pattern in _RUNS for run in folder.glob(pattern) if run.is_dir()})
        return [log for run in runs for log in _logs_in(run)]

    def facts_beside(self, path: str) -> dict[str, object]:
        if Path(path).name != SUMMARY:
            return {}
        settings = settings_with_values(Path(path).parent / SETTINGS)
        return facts_in({name: value for name, value in settings.items() if not name.startswith(("_wandb", "wandb_"))})


class WandBSummary(WandB):
    """A summary that is named by itself, which any reader of JSON would take for its own."""

    name: ClassVar[str] = "wandb_summary"
    describes: ClassVar[str] = (
        "`wandb-summary.json` of Weights & Biases: one row, with the last value of each metric. In the folder of a "
        "run it is read where the log is missing."
    )
    landmarks: ClassVar[tuple[str, ...]] = ()
    suffixes: ClassVar[tuple[str, ...]] = ()

    def recognises(self, path: str, head: bytes) -> bool:
        return Path(path).name == SUMMARY and super().recognises(path, head)

    def in_folder(self, folder: Path) -> list[Path]:
        return []


def _logs_in(run: Path) -> list[Path]:
    """The log in a run's folder; the summary if there is none, or nothing in it yet."""
    logs = [log for log in sorted(run.glob(f"*{ENDING}")) if log.is_file() and log.stat().st_size]
    summary = run / "files" / SUMMARY
    return logs or [summary] if summary.is_file() else logs


_HISTORY, _SUMMARY, _CONFIG, _RUN, _EXIT = stretch(2), stretch(3), stretch(5), stretch(17), stretch(18)
_ITEM, _ROW_STEP, _STEP_NUMBER = stretch(1), stretch(2), whole(1)
_RUN_CONFIG, _RUN_NAME, _EXIT_CODE = stretch(4), stretch(8), whole(1)
_KEY, _NESTED_KEY, _JSON = stretch(1), stretch(2), stretch(16)
#: How newer schemas may write a value: as nothing, truth, a whole number, a number, a text, or JSON.
_NOTHING, _TRUTH, _WHOLE, _NUMBER, _TEXT, _TYPED_JSON = whole(3), whole(4), whole(5), bits64(6), stretch(7), stretch(8)
#: Keys of one item are nested so deep at most; what is deeper keeps its parts in one name.
DEEPEST = 5
#: What an item begins with, and the two bytes in front of its value, in an item of the usual form.
_ITEM_BYTE = _ITEM
_JSON_BYTES = b"\x82\x01"


class _Log(Reading):
    """The state of reading the log of one run."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._head = b""
        self._has_begun = False
        self._blocks = Blocks()
        #: A summary is read as a whole, once it has ended.
        self._text: list[bytes] | None = None
        self._text_size = 0
        self._settings: dict[str, object] = {}
        self._is_configured_anew = False
        self._summary: dict[str, object] = {}
        self._has_rows = False
        self._undecodable = 0
        self._exit: int | None = None
        self._left_out: Counter[str] = Counter()
        self._notes: list[str] = []
        #: The keys of items of the usual form, by their bytes.
        self._keys: dict[bytes, str] = {}

    def take(self, data: bytes) -> None:
        if not self._has_begun:
            self._head += data
            if len(self._head) < len(MARK):
                return
            self._has_begun, data = True, self._head
            if data.lstrip()[:1] == b"{":
                self._text = []
            elif not data.startswith(MARK):
                raise unreadable(self.path, "does not begin like a log of Weights & Biases", "is it damaged?")
        if self._text is None:
            self.add([row for record in self._blocks.take(data) if (row := self._row_of(record))])
            if self._is_configured_anew:
                self._is_configured_anew = False
                self.config = facts_in(self._settings)
            return
        self._text.append(data)
        self._text_size += len(data)
        if self._text_size > LONGEST_SUMMARY:
            raise unreadable(self.path, "is too long for a summary")

    def _row_of(self, record: bytes) -> dict[str, object] | None:
        """The row that a record is, if it is one. Other records tell of the run."""
        try:
            for key, _, data in fields(record):
                if key == _HISTORY:
                    self._has_rows = True
                    return self._row(data)
                self._note(key, data)
        except Malformed:
            self._undecodable += 1
        return None

    def _note(self, key: int, data: bytes) -> None:
        """Keep what a record says that is no row."""
        if key == _RUN:
            for inner, _, part in fields(data):
                if inner == _RUN_NAME:
                    self.name = decoded(part)[0]
                elif inner == _RUN_CONFIG:
                    self._configure(part)
        elif key == _CONFIG:
            self._configure(data)
        elif key == _EXIT:
            self._exit = _number_in(data, _EXIT_CODE)
        elif key == _SUMMARY and not self._has_rows:
            self._summary |= self._items(data)

    def _configure(self, data: bytes) -> None:
        told = {name: value for name, value in self._items(data).items() if not name.startswith("_wandb")}
        self._settings |= {
            name: value["value"] if isinstance(value, dict) and value.keys() <= {"value", "desc"} and "value" in value
            else value
            for name, value in told.items()
        }  # fmt: skip
        self._is_configured_anew = True

    def _row(self, history: bytes) -> dict[str, object]:
        row = self._quick_row(history)
        if row is None:
            row = {key: value for key, value in self._items(history).items() if not self._is_media(value)}
        if "_step" not in row:
            for key, _, step in fields(history):
                if key == _ROW_STEP:
                    row["_step"] = _number_in(step, _STEP_NUMBER)
        return row

    def _quick_row(self, history: bytes) -> dict[str, object] | None:
        """A row of items of the usual form, whose keys are known: flat, short, with a number. None for any other."""
        row: dict[str, object] = {}
        keys, at, size = self._keys, 0, len(history)
        try:
            while at < size and history[at] == _ITEM_BYTE:
                end = at + 2 + history[at + 1]
                middle = at + 4 + history[at + 3]
                begin = middle + 3
                row[keys[history[at + 2 : middle]]] = float(history[begin:end])
                if history[middle : middle + 2] != _JSON_BYTES or history[middle + 2] != end - begin or end - at > 129:
                    return None
                at = end
            if at != size and (history[at] != _ROW_STEP or at + 2 + history[at + 1] != size):
                return None
        except (IndexError, KeyError, ValueError):
            return None
        return row

    def _items(self, data: bytes) -> dict[str, object]:
        """The items of a history, summary or configuration, those of nested keys inside each other."""
        row: dict[str, object] = {}
        for key, _, item in fields(data):
            if key == _ITEM:
                parts, value = self._item(item)
                if parts:
                    _put(row, parts, value)
        return row

    def _item(self, item: bytes) -> tuple[list[str], object]:
        parts: list[str] = []
        value: object = None
        name = b""
        for key, number, data in fields(item):
            if key in {_KEY, _NESTED_KEY}:
                parts.append(decoded(data)[0])
                name = data
            elif key in {_JSON, _TYPED_JSON}:
                value = _value_of(data)
            elif key == _WHOLE:
                value = number >> 1 ^ -(number & 1)
            elif key == _NUMBER:
                (value,) = struct.unpack("<d", data)
            elif key == _TEXT:
                value = decoded(data)[0]
            elif key == _TRUTH:
                value = bool(number)
        if len(parts) == 1 and len(name) < 100:
            lead = _KEY if item[:1] == bytes([_KEY]) else _NESTED_KEY
            self._keys.setdefault(bytes([lead, len(name)]) + name, parts[0])
        return parts, value

    def _is_media(self, value: object) -> bool:
        """Whether a value is a histogram, a table, an image; it is counted then."""
        if isinstance(value, dict) and isinstance(kind := value.get("_type"), str):
            self._left_out[kind] += 1
            return True
        return False

    def finish(self) -> None:
        if not self._has_begun and self._head.lstrip()[:1] == b"{":
            self._text = [self._head]
        if self._text is not None:
            self._take_summary(b"".join(self._text))
            return
        if not self._has_begun:
            raise unreadable(self.path, "is cut short at its very beginning", "is the run still starting?")
        if not self._has_rows and self._summary:
            self.add([{key: value for key, value in self._summary.items() if not self._is_media(value)}])
            self._notes.append("the log holds no rows, only the summary: the last value of each metric")
        self._notes += self._blocks.notes()
        if self._undecodable:
            self._notes.append(f"{counted(self._undecodable, 'record')} that cannot be decoded: left out")
        if self._exit is None:
            self._notes.append("the log does not tell how the run ended: it is going on, or was killed")
        elif self._exit:
            self._notes.append(f"the run ended with exit code {self._exit}")

    def _take_summary(self, text: bytes) -> None:
        try:
            found = loads(text)
        except Broken as error:
            raise unreadable(self.path, f"is no JSON ({visible(error.problem)})", "is it cut short?") from None
        row = {key: value for key, value in found.items() if key != "_wandb" and not self._is_media(value)}
        self.add([row])
        self._notes.append("only a summary: one row, with the last value of each metric")

    def notes(self) -> list[str]:
        if not self._left_out:
            return list(self._notes)
        kinds = [counted(number, visible(kind)) for kind, number in self._left_out.most_common(5)]
        return [*self._notes, f"left out, being no number: {', '.join(kinds)}"]


def _number_in(message: bytes, field: int) -> int:
    """The whole number in a field; one that is 0 is not written."""
    return next((signed(number) for key, number, _ in fields(message) if key == field), 0)


def _value_of(text: bytes) -> object:
    """The value of a JSON text; what is no JSON stays text."""
    try:
        return loads(text)
    except Broken:
        return decoded(text)[0]


def _put(row: dict[str, object], parts: Sequence[str], value: object) -> None:
    """Put a value under its key; the parts of a nested one are keys of objects inside each other."""
    if len(parts) > DEEPEST:
        parts = ["/".join(parts)]
    inner = row
    for part in parts[:-1]:
        below = inner.setdefault(part, {})
        if not isinstance(below, dict):  # The same key holds a value as well.
            row["/".join(parts)] = value
            return
        inner = below
    if isinstance(inner.get(parts[-1]), dict) and not isinstance(value, dict):
        return
    inner[parts[-1]] = value


WANDB = WandB()
WANDB_SUMMARY = WandBSummary()
