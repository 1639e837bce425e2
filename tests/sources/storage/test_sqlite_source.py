"""Databases that are in use, damaged, or made to do harm. The table is trackio's, the care is for all."""

from __future__ import annotations

import os
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from database_format import OLD_TRACKIO, create

from barograph.core.errors import UnreadableRun
from barograph.sources.base import Document
from barograph.sources.formats.trackio import TRACKIO
from barograph.sources.runs import read_run
from barograph.sources.storage import sqlite as module
from barograph.sources.storage.sqlite import columns_in, opened

ROWS = [(None, "", "run", step, b'{"loss": %d}' % step) for step in range(20)]


def losses(path: Path) -> list[float]:
    (raw,) = TRACKIO.read(Document(str(path)))
    return list(raw.table.columns["loss"].values)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "project.db"
    create(path, OLD_TRACKIO, {"metrics": ROWS})
    return path


WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute(f"PRAGMA journal_mode = {sys.argv[2]}")
connection.execute("PRAGMA cache_size = 5")
connection.execute("CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_name, step, metrics)")
insert = "INSERT INTO metrics (run_name, step, metrics) VALUES ('run', ?, ?)"
for step in range(20):
    connection.execute(insert, (step, '{"loss": %d}' % step))
connection.execute("BEGIN IMMEDIATE")
for step in range(20, 20 + int(sys.argv[3])):
    connection.execute(insert, (step, '{"loss": 9, "text": "%s"}' % ("x" * 300)))
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def write(tmp_path: Path) -> Iterator[object]:
    """Starts a program that writes 20 rows, begins a change of some more, and waits."""
    started: list[subprocess.Popen[str]] = []

    def begin(mode: str, more: int) -> tuple[Path, subprocess.Popen[str]]:
        path = tmp_path / "project.db"
        command = [sys.executable, "-c", WRITER, str(path), mode, str(more)]
        program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(program)
        assert program.stdout.readline() == "written\n"
        return path, program

    yield begin
    for program in started:
        program.kill()
        program.communicate()


def listed(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}


@pytest.mark.parametrize(("mode", "more"), [("WAL", 0), ("WAL", 500), ("DELETE", 1)])
def test_read_while_it_is_written(write, mode: str, more: int) -> None:
    """All tables may still stand in the file that is written ahead; what is not committed does not count."""
    path, _ = write(mode, more)
    before = listed(path.parent)
    assert path.stat().st_size < 10_000 or mode == "DELETE"
    assert losses(path) == list(range(20))
    assert read_run(path, "sft").source == "trackio"
    assert listed(path.parent) == before


def test_read_after_its_writer_was_killed(write) -> None:
    path, program = write("WAL", 500)
    program.kill()
    program.wait()
    before = listed(path.parent)
    assert losses(path) == list(range(20))
    assert listed(path.parent) == before


def test_a_change_that_was_not_finished_is_a_sentence(write) -> None:
    path, program = write("DELETE", 3000)
    program.kill()
    program.wait()
    before = listed(path.parent)
    assert "project.db-journal" in before
    with pytest.raises(UnreadableRun, match="a change to it was not finished; open it once with the program"):
        losses(path)
    assert listed(path.parent) == before


def test_a_locked_database_is_a_sentence(write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    path, _ = write("DELETE", 3000)
    with pytest.raises(UnreadableRun, match="is locked by the program that writes it"):
        losses(path)


def test_nothing_is_written_beside_a_closed_database_of_that_kind(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    assert [path.name for path in database.parent.iterdir()] == ["project.db"]
    assert losses(database) == list(range(20))
    assert read_run(database.parent, "sft").last_step == 19
    assert [path.name for path in database.parent.iterdir()] == ["project.db"]


def test_a_copy_is_made_anew_if_the_writer_came_in_between(write, monkeypatch: pytest.MonkeyPatch) -> None:
    path, _ = write("WAL", 0)
    seen = iter([(b"a", 0), (b"b", 0)])
    real = module._generation
    monkeypatch.setattr(module, "_generation", lambda *paths: next(seen, None) or real(*paths))
    assert losses(path) == list(range(20))
    monkeypatch.setattr(module, "_generation", lambda *paths: (os.urandom(32), 0))
    monkeypatch.setattr(module, "ATTEMPTS", 3)
    with pytest.raises(UnreadableRun, match="is being rewritten all the time"):
        losses(path)


@pytest.mark.parametrize("name", ["what?.db", "a#b.db", "100%25.db", "a b&mode=rwc.db", "näme.db", "a'b\".db"])
def test_any_name(database: Path, name: str) -> None:
    path = database.rename(database.with_name(name))
    assert losses(path) == list(range(20))


def test_a_row_of_bytes_that_are_no_text(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("INSERT INTO metrics VALUES (NULL, '', CAST(x'ff41' AS TEXT), 1, CAST(x'7bff' AS TEXT))")
    with opened(Document(str(database))) as found:
        assert list(found.rows("metrics", ["run_name", "metrics"]))[-1] == ("\ufffdA", "{\ufffd")


# Damage


def test_a_page_that_is_cut(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:-100])
    with pytest.raises(UnreadableRun, match="is a database that was cut short"):
        losses(database)


def test_missing_pages(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:4096])
    with pytest.raises(UnreadableRun, match=r"is a damaged database .*malformed"):
        read_run(database)


@pytest.mark.parametrize("begin", [16, 100, 4096])
def test_garbage_behind_the_header(database: Path, begin: int) -> None:
    data = database.read_bytes()
    database.write_bytes(data[:begin] + b"\xa5" * (len(data) - begin))
    with pytest.raises(UnreadableRun) as caught:
        read_run(database)
    assert str(caught.value).isprintable()


def test_every_byte_changed_is_a_run_or_a_sentence(database: Path) -> None:
    data = database.read_bytes()
    used = [at for at in range(len(data)) if data[at]]
    for at in used[::7]:
        database.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        said: list[str] = []
        try:
            said += read_run(database, "sft").notes
        except UnreadableRun as error:
            said.append(str(error))
        assert all(map(str.isprintable, said))


# Harm

COLUMNS = "1 AS id, '' AS timestamp, 'run' AS run_name, 1 AS step, '{\"loss\": 1}' AS metrics"
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"


@pytest.mark.parametrize(
    "schema",
    [
        f"CREATE VIEW metrics AS SELECT {COLUMNS}",
        f"CREATE VIEW metrics AS SELECT x AS id, 'r' AS run_name, x AS step, '' AS metrics FROM ({ENDLESS})",
        "CREATE VIRTUAL TABLE metrics USING fts5(run_name, step, value)",
        "CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_name, step AS (length(hex(zeroblob(1e8)))), metrics)",
    ],
)  # fmt: skip
def test_what_is_no_plain_table_is_not_touched(tmp_path: Path, schema: str) -> None:
    path = tmp_path / "project.db"
    create(path, schema, {})
    begin = time.perf_counter()
    assert columns_in(str(path), ["metrics"])["metrics"] in (set(), {"id", "run_name", "metrics"})
    with pytest.raises(UnreadableRun, match="in no format known here"):
        read_run(path)
    assert time.perf_counter() - begin < 2


def test_triggers_indexes_and_computed_columns_are_not_run(tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    schema = """
    CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_name, step, metrics);
    INSERT INTO metrics VALUES (1, 'run', 1, '{"loss": 1}');
    ALTER TABLE metrics ADD COLUMN bomb AS (length(hex(zeroblob(1e9))));
    CREATE INDEX dear ON metrics (step) WHERE step > 5;
    CREATE TABLE other (a);
    CREATE TRIGGER noisy INSERT ON metrics BEGIN INSERT INTO other VALUES (1); END;
    """
    create(path, schema, {})
    assert losses(path) == [1]


def test_only_reading_is_allowed(database: Path) -> None:
    with opened(Document(str(database))) as found:
        for query in ("DELETE FROM metrics", "ATTACH 'other.db' AS other", "SELECT length(step) FROM metrics", ENDLESS):
            with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|prohibited"):
                found._connection.execute(query)


def test_work_has_an_end(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FREE_INSTRUCTIONS", 0)
    monkeypatch.setattr(module, "INSTRUCTIONS_PER_BYTE", 0)
    monkeypatch.setattr(module, "INSTRUCTIONS", 10)
    with pytest.raises(UnreadableRun, match="takes more work to read than its size explains"):
        losses(database)


def test_a_tree_that_repeats_its_leaf_has_an_end(tmp_path: Path) -> None:
    """An inner page of the table may name one leaf a hundred times, each time with the same rows."""
    path = tmp_path / "project.db"
    create(path, OLD_TRACKIO, {"metrics": [(*row[:4], row[4] + b" " * 300) for row in ROWS * 3]}, 1024)
    data = bytearray(path.read_bytes())
    (root,) = [at for at in range(1024, len(data), 1024) if data[at] == 5]
    cells = struct.unpack_from(">H", data, root + 3)[0]
    pointers = struct.unpack_from(f">{cells}H", data, root + 12)
    for cell in pointers:
        data[root + cell : root + cell + 4] = data[root + pointers[0] : root + pointers[0] + 4]
    path.write_bytes(data)
    with pytest.raises(UnreadableRun, match=r"is damaged|is a damaged database"):
        losses(path)


def test_cells_that_share_a_place_have_an_end(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_CELL", -database.stat().st_size + 100)
    monkeypatch.setattr(sqlite3, "SQLITE_LIMIT_LENGTH", sqlite3.SQLITE_LIMIT_ATTACHED)
    with pytest.raises(UnreadableRun, match="its cells hold more than the file does"):
        losses(database)


def test_a_link_beside_it_is_not_followed(database: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    secret = tmp_path / "secret"
    secret.write_bytes(b"x" * 5000)
    (tmp_path / "project.db-wal").symlink_to(secret)
    assert losses(database) == list(range(20))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="whoever runs this may read everything")
def test_a_database_that_may_not_be_read(database: Path) -> None:
    database.chmod(0)
    with pytest.raises(UnreadableRun, match="permission denied"):
        read_run(database)
