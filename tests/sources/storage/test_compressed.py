"""Packed logs: what a shell's gzip makes of every format, and what an attacker may make of a small file."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from every_format import FORMATS, ONE_FILE, PACKING, Format

from barograph.core.errors import UnreadableRun
from barograph.sources.base import Document
from barograph.sources.runs import read_run
from barograph.sources.storage import compressed

ROW = '{"step": %d, "loss": 0.5}\n'
LOG = "".join(ROW % step for step in range(1, 2001)).encode()


def zstandard_of(data: bytes) -> bytes:
    library = pytest.importorskip("zstandard")
    packed: bytes = library.ZstdCompressor().compress(data)
    return packed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".zst": zstandard_of,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
each_packer = pytest.mark.parametrize("ending", PACKERS)


def refused(path: Path, match: str) -> str:
    with pytest.raises(UnreadableRun, match=match) as caught:
        read_run(path)
    sentence = str(caught.value)
    assert sentence.isprintable()
    return sentence


# Every format


PACKABLE = [form for form in FORMATS if not form.cannot & {ONE_FILE, PACKING}]


@each_packer
@pytest.mark.parametrize("form", PACKABLE, ids=lambda form: form.name)
def test_every_format_that_is_one_file(form: Format, ending: str, tmp_path: Path) -> None:
    path = tmp_path / form.file
    path.parent.mkdir(parents=True, exist_ok=True)
    form.write(path, [{"step": step, "loss": 1 / step, "lr": 1e-5} for step in range(1, 30)])
    plain = read_run(path, "dpo")
    packed = path.with_name(path.name + ending)
    packed.write_bytes(PACKERS[ending](path.read_bytes()))
    path.unlink()
    found = read_run(packed, "dpo")
    assert (found.steps, found.columns) == (plain.steps, plain.columns)
    # Our own log is known by its name, and what is in a database only once it is unpacked.
    assert found.source in {plain.source, "jsonl" if form.name == "own run" else "sqlite"}
    assert found.notes == plain.notes


def test_a_binary_format_is_among_them() -> None:
    assert {"wandb", "tensorboard"} & {form.name for form in PACKABLE}


@each_packer
def test_found_in_its_folder(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"mine.jsonl{ending}").write_bytes(PACKERS[ending](LOG))
    assert len(read_run(tmp_path)) == 2000


@each_packer
def test_from_standard_input(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        closed = False
        buffer = io.BytesIO(PACKERS[ending](LOG))

    monkeypatch.setattr("sys.stdin", Piped())
    assert len(read_run("-")) == 2000


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_text_from_windows(tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """Also UTF-16 without a byte order mark, as some programs write it."""
    (tmp_path / "log.csv").write_bytes(pack("step,loss\r\n1,0.5\r\n2,0.25\r\n".encode(encoding)))
    assert list(read_run(tmp_path / "log.csv").columns["loss"].values) == [0.5, 0.25]


# Several members


@each_packer
@pytest.mark.parametrize("padding", [b"", b"\0" * 1000])
def test_members_one_behind_the_other(tmp_path: Path, ending: str, padding: bytes) -> None:
    """As `cat a.gz b.gz` makes them, or a program that packs each part of its log."""
    members = [PACKERS[ending]((ROW % step).encode()) for step in range(1, 60)]
    (tmp_path / "log").write_bytes(b"".join(members) + padding)
    run = read_run(tmp_path / "log")
    assert (run.steps.tolist(), run.notes) == (list(range(1, 60)), [])


@each_packer
def test_what_follows_and_is_not_packed_is_noted(tmp_path: Path, ending: str) -> None:
    (tmp_path / "log").write_bytes(PACKERS[ending](LOG) + (ROW % 9999).encode())
    run = read_run(tmp_path / "log")
    assert (run.last_step, run.notes) == (
        2000,
        ["the packed file is followed by bytes that are no part of it: left out"],
    )


# Cut and damaged


@each_packer
def test_a_torn_archive_is_read_as_far_as_it_goes(tmp_path: Path, ending: str) -> None:
    rows = "".join(f'{{"step": {s}, "loss": {hash((s, s)) % 10**12}}}\n' for s in range(60_000)).encode()
    packed = PACKERS[ending](rows)
    (tmp_path / "log").write_bytes(packed[: len(packed) * 3 // 4])
    run = read_run(tmp_path / "log")
    assert 20_000 < len(run) < 60_000
    assert run.steps.tolist() == list(range(len(run)))
    assert "the packed file ends early: what is there is read" in run.notes


@each_packer
def test_cut_at_every_byte(tmp_path: Path, ending: str) -> None:
    packed = PACKERS[ending](LOG[:6_000])
    path = tmp_path / "log"
    for size in [*range(40), *range(40, len(packed), 3), len(packed) - 1]:
        path.write_bytes(packed[:size])
        try:
            run = read_run(path)
        except UnreadableRun as error:
            assert str(error).isprintable()  # noqa: PT017 - either way is fine
        else:
            assert any("ends early" in note for note in run.notes)
            assert run.steps.tolist() == list(range(1, len(run) + 1))


def test_cut_before_anything_in_it(tmp_path: Path) -> None:
    (tmp_path / "log.gz").write_bytes(gzip.compress(LOG)[:12])
    assert "is a packed file that ends early before anything in it" in refused(tmp_path / "log.gz", "ends early")


def test_a_checksum_that_does_not_match_is_noted(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(LOG))
    packed[-6] ^= 1
    (tmp_path / "log.gz").write_bytes(packed)
    run = read_run(tmp_path / "log.gz")
    assert run.steps.tolist() == list(range(1, len(run) + 1))
    assert len(run) > 1900  # What the last kilobyte holds is lost with its checksum.
    assert any("is damaged" in note and "may be wrong" in note for note in run.notes)


def test_damaged_in_the_middle(tmp_path: Path) -> None:
    first, second = (
        gzip.compress(LOG),
        bytearray(gzip.compress(b"".join((ROW % s).encode() for s in range(2001, 4000)))),
    )
    second[12:20] = b"\xff" * 8
    (tmp_path / "log.gz").write_bytes(first + second)
    run = read_run(tmp_path / "log.gz")
    assert run.steps.tolist()[:2000] == list(range(1, 2001))
    assert any("is damaged" in note for note in run.notes)


def test_the_note_is_kept_with_the_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log read from the cache says the same as one that is unpacked."""
    monkeypatch.setenv("BAROGRAPH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("barograph.sources.cache.SMALLEST", 10)
    (tmp_path / "log.gz").write_bytes(gzip.compress(LOG)[:-9])
    first, second = (read_run(tmp_path / "log.gz") for _ in range(2))
    assert list((tmp_path / "cache").iterdir())
    assert first.notes == second.notes
    assert any("ends early" in note for note in first.notes)


# What is refused


@pytest.mark.parametrize("outer", PACKERS)
@pytest.mark.parametrize("inner", PACKERS)
def test_packed_twice(tmp_path: Path, outer: str, inner: str) -> None:
    (tmp_path / "log").write_bytes(PACKERS[outer](PACKERS[inner](LOG)))
    refused(tmp_path / "log", "is packed twice; unpack it first")


def tar_of(data: bytes, mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        info = tarfile.TarInfo("log.jsonl")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(data: bytes, name: str = "log.jsonl", how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (tar_of(LOG, "w"), "is a tar archive; unpack it first, and name the log in it"),
        (tar_of(LOG, "w:gz"), "is a tar archive packed with gzip; unpack it first"),
        (tar_of(LOG, "w:xz"), "is a tar archive packed with xz; unpack it first"),
        (zip_of(LOG), "is a ZIP archive; unpack it first"),
        (zip_of(LOG, how=zipfile.ZIP_STORED), "is a ZIP archive; unpack it first"),
        (gzip.compress(zip_of(LOG)), "is a ZIP archive packed with gzip"),
        (b"7z\xbc\xaf\x27\x1c\0\4" + b"\0" * 500, "is a 7z archive"),
        (zip_of(b"\x80\x02}q\0.", "archive/data.pkl", zipfile.ZIP_STORED), "as torch saves .* are never loaded"),
    ],
)
@pytest.mark.parametrize("name", ["run.archive", "run.jsonl", "trainer_state.json", "log.csv"])
def test_archives_of_files(tmp_path: Path, content: bytes, what: str, name: str) -> None:
    """Whatever they are called, and although a stored one shows rows of JSON inside."""
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, what)


def test_zstandard_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log.zst").write_bytes(zstandard_of(LOG))
    monkeypatch.setitem(sys.modules, "zstandard", None)
    refused(tmp_path / "log.zst", r"which needs zstandard; pip install 'barograph\[zst\]'$")


def test_a_window_of_two_gigabytes_is_only_claimed(tmp_path: Path) -> None:
    pytest.importorskip("zstandard")
    (tmp_path / "log.zst").write_bytes(b"\x28\xb5\x2f\xfd\x00\xa8" + b"\x00" * 100)  # 2^31
    refused(tmp_path / "log.zst", "is damaged .*memory")


# Bombs


def zeros(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"\0" * (1 << 20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


def zeros_in_zstandard(size: int) -> bytes:
    library = pytest.importorskip("zstandard")
    packer = library.ZstdCompressor(level=1).compressobj()
    block = b"\0" * (16 << 20)
    packed: bytes = b"".join(packer.compress(block) for _ in range(size >> 24)) + packer.flush()
    return packed


MEASURED = """
import resource, sys, time
limit = int(sys.argv[2]) << 20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from barograph.core.errors import UnreadableRun
from barograph.sources.runs import read_run
from barograph.sources.storage import compressed
compressed.MOST_BYTES = int(sys.argv[3]) << 20
begin = time.perf_counter()
try:
    said = f"read {len(read_run(sys.argv[1], 'dpo'))} rows"
except UnreadableRun as error:
    said = str(error)
print(said, round(time.perf_counter() - begin, 1), sep="\\n")
"""


def read_with_little_memory(path: Path, megabytes: int = 600, unpacked: int = 64) -> tuple[str, float]:
    """What reading says, in a process that may not have or unpack more megabytes, and how many seconds it took."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", MEASURED, str(path), str(megabytes), str(unpacked)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    said, seconds = done.stdout.splitlines()
    return said, float(seconds)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["log.jsonl", "log.json", "log.csv", "x"])
def test_ten_gigabytes_of_zeros(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(zeros_in_zstandard(10 << 30))
    assert (tmp_path / name).stat().st_size < 2 << 20
    said, seconds = read_with_little_memory(tmp_path / name)
    assert "is a binary file" in said
    assert seconds < 5


@pytest.mark.parametrize("pack", [gzip.compress, zstandard_of, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["log.jsonl", "log.csv", "log.json"])
def test_a_log_that_goes_on_as_zeros(tmp_path: Path, pack: Callable[[bytes], bytes], name: str) -> None:
    begin = {"log.jsonl": LOG, "log.csv": b"step,loss\n1,2\n", "log.json": b'[{"step": 1, "loss": 2},'}[name]
    # Packed once and repeated: readers take members one behind the other.
    (tmp_path / name).write_bytes(pack(begin) + pack(b"0" * (10 << 20)) * 30)
    assert (tmp_path / name).stat().st_size < 1 << 20
    said, seconds = read_with_little_memory(tmp_path / name)
    assert "unpacks to more than 64 MB" in said or "a line of more than 64 MB" in said
    assert seconds < 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "row"), [("log.jsonl", b'{"step":1}\n'), ("log.csv", b"1,2\n"), ("log.json", b"{},"), ("log.jsonl", b"\n")]
)
def test_many_tiny_rows(tmp_path: Path, name: str, row: bytes) -> None:
    begin = {"log.jsonl": b'{"step": 0, "loss": 1}\n' * 12, "log.csv": b"step,loss\n1,2\n", "log.json": b"["}[name]
    (tmp_path / name).write_bytes(gzip.compress(begin + row * ((30 << 20) // len(row))))
    said, seconds = read_with_little_memory(tmp_path / name, 800, 16)
    assert "unpacks to more than" in said or "too large for the memory" in said
    assert seconds < 60


def test_a_log_that_is_packed_well_is_no_bomb(tmp_path: Path) -> None:
    """A run that stands still repeats itself: what is moderate in size is read however small its file is."""
    rows = b"".join((ROW % step).encode() for step in range(100_000))
    packed = lzma.compress(rows)
    assert len(rows) > 30 * len(packed)
    (tmp_path / "log.jsonl.xz").write_bytes(packed)
    assert len(read_run(tmp_path / "log.jsonl.xz")) == 100_000


def test_the_limit_grows_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "MOST_BYTES", 1000)
    packed = gzip.compress(LOG)
    monkeypatch.setattr(compressed, "MOST_TIMES", len(LOG) // len(packed) + 1)
    assert Document("-", packed).read() == LOG
    monkeypatch.setattr(compressed, "MOST_TIMES", len(LOG) // len(packed))
    with pytest.raises(UnreadableRun, match="unpacks to more than"):
        Document("-", packed).read()


def test_a_million_empty_members(tmp_path: Path) -> None:
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"") * 100_000 + gzip.compress(LOG))
    said, seconds = read_with_little_memory(tmp_path / "log.gz")
    assert (said, seconds < 20) == ("read 2000 rows", True)


def test_a_json_document_is_read_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json.gz"
    path.write_bytes(gzip.compress(json.dumps({"log_history": [{"step": 1, "loss": 0.5}]}).encode()))
    assert read_run(tmp_path).source == "trainer_state"
    path.write_bytes(path.read_bytes()[:-12])
    refused(path, "the JSON ends too early")
