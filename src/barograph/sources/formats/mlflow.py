"""What MLflow keeps: a folder of files for each run (`mlruns/EXPERIMENT/RUN`), or one database of all (`mlflow.db`)."""

from __future__ import annotations

import heapq
import math
import os
import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, ClassVar, NamedTuple

from barograph.sources.base import BLOCK, Document, RawRun, Source, decoded, unreadable
from barograph.sources.facts import facts_in
from barograph.sources.points import PORTION, Gathered, Point, Rows, names_apart, without_idle_steps
from barograph.sources.storage.sqlite import MAGIC, Database, columns_in, opened
from barograph.sources.storage.yaml_lines import plain_lines, scalar
from barograph.sources.table import RawTable
from barograph.sources.wording import counted, listed

__all__ = ["MLFLOW_DATABASE", "MLFLOW_FILES", "TABLES", "MlflowDatabase", "MlflowFiles", "is_mlflow"]

#: Figures of the machine, each with a count of its own in place of the step.
_MACHINE = "system/"
_DELETED = "deleted"


# A folder of files for each run

STORE, META, METRICS, PARAMS, TAGS = "mlruns", "meta.yaml", "metrics", "params", "tags"
#: Where experiments go that were deleted, and where models lie that were logged.
_NO_EXPERIMENTS = frozenset({".trash", "models", "traces"})
#: Folders inside folders of metrics: `eval/rewards/chosen` has three parts.
DEEPEST = 20
MOST_FILES = 100_000
#: No line of a metric is longer, and no setting.
LONGEST_LINE, LONGEST_SETTING = 1_000, 10_000
MOST_SETTINGS = 5_000


class MlflowFiles(Source):
    """The folder of one run in MLflow's file store."""

    name: ClassVar[str] = "mlflow"
    describes: ClassVar[str] = (
        "MLflow's file store: a run's folder in `mlruns`, or an experiment's, or `mlruns` itself, each run for itself."
    )
    checked: ClassVar[str] = "a store that MLflow 3.17 wrote, with three runs"
    landmarks: ClassVar[tuple[str, ...]] = ("mlruns/*/*/meta.yaml",)
    one_run_a_folder: ClassVar[bool] = False
    may_be_cached: ClassVar[bool] = False

    def recognises(self, path: str, head: bytes) -> bool:
        return not head and _is_run(Path(path))

    def read(self, document: Document) -> list[RawRun]:
        run = document.place
        meta = plain_lines(run / META)
        metrics = _Metrics(document.path)
        table = metrics.table(run / METRICS)
        notes = metrics.notes()
        if meta.get("lifecycle_stage") == _DELETED:
            notes.append("MLflow has this run marked as deleted")
        name = _setting(run / TAGS / "mlflow.runName") or str(meta.get("run_name") or meta.get("name") or "")
        return [RawRun(table, {**_params(run / PARAMS), **({"run_name": name} if name else {})}, notes, name)]

    def in_folder(self, folder: Path) -> list[Path]:
        """The folder if it is a run's; else the runs in it, as in an experiment; else those of its experiments."""
        if _is_run(folder):
            return [folder]
        if found := _runs_in(folder):
            return found
        stores = [folder, folder / STORE] if not (folder / STORE).is_symlink() else [folder]
        experiments = [inner for store in stores if store.is_dir() for inner in _folders(store)]
        return [run for experiment in experiments if (experiment / META).is_file() for run in _runs_in(experiment)]


def _is_run(folder: Path) -> bool:
    """Whether a folder is a run's; a model's has a `meta.yaml` as well."""
    if not (folder / META).is_file() or not (folder / METRICS).is_dir() or (folder / METRICS).is_symlink():
        return False
    meta = plain_lines(folder / META)
    return "run_id" in meta or "run_uuid" in meta


def _runs_in(experiment: Path) -> list[Path]:
    if plain_lines(experiment / META).get("lifecycle_stage") == _DELETED:
        return []
    runs = [folder for folder in _folders(experiment) if _is_run(folder)]
    return [run for run in runs if plain_lines(run / META).get("lifecycle_stage") != _DELETED]


def _folders(folder: Path) -> list[Path]:
    return sorted(
        inner for inner in folder.iterdir()
        if inner.is_dir() and not inner.is_symlink() and inner.name not in _NO_EXPERIMENTS
    )  # fmt: skip


class _Series(NamedTuple):
    """The numbers of one file, in the order of its lines."""

    key: str
    times: array[int]
    steps: array[int]
    values: array[float]

    def events(self) -> Iterator[tuple[int, int, str, float]]:
        for time, step, value in zip(self.times, self.steps, self.values, strict=True):
            yield time, step, self.key, value


class _Metrics:
    """The metrics of one run, and what was wrong with their files."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._torn: list[str] = []
        self._denied: list[str] = []
        self._lines = 0
        self._broken = 0
        self._negative = 0

    def table(self, folder: Path) -> RawTable:
        """The rows: what was logged next to each other in time, at one step."""
        series = [self._series(file, key) for file, key in self._files(folder) if not key.startswith(_MACHINE)]
        if self._denied and not any(one.steps for one in series):
            raise unreadable(self._path, f"has metrics that may not be read ({listed(self._denied, 3)})",
                             "check their owner and mode")  # fmt: skip
        if 2 * self._broken > self._lines:
            raise unreadable(self._path, f"{self._broken:,} of {counted(self._lines, 'line')} of its metrics are no "
                             "time, value and step", "is this a run of MLflow?")  # fmt: skip
        gathered, rows = Gathered(self._path), Rows("step")
        # The next of each series whose time has come: a clock that was set back moves nothing within one.
        for _, step, key, value in heapq.merge(*(one.events() for one in series), key=itemgetter(0, 1)):
            rows.add(Point(key, step, value))
            if len(rows) >= PORTION:
                gathered.extend(rows.ready())
        rows.end_row()
        gathered.extend(rows.ready())
        return without_idle_steps(gathered.table(), "step")

    def _files(self, folder: Path) -> Iterator[tuple[str, str]]:
        """The files in a folder and the folders inside it, with the key that each path stands for; no links."""
        waiting, number = [(str(folder), "", 0)], 0
        while waiting:
            inner, prefix, depth = waiting.pop()
            try:
                with os.scandir(inner) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except OSError:
                self._denied.append(prefix or METRICS)
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and depth < DEEPEST:
                    waiting.append((entry.path, f"{prefix}{entry.name}/", depth + 1))
                elif entry.is_file(follow_symlinks=False):
                    number += 1
                    if number > MOST_FILES:
                        raise unreadable(self._path, f"holds more than {MOST_FILES:,} metrics", "are these metrics?")
                    yield entry.path, prefix + entry.name

    def _series(self, file: str, key: str) -> _Series:
        series = _Series(key, array("q"), array("q"), array("d"))
        try:
            with open(file, "rb") as stream:  # noqa: PTH123 - one of very many
                for line in _lines(stream):
                    if not line.endswith(b"\n"):
                        self._torn.append(key)  # A number that is cut looks like another number.
                    elif not line.isspace():
                        self._take(line, series)
        except OSError:
            self._denied.append(key)
        return series

    def _take(self, line: bytes, series: _Series) -> None:
        """Take one line: time, value, step, and in newer versions the data set, which is another matter."""
        self._lines += 1
        parts = line.split()
        try:
            if len(parts) not in {2, 3, 5}:
                raise ValueError  # noqa: TRY301 - as the numbers below
            # The first versions told no step.
            time, value, step = int(parts[0]), float(parts[1]), int(parts[2]) if len(parts) > 2 else 0
            array("q", (time, step))
        except (ValueError, OverflowError):
            self._broken += 1
            return
        if step < 0:
            self._negative += 1
            return
        series.times.append(time)
        series.steps.append(step)
        series.values.append(value)

    def notes(self) -> list[str]:
        notes = []
        if self._broken:
            notes.append(f"{counted(self._broken, 'line')} of its metrics {_are(self._broken)} broken: left out")
        if self._torn:
            notes.append(f"the last line of {listed(sorted(self._torn), 3)} is cut short: left out")
        if self._denied:
            notes.append(f"metrics that cannot be read: {listed(sorted(self._denied), 3)}: left out")
        if self._negative:
            notes.append(_below_zero(self._negative))
        return notes


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a file; of one that is too long nothing but that it is there."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(BLOCK)
            line = b"too long\n"
        yield line


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _below_zero(number: int) -> str:
    return f"{counted(number, 'value')} at a step below zero: left out"


def _setting(file: Path) -> str:
    """What is in a small file that really lies in its folder; nothing where it cannot be read."""
    if file.is_symlink() or file.parent.is_symlink() or not file.is_file():
        return ""
    try:
        with file.open("rb") as stream:
            return decoded(stream.read(LONGEST_SETTING))[0].strip()
    except OSError:
        return ""


def _params(folder: Path) -> dict[str, object]:
    """The parameters of a run, each a file."""
    if folder.is_symlink() or not folder.is_dir():
        return {}
    files = islice(folder.rglob("*"), MOST_SETTINGS)
    names = {file.relative_to(folder).as_posix(): file for file in files if not file.is_dir()}
    return facts_in({name: scalar(_setting(file)) for name, file in sorted(names.items())})


# The database

TABLES = ("runs", "metrics")
_RUN_COLUMNS, _METRIC_COLUMNS = frozenset({"run_uuid", "lifecycle_stage"}), frozenset({"run_uuid", "key", "value"})


def is_mlflow(columns: Mapping[str, frozenset[str]]) -> bool:
    """Whether a database has the tables in which MLflow keeps runs and metrics."""
    return columns.get("runs", frozenset()) >= _RUN_COLUMNS and columns.get("metrics", frozenset()) >= _METRIC_COLUMNS


class MlflowDatabase(Source):
    """The database that newer versions of MLflow keep by default."""

    name: ClassVar[str] = "mlflow_db"
    describes: ClassVar[str] = "MLflow's database (`mlflow.db`, SQLite), each run in it by its name."
    checked: ClassVar[str] = "a database that MLflow 3.17 wrote, with three runs"
    landmarks: ClassVar[tuple[str, ...]] = ("mlflow.db",)
    suffixes: ClassVar[tuple[str, ...]] = (".db", ".sqlite", ".sqlite3")
    one_run_a_folder: ClassVar[bool] = False
    may_be_cached: ClassVar[bool] = False

    def recognises(self, path: str, head: bytes) -> bool:
        return head.startswith(MAGIC) and is_mlflow(columns_in(path, TABLES) or {})

    def read(self, document: Document) -> list[RawRun]:
        with opened(document) as database:
            return _Store(document.path, database).runs()


class _Store:
    """The runs of a database that were not deleted."""

    def __init__(self, path: str, database: Database) -> None:
        self._path = path
        self._database = database
        self._names = dict(self._active())
        self._rows = {run: Rows("step") for run in self._names}
        self._gathered = {run: Gathered(path) for run in self._names}
        self._negative: Counter[str] = Counter()
        self._broken: Counter[str] = Counter()

    def runs(self) -> list[RawRun]:
        self._read_metrics()
        settings = self._settings()
        runs = []
        for run, name in names_apart(self._names):
            rows, gathered = self._rows[run], self._gathered[run]
            rows.end_row()
            gathered.extend(rows.ready())
            table = without_idle_steps(gathered.table(), "step")
            runs.append(RawRun(table, facts_in(settings.get(run, {})), self._notes(run), name))
        if not runs:
            raise unreadable(self._path, "holds no run that was not deleted", "is the run still starting?")
        return runs

    def _active(self) -> Iterator[tuple[str, str]]:
        """The identity and the name of each run."""
        gone = {
            number for number, stage in self._database.rows("experiments", ["experiment_id", "lifecycle_stage"])
            if stage == _DELETED
        }  # fmt: skip
        tags = self._database.rows("tags", ["run_uuid", "key", "value"])
        tagged = {run: name for run, key, name in tags if key == "mlflow.runName"}
        columns = ["run_uuid", "name", "experiment_id", "lifecycle_stage"]
        for run, name, experiment, stage in self._database.rows("runs", columns):
            if stage != _DELETED and experiment not in gone:
                yield str(run), str(tagged.get(run) or name or "")

    def _read_metrics(self) -> None:
        columns = ["run_uuid", "key", "value", "step", "is_nan"]
        for run, key, value, step, is_nan in self._database.rows("metrics", columns):
            rows = self._rows.get(str(run))
            if rows is None or not isinstance(key, str) or key.startswith(_MACHINE):
                continue
            if not isinstance(value, int | float) or not isinstance(step, int | None):
                self._broken[str(run)] += 1
            elif (step or 0) < 0:
                self._negative[str(run)] += 1
            else:
                rows.add(Point(key, step or 0, math.nan if is_nan else _unbounded(value)))
                if len(rows) >= PORTION:
                    self._gathered[str(run)].extend(rows.ready())

    def _settings(self) -> dict[str, dict[str, object]]:
        settings: dict[str, dict[str, object]] = {}
        for run, key, value in self._database.rows("params", ["run_uuid", "key", "value"]):
            if isinstance(key, str) and isinstance(value, str) and run in self._names:
                settings.setdefault(str(run), {})[key] = scalar(value)
        return settings

    def _notes(self, run: str) -> list[str]:
        broken, negative = self._broken[run], self._negative[run]
        notes = [f"{counted(broken, 'value')} that {_are(broken)} no number: left out"] if broken else []
        return [*notes, _below_zero(negative)] if negative else notes


def _unbounded(value: float) -> float:
    """An infinity is stored as the largest number."""
    return math.copysign(math.inf, value) if abs(value) >= sys.float_info.max else float(value)


MLFLOW_FILES = MlflowFiles()
MLFLOW_DATABASE = MlflowDatabase()
