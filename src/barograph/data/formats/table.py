"""Tables with separators: CSV and TSV, with a header."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from barograph.data.formats.base import LONGEST_ROW, DataFile, Row, UnreadableData, bare_suffix, opened, written

__all__ = ["TableFile"]

NOTED = 1024


class TableFile(DataFile):
    """Rows below a header. The number of a row is that of the example: the first one below the header is 1."""

    describes = "CSV"

    @property
    def separator(self) -> str:
        return "\t" if bare_suffix(self.path) == ".tsv" else ","

    def rows(self) -> Iterator[Row]:
        header: Sequence[str] | None = None
        for number, cells in self._cells():
            if header is None:
                header = [name.strip() for name in cells]
                continue
            is_damaged = any(_is_damaged(cell) for cell in cells)
            if len(cells) != len(header):
                flaw = f"has {len(cells)} columns where the header has {len(header)}"
                yield Row(number, None, flaw, is_damaged)
                continue
            texts = map(_mended, cells) if is_damaged else cells
            yield Row(number, dict(zip(header, texts, strict=True)), "", is_damaged)

    def copy(self, out: Path, keeps: Callable[[int], bool]) -> None:
        with written(out) as target:
            text = io.TextIOWrapper(target, "utf-8", errors="surrogateescape", newline="")
            writer = csv.writer(text, delimiter=self.separator)
            width = 0
            for number, cells in self._cells():
                width = width or len(cells)
                if number == 0 or (len(cells) == width and keeps(number)):
                    writer.writerow(cells)
            text.flush()
            text.detach()

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        """The header under the number 0, and the rows below it."""
        with opened(self) as (stream, note):
            csv.field_size_limit(LONGEST_ROW)
            reader = csv.reader(_lines(stream, self.path), delimiter=self.separator)
            number = 0
            try:
                for cells in reader:
                    if cells:
                        yield number, cells
                        number += 1
                        if number % NOTED == 0:
                            note()
            except csv.Error as error:
                raise UnreadableData(
                    f"{self.path}: line {reader.line_num} is no {self.describes}: {error}; is a quotation mark missing?"
                ) from None


def _lines(stream: IO[bytes], path: Path) -> Iterator[str]:
    """Lines as text; bytes that are no UTF-8 are kept as single surrogates, so that they can be told and written."""
    for number, line in enumerate(iter(lambda: stream.readline(LONGEST_ROW), b""), 1):
        if len(line) >= LONGEST_ROW and not line.endswith(b"\n"):
            raise UnreadableData(
                f"{path}: line {number} is longer than {LONGEST_ROW >> 20} MB, which no example is; "
                "is a line end or a quotation mark missing?"
            )
        if b"\0" in line:
            raise UnreadableData(f"{path}: line {number} holds a zero byte; is it a binary file, or UTF-16?")
        yield line.removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").decode("utf-8", "surrogateescape")


def _is_damaged(cell: str) -> bool:
    return not cell.isascii() and any("\udc80" <= character <= "\udcff" for character in cell)


def _mended(cell: str) -> str:
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
