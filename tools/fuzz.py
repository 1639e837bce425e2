"""Damage logs at random and read them: `python tools/fuzz.py [--seconds N] [--source NAME] [--seed N] [--keep FOLDER]`.

Whatever the bytes, a reader gives a run or one sentence. The smallest input for which that is not so is saved, and the
exit code is 1.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "sources")]
os.environ["BAROGRAPH_CACHE"] = "off"

import mutations  # noqa: E402

from barograph.sources.catalogue import SOURCES  # noqa: E402

#: How long a failing input is made smaller.
SHRINKING = 20.0


def main() -> int:
    """Fuzz until the time is over. One report for each kind of failure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--source", choices=sorted(source.name for source in SOURCES))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="where failing inputs are saved")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(10**9)
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    sources = [source for source in SOURCES if asked.source in {None, source.name}]
    only = [tree for tree in mutations.seeds() if asked.source is None or asked.source in readers_of(tree)]
    if not only:
        print(f"no sample is read by {asked.source}: other formats' are taken")
    failures: collections.Counter[str] = collections.Counter()
    examples, end = 0, time.monotonic() + asked.seconds
    while time.monotonic() < end:
        examples += 1
        tree, name = mutations.mutated_tree(chance, only)
        found = failure_of(tree, name, sources)
        if found:
            failures[found] += 1
            if failures[found] == 1:
                report(found, shrunk(tree, name, sources, found), name, asked.keep / f"{len(failures):03}")
    print(f"{examples:,} examples of {len(only)} logs, seed {seed}: {len(failures)} kinds of failure")
    for found, number in failures.most_common():
        print(f"  {number:5,} times {found}")
    return 1 if failures else 0


def readers_of(tree: mutations.Tree) -> set[str]:
    """The names of the formats that a sample is in."""
    with tempfile.TemporaryDirectory() as root:
        for name, data in tree.items():
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return mutations.formats_of(Path(root))


def failure_of(tree: mutations.Tree, name: str, sources: list[object]) -> str:
    """What went wrong, in one line that is the same for the same mistake; nothing if all is well."""
    try:
        mutations.must_be_kind(tree, name, sources)
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "barograph" in frame.filename]
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "mutations"
        said = str(error).split(":")[0] if isinstance(error, AssertionError) else ""
        return f"{type(error).__name__} at {where} {said[:60]}".strip()
    return ""


def shrunk(tree: mutations.Tree, name: str, sources: list[object], found: str) -> mutations.Tree:
    """The same failure from less: without its neighbours, then with ever smaller pieces cut out."""
    end = time.monotonic() + SHRINKING
    best = dict(tree)
    for other in [other for other in tree if other != name]:
        smaller = {key: data for key, data in best.items() if key != other}
        if time.monotonic() < end and failure_of(smaller, name, sources) == found:
            best = smaller
    size = len(best[name]) // 2
    while size and time.monotonic() < end:
        begin = 0
        while begin < len(best[name]) and time.monotonic() < end:
            data = best[name]
            smaller = best | {name: data[:begin] + data[begin + size :]}
            if failure_of(smaller, name, sources) == found:
                best = smaller
            else:
                begin += size
        size //= 2
    return best


def report(found: str, tree: mutations.Tree, name: str, folder: Path) -> None:
    """Save a failing input, and print where it fails."""
    for place, data in tree.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    print(f"{found}\n  {name} ({len(tree[name]):,} bytes) is saved in {folder}", flush=True)
    try:
        mutations.must_be_kind(tree, name)
    except Exception:  # noqa: BLE001 - as above
        print("  " + traceback.format_exc().replace("\n", "\n  ")[-3000:], flush=True)


if __name__ == "__main__":
    sys.exit(main())
