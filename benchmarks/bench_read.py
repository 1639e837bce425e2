"""How quick is reading? Each format beside its floor, and beside readers of others that are installed.

    python benchmarks/bench_read.py             # about two minutes
    python benchmarks/bench_read.py --quick     # a tenth of the rows

The floor is what any reader must do at least: orjson line by line for JSON lines, the csv module for CSV, unpacking
the frames for event files. Others are timed when they are installed: pip install pandas polars tensorboard tbparse
Every round runs all of a table once in a process of its own; the median of the rounds' ratios is shown.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import os
import random
import struct
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_check import KEYS, best, compare, write_log

OURS = "import sys; from barograph.sources.runs import read_run; read_run(sys.argv[1])"
KEPT = {"BAROGRAPH_CACHE": "off"}


def program(code: str, path: Path, needs: str = "") -> tuple[list[str], dict[str, str]] | None:
    """A Python process that runs the code on the log; None where the library it needs is not installed."""
    if needs and importlib.util.find_spec(needs) is None:
        return None
    return [sys.executable, "-c", code, str(path)], KEPT


def table(title: str, programs: dict[str, tuple[list[str], dict[str, str]] | None], rounds: int) -> None:
    compare(title, {name: command for name, command in programs.items() if command is not None}, rounds)


def json_lines(folder: Path, rows: int, rounds: int) -> None:
    path = folder / "log.jsonl"
    write_log(path, rows)
    table(f"JSON lines, {rows:,} rows x 12", {
        "floor: orjson line by line": program(
            "import sys, orjson\nfor line in open(sys.argv[1], 'rb'): orjson.loads(line)", path),
        "json line by line": program("import sys, json\nfor line in open(sys.argv[1]): json.loads(line)", path),
        "barograph, into columns under our names": program(OURS, path),
        "pandas.read_json": program("import sys, pandas; pandas.read_json(sys.argv[1], lines=True)", path, "pandas"),
        "polars.read_ndjson": program("import sys, polars; polars.read_ndjson(sys.argv[1])", path, "polars"),
        "losslint": program(
            "import sys, pathlib; from losslint.parsing import load_run; load_run(pathlib.Path(sys.argv[1]))",
            path, "losslint"),
    }, rounds)  # fmt: skip


def comma_separated(folder: Path, rows: int, rounds: int) -> None:
    path, chance = folder / "log.csv", random.Random(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", *KEYS])
        writer.writerows([step, *(chance.gauss(0, 1) for _ in KEYS)] for step in range(1, rows + 1))
    table(f"CSV, {rows:,} rows x 12", {
        "floor: csv.reader": program("import sys, csv\nfor row in csv.reader(open(sys.argv[1])): pass", path),
        "csv.reader and float": program(
            "import sys, csv\nrows = csv.reader(open(sys.argv[1])); next(rows)\n"
            "for row in rows: list(map(float, row))", path),
        "barograph, into columns under our names": program(OURS, path),
        "pandas.read_csv": program("import sys, pandas; pandas.read_csv(sys.argv[1])", path, "pandas"),
    }, rounds)  # fmt: skip


def without_starting(folder: Path, rows: int, rounds: int) -> None:
    """The same two, in one process, without what it takes to start Python and to import anything."""
    import orjson

    from barograph.sources.runs import read_run

    def json_floor() -> None:
        with (folder / "log.jsonl").open("rb") as file:
            for line in file:
                orjson.loads(line)

    def csv_floor() -> None:
        with (folder / "log.csv").open(newline="") as file:
            for _ in csv.reader(file):
                pass

    os.environ.update(KEPT)
    print(f"\nreading alone, {rows:,} rows x 12 (best of {rounds})")
    for name, floor in (("log.jsonl", json_floor), ("log.csv", csv_floor)):
        least, ours = best(floor, rounds), best(lambda name=name: read_run(folder / name), rounds)
        print(f"  {name:12} floor {least:.3f} s, barograph {ours:.3f} s: {ours / least:.2f} x")


def event_files(folder: Path, rows: int, rounds: int) -> None:
    (folder / "events").mkdir()
    path, chance = folder / "events" / "events.out.tfevents.1700000000.host.1.0", random.Random(0)
    with path.open("wb") as file:
        file.write(frame(b"\x09" + struct.pack("<d", 1.7e9) + b"\x1a\x0dbrain.Event:2"))
        for step in range(1, rows + 1):
            for key in KEYS:
                tag = f"train/{key}".encode()
                value = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", chance.gauss(0, 1))
                summary = b"\x0a" + bytes([len(value)]) + value
                event = b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + varint(step)
                file.write(frame(event + b"\x2a" + bytes([len(summary)]) + summary))
    table(f"event file, {rows:,} steps x 12", {
        "floor: the frames alone": program(
            "import sys, struct\nf = open(sys.argv[1], 'rb')\nwhile head := f.read(12):\n"
            "    f.read(struct.unpack('<Q', head[:8])[0] + 4)", path),
        "barograph, into columns under our names": program(OURS, path),
        "tensorboard's EventAccumulator": program(
            "import sys\nfrom tensorboard.backend.event_processing.event_accumulator import EventAccumulator as E\n"
            "e = E(sys.argv[1], size_guidance={'scalars': 0}); e.Reload()\n"
            "[e.Scalars(tag) for tag in e.Tags()['scalars']]", path, "tensorboard"),
        "tbparse": program("import sys, tbparse; tbparse.SummaryReader(sys.argv[1]).scalars", path, "tbparse"),
    }, rounds)  # fmt: skip


def console(folder: Path, rows: int, rounds: int) -> None:
    path, chance = folder / "train.log", random.Random(0)
    with path.open("w") as file:
        for step in range(1, rows + 1):
            cells = {key: f"{chance.gauss(0, 1):.4g}" for key in KEYS}
            file.write(f"\r{step}/{rows} [00:01<00:02, 1.00it/s]\r{cells | {'epoch': f'{step / rows:.2f}'}}\n")
    table(f"console of transformers, {rows:,} rows x 12", {
        "floor: ast.literal_eval of each dict": program(
            "import sys, ast\nfor line in open(sys.argv[1], newline='\\n'):\n"
            "    ast.literal_eval(line[line.index('{'):].strip())", path),
        "barograph, into columns under our names": program(OURS, path),
    }, rounds)  # fmt: skip


def frame(data: bytes) -> bytes:
    """A record of an event file, with its checksums."""
    head = struct.pack("<Q", len(data))
    return head + struct.pack("<I", masked(head)) + data + struct.pack("<I", masked(data))


def masked(data: bytes) -> int:
    """CRC-32C as event files mask it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def crc_table() -> list[int]:
    entries = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        entries.append(value)
    return entries


def varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


TABLE = crc_table()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, three rounds")
    options = parser.parse_args()
    rows, rounds = (10_000, 3) if options.quick else (100_000, 5)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as name:
        for measure in (json_lines, comma_separated, without_starting, event_files, console):
            measure(Path(name), rows, rounds)


if __name__ == "__main__":
    main()
