"""How many rows are lost when a training is killed? Of those whose call had returned, by every tracker that can be had.

    python benchmarks/bench_kill.py                              # with what is installed
    python benchmarks/bench_kill.py --python PATH --python PATH  # interpreters that have rivals installed

A child logs a row each millisecond and says through a pipe which calls have returned. It is killed with SIGKILL after
1,000 to 1,400 of them: alone, and with all processes that it has started. Three seconds later what is on disk is
counted, in the way that loses the least: rows that stand anywhere in the tracker's files, by a number in each.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_log import TRACKERS, found, row_of

NAMES = [name for name in TRACKERS if name != "tensorboardX"]
#: Each row holds a number that stands in no other: this much and the step. It is exact in four bytes.
MARK = 1_000_000


#: The beginning of a file in blocks.
MAGIC = b":W&B"
#: So many rows must all be found after a regular end, or a tracker's files cannot be read in this way.
TRIAL = 300


def child(name: str, folder: Path, rows: float) -> None:
    log, chance, step = TRACKERS[name](folder), random.Random(0), 0
    while step < rows:
        log(step, {**row_of(chance), "mark": float(MARK + step)})
        os.write(1, b"%d\n" % step)
        step += 1
        time.sleep(0.001)


def content(path: Path) -> bytes:
    """What a file holds. W&B and SwanLab cut records into blocks, within numbers too: they are put together again."""
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        return data
    from barograph.sources.storage.leveldb import Blocks

    return b"\0".join(Blocks().take(data))


def kept(folder: Path, steps: int) -> int:
    """How many rows stand in the files, as text or as binary numbers, whichever finds most."""
    data = b"\0".join(content(path) for path in sorted(folder.rglob("*")) if path.is_file())
    whole = [float(MARK + step) for step in range(steps)]
    return max(
        sum(b"%d" % int(mark) in data for mark in whole),
        sum(
            f"{mark / MARK:.6f}".rstrip("0").rstrip(".").encode() + b"e+06" in data for mark in whole
        ),  # as Go writes it
        sum(struct.pack("<f", mark) in data for mark in whole),
        sum(struct.pack("<d", mark) in data or struct.pack(">d", mark) in data for mark in whole),
    )


def can_be_counted(name: str, python: str) -> bool:
    """Whether every row of a run that ends by itself is found in the files."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        command = [python, __file__, "--child", name, place, str(TRIAL)]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=120)
        time.sleep(1)
        return kept(Path(place), TRIAL) == TRIAL


def killed(name: str, python: str, chance: random.Random, *, whole_tree: bool) -> tuple[int, int]:
    """Rows lost, of rows returned."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        command = [python, __file__, "--child", name, place, "inf"]
        until = chance.randint(1_000, 1_400)
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            assert process.stdout is not None
            returned = 0
            for line in process.stdout:
                returned += line.strip().isdigit()
                if returned >= until:
                    break
            if whole_tree:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()
            os.set_blocking(process.stdout.fileno(), False)
            rest = process.stdout.read() or b""  # a service that it started may hold the pipe open
        returned += sum(line.strip().isdigit() for line in rest.splitlines())
        time.sleep(3)
        lost = returned - kept(Path(place), returned)
        if not whole_tree:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return lost, returned


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--python", action="append", default=[], help="one more interpreter to look for rivals in")
    arguments.add_argument("--rounds", type=int, default=2)
    arguments.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]), float(given.child[2]))
        return
    chance = random.Random(0)
    print("rows lost, of those whose call had returned")
    print(f"  {'':30}{'process killed':>22}{'whole tree killed':>22}")
    for name in NAMES:
        python = found([sys.executable, *given.python], name)
        if python is None:
            continue
        if not can_be_counted(name, python):
            print(f"  {name:30} its files cannot be read without its own reader: not counted", flush=True)
            continue
        cells = ""
        for whole_tree in (False, True):
            all_lost = [killed(name, python, chance, whole_tree=whole_tree) for _ in range(given.rounds)]
            cells += f"{' '.join(f'{lost:,}/{of:,}' for lost, of in all_lost):>22}"
        print(f"  {name:30}{cells}", flush=True)


if __name__ == "__main__":
    main()
