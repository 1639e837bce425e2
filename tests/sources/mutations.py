"""Logs made wrong: real samples and small written ones, changed as accident and malice change files.

`tools/fuzz.py` does the same for as long as it is told to.
"""

from __future__ import annotations

import gzip
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath

from every_format import FORMATS

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.base import Document, Source
from barograph.sources.catalogue import SOURCES
from barograph.sources.runs import How, read_each

SAMPLES = Path(__file__).parent / "samples"
#: The files of a log with their contents, by their places in its folder.
Tree = Mapping[str, bytes]
#: No example is small enough to be read for longer than this, on a machine with other things to do.
SECONDS = 10.0
LARGEST = 200_000

#: Put in somewhere: lengths that are not true, numbers at the edges, brackets, and what a terminal would obey.
PIECES = (
    b"", b"\0", b"\xff" * 4, b"\xff" * 8, b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\x80\x80\x80\x80\x10",
    b"\x7f" * 4, b"\x00\x00\x00\x80", b"-1", b"0", b"1e999", b"-1e999", b"NaN", b"9" * 400, b"9" * 5000, b"[" *
    5000, b'{"a":' * 3000, b"(" * 5000, b"null", b'"', b"'", b"\n", b"\r", b"\t", b",", b";", b":", b"{", b"}",
    b"]", b"\x1b[31m", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"\x80\x04\x95", b"step", b"loss", b"../../../etc/passwd",
    b"/etc/passwd", b"1/0", b"%s%n", b"True", b"inf", b"2" * 19, b"1_000", "²٣".encode(),
)  # fmt: skip


@cache
def seeds() -> tuple[Tree, ...]:
    """Every sample, and a small log in every format."""
    found: list[Tree] = [tree_of(folder) for folder in sorted(SAMPLES.glob("*/*")) if folder.is_dir()]
    found += [{file.name: file.read_bytes()} for file in sorted(SAMPLES.glob("*/*")) if is_log(file)]
    rows = [{"step": step, "loss": 1 / step, "rewards/margins": step / 7, "lr": 1e-6} for step in range(1, 40)]
    rows.append({"step": 39, "eval_loss": 0.5})
    for form in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / form.file
            log.parent.mkdir(parents=True, exist_ok=True)
            form.write(log, [dict(row) for row in rows])
            found.append(tree_of(Path(folder)))
    trees = [tree for tree in found if tree]
    return (*trees, *({f"{name}.gz": gzip.compress(data)} for tree in trees for name, data in [*tree.items()][:1]))


def is_log(file: Path) -> bool:
    return file.is_file() and file.name != "expected.json" and file.stat().st_size <= LARGEST


def tree_of(folder: Path) -> Tree:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes() for file in sorted(folder.rglob("*")) if is_log(file)
    }


def mutated(chance: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """The data with one to six changes."""
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 6])):
        at = chance.randrange(len(changed) + 1)
        end = min(len(changed), at + chance.choice([1, 1, 2, 4, 8, 50, 1000]))
        match chance.randrange(9):
            case 0 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                del changed[at:]
            case 2:
                del changed[at:end]
            case 3:
                changed[at:at] = changed[at:end] * chance.choice([1, 2, 50])
            case 4:
                changed[at:at] = chance.choice(PIECES)
            case 5:
                changed[at:end] = chance.choice(PIECES)
            case 6:
                other = chance.choice(others)
                start = chance.randrange(len(other) + 1)
                changed[at:end] = other[start : start + chance.choice([4, 100, 5000])]
            case 7:
                changed[at:end] = bytes(chance.randrange(256) for _ in range(end - at))
            case _:
                del changed[: chance.randrange(min(len(changed), 200) + 1)]
    return bytes(changed[:LARGEST])


def mutated_tree(chance: random.Random, only: Sequence[Tree] = ()) -> tuple[dict[str, bytes], str]:
    """A log with one file changed, and which."""
    tree = dict(chance.choice(only or seeds()))
    name = chance.choice(sorted(tree))
    others = [data for other in (chance.choice(seeds()), tree) for data in other.values()]
    tree[name] = mutated(chance, tree[name], others)
    if chance.random() < 0.1:  # Under another name it may be taken for another format.
        tree[chance.choice(["log.jsonl", "log.csv", "log.json", "trainer_state.json", "x.log"])] = tree.pop(name)
        name = next(reversed(tree))
    return tree, name


def must_be_kind(tree: Tree, changed: str, sources: Sequence[Source] = SOURCES) -> None:
    """Whatever is in it: runs, or sentences that say why not, and all of it soon."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="fuzzed-") as root:
        folder = Path(root) / "log"
        for name, data in tree.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        for asked in dict.fromkeys([folder, folder / PurePosixPath(changed)]):
            for said in spoken(asked):
                assert said.isprintable(), said
                assert len(said) < 3000, said
                assert root not in said.replace(str(asked), ""), f"names what was not asked for: {said}"
                assert "barograph-" not in said, f"names a copy: {said}"
    for source in sources:
        try:
            source.read(Document("-", tree[changed]))
        except UnreadableRun as error:
            assert str(error).isprintable(), str(error)  # noqa: PT017 - either way is fine
    seconds = time.perf_counter() - begin
    assert seconds < SECONDS, f"took {seconds:.1f} seconds"


def formats_of(path: Path) -> set[str]:
    """The names of the formats in which runs at a path are."""
    try:
        return {run.source for run in read_each(path, How("dpo")) if isinstance(run, Run)}
    except UnreadableRun:
        return set()


def spoken(path: Path) -> list[str]:
    """Every sentence about what lies at a path."""
    said: list[str] = []
    try:
        for found in read_each(path, How("dpo")):
            if isinstance(found, Run):
                assert list(found.steps) == sorted(found.steps)
                said += found.notes
            else:
                said.append(str(found))
    except UnreadableRun as error:
        said.append(str(error))
    return said
