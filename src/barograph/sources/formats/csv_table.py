"""Tables as text: comma, semicolon or tab between the cells, and names in the first line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import ClassVar

from barograph.sources.base import HEAD, GrowingSource, LineReading, Reading, decoded, unreadable
from barograph.sources.numbers import Kind, to_number
from barograph.sources.storage.json_text import WORTH_A_FASTER_PARSER
from barograph.sources.table import MOST_COLUMNS
from barograph.sources.wording import counted, listed

__all__ = ["CSV_TABLE", "CsvTable", "cells_of"]

#: What stands before a line that is none of the table, above its header. `sep=;` is meant for Excel.
COMMENT, FOR_EXCEL = "#", "sep="
DELIMITERS = (",", "\t", ";")
#: What numbers, and the commas and line breaks between them, are made of.
_OF_NUMBERS = b"0123456789+-.eE,\r\n"
#: No header of at most 10,000 names is longer than this.
LONGEST_HEADER = 4 << 20


class CsvTable(GrowingSource):
    """A table of text with a header."""

    name: ClassVar[str] = "csv"
    is_general: ClassVar[bool] = True
    describes: ClassVar[str] = "CSV or TSV with a header line: comma, semicolon or tab, empty cells for absent values."
    checked: ClassVar[str] = "four real runs"
    landmarks: ClassVar[tuple[str, ...]] = ("metrics/training_metrics.csv", "training_metrics.csv", "metrics.csv")
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv")

    def recognises(self, path: str, head: bytes) -> bool:
        if b"\0" in head or head.lstrip()[:1] in (b"{", b"["):
            return False
        text = decoded(head)[0].lstrip()
        lines = _without_comments([line for line in text.replace("\r", "\n").split("\n") if line.strip()])
        if not lines:
            return False
        delimiter = _delimiter(lines[0])
        if not delimiter:
            # One column has no delimiter to be known by.
            return path.lower().endswith(self.suffixes) and len(lines) > 1 and isinstance(to_number(lines[1]), float)
        header = cells_of(lines[0], delimiter)
        if len(lines) == 1:
            is_wide = len(head) >= HEAD and len(header) > 100
            return is_wide or (path.lower().endswith(self.suffixes) and _names(header) > 0)
        if len(header) > MOST_COLUMNS:
            return True
        # A row may be short; one of the first few shows the shape. The last line of the head may be cut.
        row = max((cells_of(line, delimiter) for line in lines[1:6]), key=lambda cells: len(cells) == len(header))
        fits = len(row) == len(header) or (len(lines) == 2 and len(row) < len(header))
        numbers = sum(isinstance(to_number(_point(cell, delimiter)), float) for cell in row)
        return fits and numbers > 0 and 2 * _names(header) >= len(header)

    def reading(self, path: str) -> Reading:
        return _Rows(path)


_TRANSPOSED = "is the table transposed? One row per step and one column per metric is expected"


def _without_comments(lines: list[str]) -> list[str]:
    """The lines from the header on."""
    comment = ""
    for number, line in enumerate(lines):
        if not line.startswith((COMMENT, FOR_EXCEL)):
            return [comment, *lines[number:]] if _names_columns(comment, line) else lines[number:]
        comment = line.lstrip(COMMENT)
    return lines


def _names_columns(comment: str, line: str) -> bool:
    """Whether a comment is the header of the line below it, as NumPy writes it."""
    delimiter = _delimiter(line)
    if not comment or not delimiter:
        return False
    names, cells = cells_of(comment.strip(), delimiter), cells_of(line, delimiter)
    return len(names) == len(cells) and _names(names) > 0 and _names(cells) == 0


def _delimiter(line: str) -> str:
    """The delimiter that occurs most often, or none."""
    return max((delimiter for delimiter in DELIMITERS if delimiter in line), key=line.count, default="")


def cells_of(line: str, delimiter: str) -> list[str]:
    """The cells of a line, without their quotes."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)


def _names(cells: Iterable[str]) -> int:
    """How many cells look like the name of a column."""
    return sum(to_number(cell) is Kind.TEXT and ": " not in cell for cell in cells)


def _point(cell: str, delimiter: str) -> str:
    """A cell with a decimal point: where semicolons part the cells, commas may stand in the numbers."""
    return cell.replace(",", ".") if delimiter == ";" else cell


class _Rows(LineReading):
    """The state of reading the rows of one table."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.header: list[str] = []
        self.delimiter = ","
        self.ragged: list[int] = []
        self.row = 0
        self.repeated_headers = 0
        self.torn = False
        self.replaced = False
        #: Columns to keep: named, and the first of their name.
        self.kept: list[int] = []
        self.keys: list[str] = []
        #: Once a quote was seen, cells may hold delimiters and line breaks; this one is not whole yet.
        self._is_quoted = False
        self._open_cell = ""
        #: The last comment above the header, which may itself be the header.
        self._comment = b""

    def take(self, data: bytes) -> None:
        super().take(data)
        if not self.header and self._begun_size >= LONGEST_HEADER:
            self._read_header(b"".join(self._begun))

    def take_lines(self, block: bytes) -> None:
        if not self.header:
            block = self._begin(block)
        if not self.header:
            return
        self._is_quoted = self._is_quoted or b'"' in block
        if self._is_quoted:
            self._take_quoted(block, is_last=False)
        elif block and not self._take_numbers(block):
            self._take(self._split(block))

    def take_last(self, line: bytes) -> None:
        if not self.header or b"\r" in line.strip():  # Old line breaks, or a header alone.
            line = line.replace(b"\r", b"\n")
            cut = line.rfind(b"\n") + 1 if self.header or b"\n" in line.strip() else len(line)
            self.take_lines(line[:cut])
            line = line[cut:]
        if self._is_quoted or b'"' in line:
            self._take_quoted(line, is_last=True)
        elif line.strip():
            rows = self._split(line)
            self.torn = len(rows[-1]) < len(self.header)
            self._take(rows[:-1] if self.torn else rows)

    def finish(self) -> None:
        super().finish()
        if self._open_cell:
            self._take_quoted(b"", is_last=True)

    def _begin(self, block: bytes) -> bytes:
        """Find the header: the first line that is neither blank nor a comment. Gives what follows it."""
        begin = 0
        while begin < len(block):
            end = block.find(b"\n", begin) + 1 or len(block)
            line = block[begin:end]
            if line.startswith((COMMENT.encode(), FOR_EXCEL.encode())):
                self._comment = line.lstrip(COMMENT.encode()).lstrip()
            elif line.strip():
                is_below = _names_columns(decoded(self._comment)[0], decoded(line)[0].strip("\r\n"))
                self._read_header(self._comment if is_below else line)
                return block[begin if is_below else end :]
            begin = end
        return b""

    def _read_header(self, line: bytes) -> None:
        commas = max(line.count(delimiter.encode()) for delimiter in DELIMITERS)
        if commas >= MOST_COLUMNS or len(line) >= LONGEST_HEADER:
            more = "" if line.endswith(b"\n") else " or more"
            raise unreadable(self.path, f"has {commas + 1:,} columns{more}, more than any log of metrics", _TRANSPOSED)
        text = self._text(line).strip("\r\n")
        self.delimiter = _delimiter(text) or ","
        self.header = [cell.strip() for cell in cells_of(text, self.delimiter)]
        if not _names(self.header):
            raise unreadable(
                self.path, "has no names in its first line, only numbers", "add a header such as step,loss"
            )
        first = {name: index for index, name in reversed(list(enumerate(self.header)))}
        self.kept = [index for index, name in enumerate(self.header) if name and first[name] == index]
        self.keys = [self.header[index] for index in self.kept]

    def _take_numbers(self, block: bytes) -> bool:
        """Read a large block of nothing but numbers at once: as one JSON array, which is far quicker than cell by cell.

        False, and nothing read, where it holds anything else, or rows of another width than the header.
        """
        if len(block) < WORTH_A_FASTER_PARSER or self.delimiter != "," or block.translate(None, _OF_NUMBERS):
            return False
        lines = block.replace(b"\r", b"").removesuffix(b"\n").split(b"\n")
        if {line.count(b",") for line in lines} != {len(self.header) - 1}:
            return False
        text = b",".join(lines)
        if b",," in text or text.startswith(b",") or text.endswith(b","):
            text = b",".join(cell or b"null" for cell in text.split(b","))
        try:
            import orjson

            cells = orjson.loads(b"[" + text + b"]")
        except (ImportError, ValueError):
            return False
        self.add_columns(self.keys, [cells[index :: len(self.header)] for index in self.kept])
        self.row += len(lines)
        return True

    def _split(self, block: bytes) -> list[list[str]]:
        """Split lines at the delimiter, which is fast, and right as long as there are no quotes."""
        text = self._text(block)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = _point(text, self.delimiter)
        delimiter = self.delimiter
        return [line.split(delimiter) for line in text.split("\n") if line]

    def _text(self, line: bytes) -> str:
        text, replaced = decoded(line)
        self.replaced |= replaced
        return text

    def _take_quoted(self, block: bytes, *, is_last: bool) -> None:
        text = self._open_cell + self._text(block)
        self._open_cell = ""
        if text.count('"') % 2 and not is_last and len(text) < LONGEST_HEADER:
            self._open_cell = text
            return
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=self.delimiter))
        except csv.Error as error:
            raise unreadable(self.path, f"is no table that can be read: {error}", "is it a CSV?") from None
        self._take([[_point(cell, self.delimiter) for cell in row] for row in rows])

    def _take(self, rows: list[list[str]]) -> None:
        width = len(self.header)
        if set(map(len, rows)) - {width} or self.header in rows:
            rows = list(self._even(rows))
        else:
            self.row += len(rows)
        if self.keys != self.header:
            rows = [[row[index] for index in self.kept] for row in rows]
        self.add_cells(self.keys, rows)

    def _even(self, rows: list[list[str]]) -> Iterator[list[str]]:
        """The rows at the width of the header: short ones filled up, long ones cut, blank ones and headers left out."""
        width = len(self.header)
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if [cell.strip() for cell in row] == self.header:
                self.repeated_headers += 1
                continue
            self.row += 1
            if len(row) != width:
                self.ragged.append(self.row)
            yield (row + [""] * (width - len(row)))[:width]

    def notes(self) -> list[str]:
        notes = []
        if self.ragged:
            notes.append(
                f"{counted(len(self.ragged), 'row')} with more or fewer cells than the header, "
                f"the first is row {self.ragged[0]:,}: missing cells taken as absent, surplus ones left out"
            )
        if self.repeated_headers:
            notes.append(f"the header is repeated {counted(self.repeated_headers, 'time')}: another log was appended")
        if self.torn:
            notes.append(f"the last row ({self.row + 1:,}) is cut short: left out")
        if len(self.keys) < len(self.header):
            left_out = [name for index, name in enumerate(self.header) if index not in self.kept]
            notes.append(f"columns without a name, or with one that is taken, left out: {listed(left_out)}")
        if self.replaced:
            notes.append("bytes that are not UTF-8 were replaced")
        return notes


CSV_TABLE = CsvTable()
