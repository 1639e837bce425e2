"""What trackio keeps of a project: a database with a row for each call of its logger, for any number of runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from barograph.sources.base import Document, RawRun, Source, unreadable
from barograph.sources.facts import facts_in
from barograph.sources.points import Gathered, names_apart
from barograph.sources.storage.json_text import Broken, loads, parser
from barograph.sources.storage.sqlite import MAGIC, Cell, Database, columns_in, opened
from barograph.sources.wording import counted

__all__ = ["TABLE", "TRACKIO", "Trackio", "is_trackio"]

TABLE = "metrics"
#: Columns that the table has had from the first version on.
_COLUMNS = frozenset({"run_name", "step", "metrics"})
#: No project has more runs.
MOST_RUNS = 10_000


def is_trackio(columns: Mapping[str, frozenset[str]]) -> bool:
    """Whether a database has the table that trackio keeps its metrics in."""
    return columns.get(TABLE, frozenset()) >= _COLUMNS


class Trackio(Source):
    """The database of one project."""

    name: ClassVar[str] = "trackio"
    describes: ClassVar[str] = "The database that trackio keeps of a project (`PROJECT.db`), each run by its name."
    checked: ClassVar[str] = "a database that trackio 0.43 wrote, with three runs"
    suffixes: ClassVar[tuple[str, ...]] = (".db",)
    one_run_a_folder: ClassVar[bool] = False
    may_be_cached: ClassVar[bool] = False

    def recognises(self, path: str, head: bytes) -> bool:
        return head.startswith(MAGIC) and is_trackio(columns_in(path, [TABLE]) or {})

    def read(self, document: Document) -> list[RawRun]:
        with opened(document) as database:
            return _Project(document.path, database).runs()


class _Project:
    """The runs of a project, as they are read."""

    def __init__(self, path: str, database: Database) -> None:
        self._path = path
        self._database = database
        self._tables: dict[str, Gathered] = {}
        self._names: dict[str, str] = {}
        self._broken: dict[str, int] = {}
        self._rows: dict[str, int] = {}

    def runs(self) -> list[RawRun]:
        self._read_metrics()
        settings = self._settings()
        runs = []
        for run, name in names_apart(self._names):
            broken = self._broken.get(run, 0)
            if 2 * broken > self._rows[run]:
                rows = counted(self._rows[run], "row")
                raise unreadable(self._path, f"{broken:,} of {rows} of the run '{name}' are no JSON objects")
            notes = [f"{counted(broken, 'row')} that {'is' if broken == 1 else 'are'} no JSON object: left out"]
            runs.append(RawRun(self._tables[run].table(), settings.get(run, {}), notes if broken else [], name))
        if not runs:
            raise unreadable(self._path, "holds no rows", "is the run still starting?")
        return runs

    def _read_metrics(self) -> None:
        # The first versions told runs apart by name only.
        parse = parser(1 << 20)
        for run_id, name, step, metrics in self._database.rows(TABLE, ["run_id", "run_name", "step", "metrics"]):
            run = _text(name if run_id is None else run_id)
            if run not in self._tables:
                self._begin(run, _text(name))
            self._rows[run] += 1
            try:
                row = parse(_bytes(metrics))
            except Broken:
                row = None
            if not isinstance(row, dict):
                self._broken[run] = self._broken.get(run, 0) + 1
                continue
            # It counts calls, as that of W&B does; the trainer's own step is among the metrics.
            row.setdefault("_step", step)
            self._tables[run].extend([row])

    def _begin(self, run: str, name: str) -> None:
        if len(self._tables) >= MOST_RUNS:
            raise unreadable(self._path, f"holds more than {MOST_RUNS:,} runs", "is the table damaged?")
        self._tables[run], self._names[run], self._rows[run] = Gathered(self._path), name, 0

    def _settings(self) -> dict[str, dict[str, object]]:
        """What each run was started with; what is no JSON tells nothing."""
        settings: dict[str, dict[str, object]] = {}
        for run_id, name, config in self._database.rows("configs", ["run_id", "run_name", "config"]):
            run = _text(name if run_id is None else run_id)
            if run not in self._tables:
                continue
            try:
                found = loads(_bytes(config))
            except Broken:
                continue
            if isinstance(found, dict):
                # With an underscore in front go the tool's own.
                settings[run] = facts_in({key: value for key, value in found.items() if not key.startswith("_")})
        return settings


def _text(cell: Cell) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)


def _bytes(cell: Cell) -> bytes:
    """A cell of text: newer versions store its bytes."""
    return cell if isinstance(cell, bytes) else str(cell).encode("utf-8", "replace")


TRACKIO = Trackio()
