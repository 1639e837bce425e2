"""SQLite databases of other programs, read as what they are: somebody else's, maybe in use, maybe hostile.

Nothing is ever written beside a database. One that is written ahead (WAL) could not be opened without that, so it is
copied, together with what was written ahead, and the copy is read. Only real tables are read, row by row; nothing in
the schema is run (views, triggers, generated columns, virtual tables), and the work has an end.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from barograph.core.errors import UnreadableRun
from barograph.sources.base import BLOCK, Document, unreadable
from barograph.sources.wording import visible

if TYPE_CHECKING:
    import sqlite3

__all__ = ["MAGIC", "Cell", "Database", "columns_in", "is_in_plain", "opened"]

MAGIC = b"SQLite format 3\0"
#: One cell of a table.
Cell: TypeAlias = "int | float | str | bytes | None"

#: Rows that are fetched at once. In between, whoever writes may go on.
PORTION = 5_000
#: Longest cell; metrics of one row are far below.
LONGEST_CELL = 16 << 20
#: Instructions of the database's machine between two looks at how many there were.
INSTRUCTIONS = 100_000
#: So many instructions may be run whatever the size, and so many more for each byte. A row of ten bytes takes fifteen.
FREE_INSTRUCTIONS, INSTRUCTIONS_PER_BYTE = 20_000_000, 10
#: Seconds to wait for a writer who has locked the database.
PATIENCE = 5.0
#: How often a copy is made anew because the writer came in between.
ATTEMPTS = 20
#: Where the header tells how the database is written (2: ahead), and how long it is.
_WRITE_VERSION = 18
_WAL_HEADER = 32


@cache
def _errors() -> tuple[type[Exception], ...]:
    """What may go wrong. What SQLite says may quote a damaged name that is no text."""
    import sqlite3

    return sqlite3.Error, UnicodeDecodeError


class Database:
    """An open database."""

    def __init__(self, connection: sqlite3.Connection, path: str, size: int) -> None:
        self._connection = connection
        self._path = path
        self._instructions_left = FREE_INSTRUCTIONS + INSTRUCTIONS_PER_BYTE * size
        #: Cells cannot hold more than the file does, unless several claim the same place.
        self._bytes_left = size + LONGEST_CELL
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        import sqlite3

        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_CELL)
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0", "query_only = ON"):
            connection.execute(f"PRAGMA {setting}").close()
        connection.set_authorizer(_only_reading)
        connection.set_progress_handler(self._count, INSTRUCTIONS)

    def _count(self) -> bool:
        self._instructions_left -= INSTRUCTIONS
        return self._instructions_left < 0

    def columns(self, table: str) -> frozenset[str]:
        """The stored columns of a real table; none if there is no such table."""
        real = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND rootpage > 0 AND name = ?"
        if self._connection.execute(real, (table,)).fetchone() is None:
            return frozenset()
        # Unlike `table_xinfo`, this leaves out what is computed.
        return frozenset(row[1] for row in self._connection.execute(f"PRAGMA table_info({_quoted(table)})"))

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
        """The rows of a table in the order in which they were written; nothing if it is not there.

        A column that the table does not have gives nothing in every row.
        """
        known = self.columns(table)
        if not known:
            return
        chosen = ", ".join(_quoted(column) if column in known else "NULL" for column in columns)
        query = (
            f"SELECT _rowid_, {chosen} FROM {_quoted(table)} NOT INDEXED "  # noqa: S608 - quoted
            f"WHERE _rowid_ > ? ORDER BY _rowid_ LIMIT {PORTION}"
        )
        last = -(1 << 63)
        while True:
            portion = []
            for number, *cells in self._connection.execute(query, (last,)):
                self._bytes_left -= sum(len(cell) for cell in cells if isinstance(cell, str | bytes))
                if self._bytes_left < 0 or not isinstance(number, int) or number <= last:
                    raise unreadable(self._path, "is damaged: its cells hold more than the file does")
                last = number
                portion.append(tuple(cells))
            yield from portion
            if len(portion) < PORTION:
                return


def _only_reading(action: int, *_: object) -> int:
    import sqlite3

    allowed = action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_PRAGMA}
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def opened(document: Document) -> Iterator[Database]:
    """The database that a document is. Whatever goes wrong with it, also later on, is `UnreadableRun`."""
    try:
        if document.data is None and is_in_plain(document.place) and not _is_written_ahead(document.place):
            size = _whole_pages(document.place, document.path)
            with closing(_connected(document.place, "mode=ro")) as connection:
                yield Database(connection, document.path, size)
            return
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="barograph-", ignore_cleanup_errors=True) as folder:
            copy = Path(folder) / "copy.db"
            size = _copy(document, copy) + _whole_pages(copy, document.path)
            with closing(_connected(copy, "mode=rw")) as connection:
                yield Database(connection, document.path, size)
    except _errors() as error:
        raise unreadable(document.path, *_problem(document, error)) from None


def _connected(place: Path, how: str) -> sqlite3.Connection:
    import sqlite3

    return sqlite3.connect(f"{place.absolute().as_uri()}?{how}", uri=True, timeout=PATIENCE, isolation_level=None)


def _problem(document: Document, error: Exception) -> tuple[str, str]:
    """What to say of an error of the database, and what may help."""
    said = "its schema is no text" if isinstance(error, UnicodeDecodeError) else str(error)
    if said == "interrupted":
        return "takes more work to read than its size explains", "is it damaged, or made to do so?"
    if "locked" in said:
        return "is locked by the program that writes it", "try again in a moment"
    if document.data is None and _beside(document.place, "-journal").is_file():
        return (
            f"cannot be read ({visible(said)}): a change to it was not finished",
            "open it once with the program that wrote it, which takes the change back",
        )
    return f"is a damaged database ({visible(said)})", "was it copied while it was written to, or cut?"


def is_in_plain(place: Path) -> bool:
    """Whether a file is a database as it is, and not a packed one."""
    with place.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def _is_written_ahead(place: Path) -> bool:
    with place.open("rb") as stream:
        stream.seek(_WRITE_VERSION)
        return stream.read(2) != b"\1\1"


def _whole_pages(place: Path, path: str) -> int:
    """The size of a database; an error if its last page is cut, in which SQLite would find zeros."""
    with place.open("rb") as stream:
        stream.seek(len(MAGIC))
        page = int.from_bytes(stream.read(2), "big")
        size = stream.seek(0, io.SEEK_END)
    if size % (page if page > 1 else 65_536):
        raise unreadable(path, "is a database that was cut short", "copy it again, while nothing writes to it")
    return size


def _beside(place: Path, ending: str) -> Path:
    real = place.resolve()
    return real.with_name(real.name + ending)


def _copy(document: Document, copy: Path) -> int:
    """Copy the database with what was written ahead, whose size it gives, in a state that it had at some moment."""
    import shutil

    if document.data is not None or not is_in_plain(document.place):
        with document.open() as stream, copy.open("wb") as target:
            shutil.copyfileobj(stream, target, BLOCK)
        return 0
    ahead, ahead_copy = _beside(document.place, "-wal"), copy.with_name(f"{copy.name}-wal")
    for attempt in range(ATTEMPTS):
        time.sleep(0.02 * attempt)
        before = _generation(document.place, ahead)
        shutil.copyfile(document.place, copy)
        ahead_copy.unlink(missing_ok=True)
        if before[0]:
            with suppress(FileNotFoundError):
                shutil.copyfile(ahead, ahead_copy)
        # What the writer moves from there into the database meanwhile, both copies have, as long as it only appends.
        if _generation(document.place, ahead) == before:
            return ahead_copy.stat().st_size if ahead_copy.exists() else 0
    raise unreadable(document.path, "is being rewritten all the time", "try again in a moment")


def _generation(place: Path, ahead: Path) -> tuple[bytes, int]:
    """How the file that is written ahead begins, which changes when it begins anew; without it, the database's time."""
    head = b""
    if not ahead.is_symlink():
        with suppress(FileNotFoundError), ahead.open("rb") as stream:
            head = stream.read(_WAL_HEADER)
    return head, 0 if head else place.stat().st_mtime_ns


def columns_in(path: str, tables: Sequence[str]) -> Mapping[str, frozenset[str]] | None:
    """The columns of some tables of a database; None if the file cannot be opened as one without being unpacked."""
    place = Path(path)
    found: dict[str, frozenset[str]] | None = None
    try:
        if not place.is_file() or not is_in_plain(place):
            return None
        with suppress(*_errors()), closing(_connected(place, "mode=ro&immutable=1")) as connection:
            database = Database(connection, path, place.stat().st_size)
            found = {table: database.columns(table) for table in tables}
        if (found and any(found.values())) or not _generation(place, _beside(place, "-wal"))[0]:
            return found
        # A young database may still be written ahead as a whole.
        with opened(Document(path)) as database:
            return {table: database.columns(table) for table in tables}
    except (OSError, UnreadableRun):
        return None
