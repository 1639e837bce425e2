"""JSON lines: one object a line, the form in which most tools append to a log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from barograph.sources.base import GrowingSource, LineReading, Reading, first_lines, unreadable
from barograph.sources.storage.json_text import Broken, loads, parser
from barograph.sources.wording import counted, visible

__all__ = ["JSONL", "JsonLines", "JsonLinesReading"]


class JsonLines(GrowingSource):
    """One JSON object a line, flat or with the metrics in an object inside."""

    name: ClassVar[str] = "jsonl"
    is_general: ClassVar[bool] = True
    lines_stand_alone: ClassVar[bool] = True
    describes: ClassVar[str] = (
        "JSON lines, one object a row: barograph's own log, `trainer_log.jsonl`, `logging.jsonl`, verl's file logger."
    )
    checked: ClassVar[str] = "logs of verl 0.9 and ms-swift 4.6, and eleven real runs"
    landmarks: ClassVar[tuple[str, ...]] = (
        "logs/training_metrics.jsonl",
        "training_metrics.jsonl",
        "trainer_log.jsonl",
        "logging.jsonl",
        "metrics.jsonl",
        "log_history.jsonl",
    )
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson")

    def recognises(self, path: str, head: bytes) -> bool:
        lines, last_is_cut = first_lines(head)
        if len(lines) == 1 and _may_hold_a_table(lines[0], last_is_cut):
            return False
        objects = sum(_is_object(line) for line in lines)
        long_row = last_is_cut and len(lines) == 1 and lines[0].startswith(b"{")
        return long_row or (objects > 0 and 2 * objects >= len(lines) - 1 and lines[0][:1] != b"[")

    def reading(self, path: str) -> Reading:
        return JsonLinesReading(path)


def _is_object(line: bytes) -> bool:
    if not line.startswith(b"{"):
        return False
    try:
        return isinstance(loads(line), dict)
    except Broken:
        return False


def _may_hold_a_table(line: bytes, is_cut: bool) -> bool:
    """Whether the only line is a whole document: an object that holds records or columns, or one that is cut."""
    if is_cut:
        return b'": [' in line[:4096] or b'":[' in line[:4096]
    try:
        found = loads(line)
    except Broken:
        return True
    return isinstance(found, dict) and any(isinstance(value, list) for value in found.values())


class JsonLinesReading(LineReading):
    """The state of reading one file: what was broken, and where."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.lines = 0
        self.filled = 0
        self.broken: list[tuple[int, str]] = []
        self.torn = False
        self.replaced = 0
        self._parse: Callable[[bytes], Any] = loads

    def take_lines(self, block: bytes) -> None:
        self._parse = parser(len(block)) if self._parse is loads else self._parse
        number_of_lines = block.count(b"\n")
        rows = self._at_once(block, number_of_lines)
        if rows is None:
            rows = self._line_by_line(block)
        else:
            self.filled += number_of_lines
        self.lines += number_of_lines
        self.add(rows)

    def take_last(self, line: bytes) -> None:
        # Only the last line has no line break behind it: the writer is at it, or was stopped.
        self.add(self._line_by_line(line, is_last=True))
        self.lines += 1

    def _at_once(self, block: bytes, number_of_lines: int) -> list[dict[str, Any]] | None:
        """All lines parsed as one list: the fast way, for a block in which every line is an object."""
        try:
            rows = self._parse(b"[" + block[:-1].replace(b"\n", b",") + b"]")
        except Broken:
            return None
        if len(rows) != number_of_lines or set(map(type, rows)) != {dict}:
            return None
        return rows if block.isascii() or _is_valid(block) else None

    def _line_by_line(self, block: bytes, *, is_last: bool = False) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for number, line in enumerate(block.split(b"\n"), self.lines + 1):
            if not line.strip():
                continue
            self.filled += 1
            self.replaced += not _is_valid(line)
            try:
                row = self._parse(line)
            except Broken as error:
                if is_last:
                    self.torn = True
                else:
                    self.broken.append((number, error.problem))
                continue
            if isinstance(row, dict):
                rows.append(row)
            elif is_last and not isinstance(row, list):
                self.torn = True
            else:
                self.broken.append((number, f"a JSON {type(row).__name__} instead of an object"))
        return rows

    def notes(self) -> list[str]:
        """What was wrong, or the error if most of the file was."""
        if 2 * len(self.broken) > self.filled:
            number, problem = self.broken[0]
            raise unreadable(
                self.path,
                f"{len(self.broken):,} of {counted(self.filled, 'line')} are not JSON objects, "
                f"the first is line {number:,} ({visible(problem)})",
                "is this a log of one JSON object a line?",
            )
        notes = []
        if self.broken:
            numbers = ", ".join(f"{number:,}" for number, _ in self.broken[:5])
            more = f" and {len(self.broken) - 5:,} more" if len(self.broken) > 5 else ""
            one = len(self.broken) == 1
            notes.append(f"line{'' if one else 's'} {numbers}{more} {'is' if one else 'are'} broken: left out")
        if self.torn:
            notes.append(f"the last line ({self.lines:,}) is cut short: left out")
        if self.replaced:
            notes.append(f"{counted(self.replaced, 'line')} with bytes that are not UTF-8: replaced")
        return notes


def _is_valid(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


JSONL = JsonLines()
