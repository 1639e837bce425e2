"""What all consoles have in common: lines with colours, progress bars and names of processes between the numbers.

A console is taken as it was captured: `python train.py > log 2>&1`, a scrollback, what a batch system kept.
A way of printing is one `Console`, with a `Parser` that is shown one clean line after the other.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from barograph.sources.base import GrowingSource, LineReading, Reading, decoded
from barograph.sources.late import late

__all__ = ["Console", "Parser", "Row", "clean_lines", "gives_rows"]

#: Raw keys and what was printed behind them.
Row = dict[str, object]

#: Colours and movements of the cursor, titles of windows, and what else a terminal obeys.
_ESCAPES = late(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
#: Which process printed a line, as Ray puts it before each.
_PROCESS = late(r"^\([\w.: /-]{0,80}\bpid=\d+(?:, ip=[\w.:]+)?\) ?")


class Parser:
    """Makes rows of lines. It keeps what it has to remember from line to line."""

    def line(self, line: str) -> Iterable[Row]:
        """The rows that are complete with this line, nearly always one or none."""
        raise NotImplementedError

    def end(self) -> Iterable[Row]:
        """The rows that only the end of the log completes."""
        return ()

    def config(self) -> dict[str, object]:
        """What the lines so far tell of the run's settings."""
        return {}

    def notes(self) -> list[str]:
        """What a reader should know of the lines so far."""
        return []


class Console(GrowingSource):
    """What a framework prints while it trains."""

    suffixes: ClassVar[tuple[str, ...]] = (".log", ".txt", ".out", ".err")
    looks_deep: ClassVar[bool] = True
    #: What only this framework's lines have, sought at the beginning of the log.
    mark: ClassVar[re.Pattern[str]]
    #: A piece of text that every such log has, quicker to seek than the mark.
    hint: ClassVar[bytes] = b""

    @abstractmethod
    def parser(self) -> Parser:
        """A parser that has seen nothing yet."""

    def recognises(self, path: str, head: bytes) -> bool:
        return self.hint in head and any(map(self.mark.search, clean_lines(decoded(head)[0])))

    def reading(self, path: str) -> Reading:
        return _ConsoleReading(path, self.parser())


class _ConsoleReading(LineReading):
    def __init__(self, path: str, parser: Parser) -> None:
        super().__init__(path)
        self._parser = parser
        self._replaced = False

    def take(self, data: bytes) -> None:
        # A progress bar may be drawn for hours before its line ends; each of its states is a line of its own.
        super().take(data.replace(b"\r", b"\n"))

    def take_lines(self, block: bytes) -> None:
        text, replaced = decoded(block)
        self._replaced |= replaced
        self.add([row for line in clean_lines(text) for row in self._parser.line(line)])
        self.config = self._parser.config()

    def take_last(self, line: bytes) -> None:
        self.take_lines(line)

    def finish(self) -> None:
        super().finish()
        self.add(list(self._parser.end()))
        self.config = self._parser.config()

    def notes(self) -> list[str]:
        return [*self._parser.notes(), *(["bytes that are not UTF-8 were replaced"] if self._replaced else [])]


def gives_rows(parser: Parser, head: bytes) -> bool:
    """Whether a log that begins so has a row for this parser: for what no single line is a mark of."""
    return any(True for line in clean_lines(decoded(head)[0]) for _ in parser.line(line))


def clean_lines(text: str) -> Iterable[str]:
    r"""The lines as somebody read them: no escapes, no names of processes, one line for each state of a progress bar.

    >>> list(clean_lines("\x1b[36m(Runner pid=7)\x1b[0m step:1 - loss:2\n 1/9\r 2/9\rdone\n\n"))
    ['step:1 - loss:2', ' 1/9', ' 2/9', 'done']
    """
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    for line in text.replace("\r", "\n").split("\n"):
        if line.strip():
            yield _PROCESS.sub("", line) if line.startswith("(") else line
