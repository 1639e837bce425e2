"""TensorBoard's event files, as torch, tensorboardX, TensorFlow and the trainer of transformers write them.

Every number is an event of its own; those of one step become one row. All event files in a folder are one run, as
they are to TensorBoard: whoever resumes a run begins another file.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from barograph.core.errors import UnreadableRun
from barograph.sources.base import BLOCK, Document, GrowingSource, RawRun, Reading, unreadable
from barograph.sources.facts import facts_in, facts_in_text
from barograph.sources.formats.tensorboard_summaries import Kind, Shown, settings_of, shown_in
from barograph.sources.storage.protobuf import Malformed, encoded, fields, signed, stretch, varint, whole
from barograph.sources.storage.tfrecord import HEAD_SIZE, Records, length_of
from barograph.sources.table import RawTable, plain
from barograph.sources.wording import counted, visible

__all__ = ["TENSORBOARD", "TensorBoard"]

MARK = "tfevents"
#: An event begins with its time, a double in field 1.
_TIME = b"\x09"
_STEP, _SUMMARY = whole(2), stretch(5)
#: Where the step begins: behind the time.
_BEHIND_TIME = 9
#: The number and the checksum of the record, at the end of the usual event.
_AT_THE_END = 8
_FLOAT = struct.Struct("<f")
#: The first key of the trainer's closing row, which stands at the step of the last row and is another one.
_TOTALS = "train_runtime"
#: Texts in which the trainer of transformers leaves its settings, and those of the model.
_ARGUMENTS, _MODEL = "args", "model_config"
_TIME_IN_NAME = re.compile(r"tfevents\.(\d+)")


class TensorBoard(GrowingSource):
    """Event files, alone or all of a folder."""

    name: ClassVar[str] = "tensorboard"
    fills_its_folder: ClassVar[bool] = True
    describes: ClassVar[str] = (
        "TensorBoard's event files (`events.out.tfevents.*`): one, or a folder of them, which is one run."
    )
    checked: ClassVar[str] = "logs that torch 2.13, tensorboardX 2.6 and tensorboard 2.21 wrote, and two real runs"
    landmarks: ClassVar[tuple[str, ...]] = ("events.out.tfevents.*",)
    one_run_a_folder: ClassVar[bool] = False

    def recognises(self, path: str, head: bytes) -> bool:
        if not head:
            return Path(path).is_dir() and bool(_files_in(Path(path)))
        if head[HEAD_SIZE : HEAD_SIZE + 1] == _TIME and length_of(head[:HEAD_SIZE]) is not None:
            return True
        # A file that is cut or damaged at its very beginning is still known by its name.
        return MARK in Path(path).name and b"\0" in head

    def reading(self, path: str) -> Reading:
        return _Events(path)

    def read(self, document: Document) -> list[RawRun]:
        if document.data is not None or not document.place.is_dir():
            return super().read(document)
        reading = _Events(document.path)
        files, unread = _in_order(_files_in(document.place)), []
        for file in files:
            reading.begin(file.name)
            try:
                with document.part(file).open() as stream:
                    while piece := stream.read(BLOCK):
                        reading.take(piece)
            except OSError as error:
                unread.append(f"{visible(file.name)} cannot be read ({error.strerror or error}): left out")
            reading.finish()
        notes = [*unread, *reading.notes()]
        table = reading.drain()
        if not table.rows and notes:
            raise unreadable(document.path, f"holds no number that could be read ({notes[0]})")
        notes.insert(0, f"read from {counted(len(files), 'event file')}, in the order of their beginnings")
        return [RawRun(table, reading.config, notes)]

    def in_folder(self, folder: Path) -> list[Path]:
        """The event file of a folder, or the folder if it holds several; else those under `runs`, as trainers write."""
        for folders in ([folder], sorted(folder.glob("runs/*/"))):
            if found := [log for inner in folders for log in _log_in(inner)]:
                return found
        return []


def _log_in(folder: Path) -> list[Path]:
    files = _files_in(folder)
    return files if len(files) < 2 else [folder]


def _files_in(folder: Path) -> list[Path]:
    """The event files that really lie in a folder."""
    home = folder.resolve()
    return [file for file in sorted(folder.glob(f"*{MARK}*")) if file.is_file() and file.resolve().parent == home]


def _in_order(files: Sequence[Path]) -> list[Path]:
    """The files by the time of their first event."""
    return sorted(files, key=lambda file: (_begun(file), file.name))


def _begun(file: Path) -> float:
    """The time of a file's first event; where it has none yet, that in its name."""
    try:
        head = Document(str(file)).head(HEAD_SIZE + _BEHIND_TIME)
    except (OSError, UnreadableRun):
        head = b""
    if len(head) == HEAD_SIZE + _BEHIND_TIME and head[HEAD_SIZE:].startswith(_TIME):
        return float(struct.unpack("<d", head[-8:])[0])
    in_name = _TIME_IN_NAME.search(file.name)
    return float(in_name[1][:15]) if in_name else 0.0


class _Events(Reading):
    """The state of reading the events of one run.

    Most events hold one float and nothing else, and differ from the one before in time, tag and number only. What
    stands between time and number is then looked up as it is, in bytes.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._records = Records()
        self._notes: list[str] = []
        self._file = ""
        self._events = 0
        self._undecodable = 0
        self._below_zero = 0
        self._left_out: Counter[Kind] = Counter()
        self._plugins: dict[str, str] = {}
        # The row at hand: its step, and how the usual event of that step goes on behind the time.
        self._row: dict[str, object] = {}
        self._step = 0
        self._opening = _opening(0)
        self._has_steps = False
        self._rows: list[dict[str, object]] = []
        self._number_of_rows = 0
        #: The tag, by what stands between the opening and the number.
        self._tags: dict[bytes, str] = {}

    def begin(self, file: str) -> None:
        """Go on with another file of the same run."""
        self._file = file
        self._records = Records()

    def take(self, data: bytes) -> None:
        for record in self._records.take(data):
            if not self._took_quickly(record):
                self._take_with_care(record)
        self._hand_over()

    def _took_quickly(self, record: bytes) -> bool:
        """Take an event that holds one float under a tag that is known; False for any other."""
        opening = self._opening
        if not record.startswith(opening, _BEHIND_TIME):
            opening = _opening_of(record)
        tag = self._tags.get(record[_BEHIND_TIME + len(opening) : -_AT_THE_END])
        if tag is None or not opening or not record.startswith(_TIME):
            return False
        if opening != self._opening:
            self._go_to(signed(varint(opening, 1)[0]) if len(opening) > 1 else 0)
        self._put(tag, _FLOAT.unpack_from(record, len(record) - _AT_THE_END)[0])
        return True

    def _put(self, tag: str, number: float) -> None:
        """Put a number into the row at hand. One that has another number under this tag already is at its end.

        The trainer writes the epoch with the evaluation once more: the same number at the same step is no news.
        """
        if tag in self._row and (not self._step or self._row[tag] != number):
            self._end_row()
        self._row[tag] = number

    def _take_with_care(self, record: bytes) -> None:
        step = 0
        shown: list[Shown] = []
        try:
            for key, number, data in fields(record[:-4]):
                if key == _STEP:
                    step = signed(number)
                elif key == _SUMMARY:
                    shown += shown_in(data, self._plugins)
        except Malformed:
            self._undecodable += 1
            return
        self._events += 1
        numbers = [value for value in shown if value.kind is Kind.NUMBER]
        for value in shown:
            if value.kind is not Kind.NUMBER:
                self._note_settings(value)
        if numbers and step != self._step:
            self._go_to(step)
        for value in numbers:
            if plain(value.tag) == _TOTALS:
                self._end_row()
            if plain(value.tag) != "step":  # The step of the event counts, and has the name.
                self._put(value.tag, value.number)
        if len(numbers) == 1:
            self._learn(record, numbers[0].tag)

    def _learn(self, record: bytes, tag: str) -> None:
        """Remember the tag of an event of the usual form, so that the next one is taken quickly."""
        usual = _between(tag)
        begin = _BEHIND_TIME + len(self._opening)
        is_usual = record.startswith(self._opening, _BEHIND_TIME) and record[begin:-_AT_THE_END] == usual
        if is_usual and plain(tag) not in {_TOTALS, "step"}:
            self._tags[usual] = tag

    def _note_settings(self, value: Shown) -> None:
        """Keep the settings that a text or a plugin tells of, and count what is neither."""
        name = value.tag.removesuffix("/text_summary")
        if value.kind is Kind.SETTINGS:
            try:
                self.config |= facts_in(settings_of(value.content))
            except Malformed:
                self._undecodable += 1
        elif value.kind is Kind.TEXT and name == _ARGUMENTS:
            self.config |= facts_in_text(value.content)
        elif name != _MODEL:
            self._left_out[value.kind] += 1

    def _go_to(self, step: int) -> None:
        self._end_row()
        self._step, self._opening = step, _opening(step)
        self._has_steps = True

    def _end_row(self) -> None:
        if self._row and self._step < 0:
            self._below_zero += 1
        elif self._row:
            self._row["step"] = self._step
            self._rows.append(self._row)
        self._row = {}

    def _hand_over(self) -> None:
        rows, self._rows = self._rows, []
        self._number_of_rows += len(rows)
        self.add(rows)

    def finish(self) -> None:
        """The file has ended; what was read of it counts."""
        self._end_row()
        self._hand_over()
        records, where = self._records, f" in {visible(self._file)}" if self._file else ""
        if records.broken_at is not None:
            at = f"damaged at byte {records.broken_at:,}"
            if not self._number_of_rows and not self._file:
                raise unreadable(self.path, f"is {at}, before the first number", "is it an event file?")
            rows, left = counted(self._number_of_rows, "row"), counted(records.unread, "byte")
            self._notes.append(f"{at}{where}: {rows} read before, {left} left out")
        if records.spoilt:
            events = counted(records.spoilt, "event")
            at = f"the first at byte {records.spoilt_at:,}"
            self._notes.append(f"{events} with a wrong checksum{where}, {at}: left out")
        if records.is_torn:
            self._notes.append(f"the last event{where} is cut short: left out")

    def drain(self) -> RawTable:
        """The rows, without their steps where nobody told a step: then all events are at step 0."""
        table = super().drain()
        if self._has_steps or table.rows < 2:
            return table
        return replace(table, columns={key: column for key, column in table.columns.items() if key != "step"})

    def notes(self) -> list[str]:
        notes = list(self._notes)
        if self._undecodable:
            notes.append(f"{counted(self._undecodable, 'event')} that cannot be decoded: left out")
        if self._below_zero:
            notes.append(f"{counted(self._below_zero, 'row')} at a step below zero: left out")
        if self._left_out:
            kinds = [counted(number, kind.value) for kind, number in self._left_out.items()]
            notes.append(f"left out, being no number: {', '.join(kinds)}")
        return notes


def _opening(step: int) -> bytes:
    """How an event at that step goes on behind the time: its step, which is left out if it is 0, and a summary."""
    begin = bytes([_STEP]) + encoded(step & 0xFFFFFFFFFFFFFFFF) if step else b""
    return begin + bytes([_SUMMARY])


def _opening_of(record: bytes) -> bytes:
    """The opening of an event; nothing where it has none."""
    if record.startswith(bytes([_SUMMARY]), _BEHIND_TIME):
        return bytes([_SUMMARY])
    end = _BEHIND_TIME + 1
    while end < _BEHIND_TIME + 10 and record[end : end + 1] >= b"\x80":
        end += 1
    opening = record[_BEHIND_TIME : end + 2]
    return opening if opening.startswith(bytes([_STEP])) and opening.endswith(bytes([_SUMMARY])) else b""


def _between(tag: str) -> bytes:
    """What stands between opening and number in an event of one float: lengths, and the tag."""
    text = tag.encode("utf-8", "surrogateescape")
    value = b"\x0a" + encoded(len(text)) + text + b"\x15"
    message = b"\x0a" + encoded(len(value) + 4) + value
    return encoded(len(message) + 4) + message


TENSORBOARD = TensorBoard()
