"""What SwanLab keeps of a run: `swanlog/run-*/run-ID.swanlab`, in each of its modes.

The log has W&B's blocks and a schema of its own; field numbers are those of `swanlab.record.v1`. What is under `logs`
in local mode tells the same once more.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import ClassVar

from barograph.sources.base import GrowingSource, Reading, decoded, unreadable
from barograph.sources.facts import facts_in
from barograph.sources.points import Point, Rows
from barograph.sources.storage.leveldb import HEADER, Blocks
from barograph.sources.storage.protobuf import Malformed, bits64, fields, signed, stretch, whole
from barograph.sources.storage.sqlite import MAGIC, columns_in
from barograph.sources.storage.yaml_lines import settings_with_values
from barograph.sources.wording import counted

__all__ = ["SWANLAB", "SwanLab"]

MARK = b":SWL"
#: Mark, magic number, and the version of the schema.
_BEGINNING = struct.Struct("<4sHB")
VERSION = 2
SETTINGS = "files/config.yaml"
ENDING = ".swanlab"
#: Tables of the list of runs that lies beside them in local mode.
_LIST_OF_RUNS = ("experiment", "tag")


class SwanLab(GrowingSource):
    """The log of one run."""

    name: ClassVar[str] = "swanlab"
    describes: ClassVar[str] = "The log that SwanLab keeps of a run (`swanlog/run-*/run-*.swanlab`), also offline."
    checked: ClassVar[str] = "logs that SwanLab 0.10 wrote, local and offline"
    landmarks: ClassVar[tuple[str, ...]] = (
        "swanlog/run-*/run-*.swanlab", "run-*/run-*.swanlab", "run-*.swanlab", "backup.swanlab",
    )  # fmt: skip
    suffixes: ClassVar[tuple[str, ...]] = (ENDING,)
    one_run_a_folder: ClassVar[bool] = False

    def recognises(self, path: str, head: bytes) -> bool:
        if head.startswith(MAGIC):
            return all((columns_in(path, _LIST_OF_RUNS) or {"": frozenset()}).values())
        return head.startswith(MARK) or (path.endswith(ENDING) and b"\0" in head)

    def reading(self, path: str) -> Reading:
        return _Log(path)

    def in_folder(self, folder: Path) -> list[Path]:
        return [log for log in super().in_folder(folder) if log.stat().st_size]

    def facts_beside(self, path: str) -> dict[str, object]:
        """The settings; the log only says where they were written."""
        folder = Path(path).parent / "files"
        return {} if folder.is_symlink() else facts_in(settings_with_values(Path(path).parent / SETTINGS))


_NUMBER, _TIME = whole(1), stretch(2)
_START, _FINISH, _COLUMN, _SCALAR, _MEDIA = stretch(10), stretch(11), stretch(12), stretch(13), stretch(14)
_RUN_NAME, _STATE = stretch(4), whole(1)
_COLUMN_CLASS, _COLUMN_KEY, _OF_THE_MACHINE = whole(1), stretch(3), 2
_KEY, _STEP, _VALUE, _DOUBLE = stretch(1), whole(2), stretch(5), bits64(1)
_MACHINE = "__swanlab__"
_FINISHED = 1
_STATES = {2: "crashed", 3: "was aborted"}


class _Log(Reading):
    """The state of reading the log of one run."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._head = b""
        self._has_begun = False
        self._blocks = Blocks()
        # It counts calls where nobody gave a step, as that of W&B does.
        self._rows = Rows("_step")
        self._machine: set[bytes] = set()
        self._keys: dict[bytes, str] = {}
        self._undecodable = 0
        self._media = 0
        self._negative = 0
        self._state: int | None = None
        self._notes: list[str] = []

    def take(self, data: bytes) -> None:
        if not self._has_begun:
            self._head += data
            if len(self._head) < HEADER:
                return
            self._check_beginning()
            self._has_begun, data = True, self._head
        for record in self._blocks.take(data):
            try:
                self._take_record(record)
            except Malformed:
                self._undecodable += 1
        self.add(self._rows.ready())

    def _check_beginning(self) -> None:
        if self._head.startswith(MAGIC[:HEADER]):
            raise unreadable(self.path, "is SwanLab's list of runs, without their numbers",
                             "name the folder that it is in, or a run-*.swanlab below it")  # fmt: skip
        mark, _, version = _BEGINNING.unpack_from(self._head)
        if mark != MARK:
            raise unreadable(self.path, "does not begin like a log of SwanLab", "is it damaged?")
        if version != VERSION:
            raise unreadable(self.path, f"is a log of SwanLab in version {version} of its format; read is {VERSION}",
                             "export the run from SwanLab as CSV")  # fmt: skip

    def _take_record(self, record: bytes) -> None:
        for key, _, data in fields(record):
            if key == _SCALAR:
                self._take_scalar(data)
            elif key == _MEDIA:
                self._media += 1
            elif key == _COLUMN:
                found = {inner: part or number for inner, number, part in fields(data)}
                if found.get(_COLUMN_CLASS) == _OF_THE_MACHINE and isinstance(name := found.get(_COLUMN_KEY), bytes):
                    self._machine.add(name)
            elif key == _START:
                self.name = next((decoded(part)[0] for inner, _, part in fields(data) if inner == _RUN_NAME), "")
            elif key == _FINISH:
                self._state = next((number for inner, number, _ in fields(data) if inner == _STATE), 0)

    def _take_scalar(self, scalar: bytes) -> None:
        name, step, value = b"", 0, 0.0  # What is zero is not written.
        for key, number, data in fields(scalar):
            if key == _KEY:
                name = data
            elif key == _STEP:
                step = signed(number)
            elif key == _VALUE:
                for inner, _, double in fields(data):
                    if inner == _DOUBLE:
                        (value,) = struct.unpack("<d", double)
        if step < 0:
            self._negative += 1
            return
        text = self._keys.get(name)
        if text is None:
            text = self._keys[name] = decoded(name)[0]
        if name not in self._machine and not text.startswith(_MACHINE):
            self._rows.add(Point(text, step, value))

    def finish(self) -> None:
        if not self._has_begun:
            raise unreadable(self.path, "is cut short at its very beginning", "is the run still starting?")
        self._rows.end_row()
        self.add(self._rows.ready())
        self._notes += self._blocks.notes()
        if self._undecodable:
            self._notes.append(f"{counted(self._undecodable, 'record')} that cannot be decoded: left out")
        if self._negative:
            self._notes.append(f"{counted(self._negative, 'value')} at a step below zero: left out")
        if self._state is None:
            self._notes.append("the log does not tell how the run ended: it is going on, or was killed")
        elif self._state in _STATES:
            self._notes.append(f"the run {_STATES[self._state]}")

    def notes(self) -> list[str]:
        media = [f"left out, being no number: {counted(self._media, 'piece')} of media"] if self._media else []
        return [*self._notes, *media]


SWANLAB = SwanLab()
