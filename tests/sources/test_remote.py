"""Logs behind URLs, over the file systems that fsspec brings along, and one that misbehaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from barograph.core.errors import UnreadableRun
from barograph.sources import remote
from barograph.sources.locate import expand
from barograph.sources.remote import Progress, fetched, is_copy, progress_shown
from barograph.sources.runs import How, read_each, read_run

fsspec = pytest.importorskip("fsspec")
from fsspec.implementations.memory import MemoryFileSystem  # noqa: E402

LOG = '{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}\n'


def state(step: int, loss: float) -> str:
    return json.dumps({"global_step": step, "log_history": [{"step": step, "loss": loss}]})


@pytest.fixture
def memory() -> Iterator[Any]:
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    yield files
    files.store.clear()


def put(files: Any, **contents: str) -> None:
    for path, text in contents.items():
        files.pipe(path, text.encode())


def refused(url: str, match: str) -> str:
    with pytest.raises(UnreadableRun, match=match) as caught:
        list(read_each(url, How("dpo")))
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert sentence.startswith(url)
    assert "barograph-" not in sentence
    return sentence


def copies_of(url: str) -> list[str]:
    """What is copied of a folder."""
    home = fetched(url)
    return sorted(path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())


# Files and folders


def test_a_file(memory: Any) -> None:
    memory.pipe("/b/run/mine.csv", b"step,loss\n1,0.5\n")
    run = read_run("memory://b/run/mine.csv", "dpo")
    assert (run.path, run.source, run.latest("loss"), run.notes) == ("memory://b/run/mine.csv", "csv", 0.5, [])


def test_a_folder_of_runs(memory: Any) -> None:
    for name, loss in (("a", 0.1), ("b", 0.2)):
        memory.pipe(f"/runs/{name}/checkpoint-9/trainer_state.json", state(9, loss).encode())
    found = {run.path: run.latest("loss") for run in read_each("memory://runs", How("dpo"))}
    assert found == {"memory://runs/a": 0.1, "memory://runs/b": 0.2}
    one = read_run("memory://runs/b/", "dpo")
    assert (one.latest("loss"), one.notes) == (0.2, ["read from checkpoint-9/trainer_state.json"])


def test_of_a_folder_only_what_may_be_a_log_is_copied(memory: Any) -> None:
    logs = ["trainer_state.json", "checkpoint-100/trainer_state.json", "checkpoint-90/trainer_state.json",
            "runs/Jan01_host/events.out.tfevents.1700000000.host.1.0", "wandb/run-1-abc/run-abc.wandb", "log.jsonl.gz",
            "adapter_config.json", "metrics.csv"]  # fmt: skip
    others = [
        "model.safetensors", "pytorch_model.bin", "checkpoint-100/optimizer.pt",
        "checkpoint-5/trainer_state.json", "tokenizer.json", "data/train-00000.arrow",
        "checkpoint-100/rng_state.pth", "training_args.bin", ".git/objects/log.jsonl",
        "model.safetensors.index.json", "picture.png",
    ]  # fmt: skip
    for name in [*logs, *others]:
        memory.pipe(f"/run/{name}", b"x")
    assert copies_of("memory://run") == sorted(logs)


def test_the_settings_beside_a_log_come_along(memory: Any) -> None:
    memory.pipe("/run/trainer_state.json", state(1, 0.5).encode())
    memory.pipe("/run/adapter_config.json", b"{}")
    assert read_run("memory://run", "dpo").config["lora"] is True


def test_a_run_by_its_name(memory: Any) -> None:
    rows = [{"run_id": name, "step": step, "loss": n} for step in (1, 2) for n, name in enumerate("ab")]
    memory.pipe("/log.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
    assert read_run("memory://log.jsonl#b", "dpo").latest("loss") == 1
    memory.pipe("/odd#1.jsonl", LOG.encode())
    assert read_run("memory://odd#1.jsonl", "dpo").path == "memory://odd#1.jsonl"


def test_patterns(memory: Any) -> None:
    for name in ("b", "a", "c[1]"):
        memory.pipe(f"/runs/{name}/trainer_state.json", state(1, 0.5).encode())
    assert expand(["memory://runs/[ab]/*.json"]) == [f"memory://runs/{name}/trainer_state.json" for name in "ab"]
    assert len(expand(["memory://runs/*", "memory://runs/a"])) == 3
    assert expand(["memory://runs/c[1]"]) == ["memory://runs/c[1]"]
    with pytest.raises(UnreadableRun, match="no file or folder matches"):
        expand(["memory://runs/*.csv"])
    assert expand(["https://host/log.jsonl?download=1"]) == ["https://host/log.jsonl?download=1"]


def test_a_packed_file(memory: Any) -> None:
    import gzip

    memory.pipe("/log.jsonl.gz", gzip.compress(LOG.encode())[:-9])
    assert any("ends early" in note for note in read_run("memory://log.jsonl.gz", "dpo").notes)


def test_files_on_this_machine(tmp_path: Path) -> None:
    """They are read where they lie, links and all."""
    (tmp_path / "a b").mkdir()
    (tmp_path / "a b/log.jsonl").write_text(LOG)
    for url in (
        f"file://{tmp_path}/a b/log.jsonl",
        f"file://{tmp_path}/a%20b/log.jsonl",
        f"file://localhost{tmp_path}/a b",
    ):
        assert len(read_run(url, "dpo")) == 2
        assert not is_copy(fetched(url))
    assert expand([f"file://{tmp_path}/*/log.jsonl"]) == [f"file://{tmp_path}/a b/log.jsonl"]
    refused(f"file://{tmp_path}/none.jsonl", "does not exist")
    refused("file://elsewhere/log.jsonl", "names another machine")


def test_a_neighbour_is_named_by_its_url(memory: Any) -> None:
    memory.pipe("/wandb/run-1/run-1.wandb", b":W&B\x00\x00\x00" + b"\xff" * 90)
    memory.pipe("/wandb/run-1/files/wandb-summary.json", b"{not json")
    said = " ".join(str(found) for found in read_each("memory://wandb/run-1", How("dpo")))
    assert said.startswith("memory://wandb/run-1/")
    assert "barograph-" not in said


# What cannot be read


def test_what_is_not_there(memory: Any) -> None:
    refused("memory://nothing/here", "does not exist there")
    memory.pipe("/run/model.bin", b"x")
    refused("memory://run", "holds no run")
    memory.pipe("/prose.txt", b"hello")
    refused("memory://prose.txt", "is in no format known here; it begins with 'hello'")


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("zip://log.jsonl::memory://a.zip", "is a chain of URLs"),
        ("simplecache::memory://log.jsonl", "is a chain of URLs"),
        ("reference://spec.json", "reference:// is no place where a log lies"),
        ("nosuchthing://a/b", "nosuchthing:// is no kind of path that fsspec knows"),
    ],
)
def test_what_is_no_address(url: str, match: str) -> None:
    refused(url, match)


def test_without_fsspec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    refused("s3://bucket/run", r"needs fsspec; pip install 'barograph\[remote\]'$")


@pytest.mark.parametrize(("url", "library"), [("s3://bucket/run", "s3fs"), ("gs://bucket/run", "gcsfs")])
def test_without_the_library_of_a_kind(url: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    refused(url, f"need {library}, which is not installed; pip install {library}$")


class Odd(MemoryFileSystem):  # type: ignore[misc]
    """A file system that does what it is told by the path."""

    protocol = "odd"
    store: dict[str, Any] = {}  # noqa: RUF012 - apart from that of its parent
    listing: list[dict[str, Any]] = []  # noqa: RUF012
    wait = 0.0

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("odd://").strip("/")

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        errors = {
            "/denied": PermissionError("Access Denied"),
            "/late": TimeoutError(),
            "/offline": OSError("Could not connect to the endpoint URL: https://host/x?X-Amz-Signature=SECRET"),
            "/strange": RuntimeError("no\x1b[31m\nway"),
        }
        if path in errors:
            raise errors[path]
        time.sleep(self.wait)
        return {"name": path, "type": "directory" if path == "/folder" else "file", "size": 0}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[dict[str, Any]]:
        return self.listing if path == "/folder" else []

    def open(self, path: str, *_: Any, **__: Any) -> Any:
        import io

        return io.BytesIO(LOG.encode() if "zeros" not in path else b"0" * 5000)


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> type[Odd]:
    fsspec.register_implementation("odd", Odd, clobber=True)
    Odd.listing, Odd.wait = [], 0.0
    return Odd


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("denied", r"may not be read \(permission denied: Access Denied\); are the credentials"),
        ("late", "gives no answer in time"),
        ("offline", r"cannot be fetched \(OSError: Could not connect to the endpoint URL: https://host/x\)"),
        ("strange", r"cannot be fetched \(RuntimeError: no\\x1b\[31m way\)"),
    ],
)
def test_errors_are_sentences(odd: type[Odd], path: str, match: str) -> None:
    assert "SECRET" not in refused(f"odd://{path}", match)


def test_a_machine_that_never_answers(odd: type[Odd], monkeypatch: pytest.MonkeyPatch) -> None:
    odd.wait = 3.0
    monkeypatch.setattr(remote, "PATIENCE", 0.2)
    begin = time.monotonic()
    refused("odd://log.jsonl", "gave no answer for")
    assert time.monotonic() - begin < 2


def test_names_that_lead_elsewhere_are_not_written(odd: type[Odd], tmp_path: Path) -> None:
    names = ["../../up.jsonl", "/folder/..", "/folder/../../../../tmp/up.jsonl", "/folder/a\\b.jsonl",
             "/folder/\0.jsonl", "/folder/" + "x" * 300 + ".jsonl", "/folder/good.jsonl",
             "/folder/.", "/folder/"]  # fmt: skip
    odd.listing = [{"name": name, "type": "file", "size": 1} for name in names]
    home = fetched("odd://folder")
    written = sorted(path.relative_to(home.parent).as_posix() for path in home.parent.rglob("*"))
    assert written == ["folder", "folder/good.jsonl", "folder/up.jsonl"]


def test_folders_without_end(odd: type[Odd], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(odd, "ls", lambda self, path, detail=True: [
        {"name": f"{path}/d{number}", "type": "directory"} for number in range(30)])  # fmt: skip
    refused("odd://folder", "holds more than 20,000 files and folders")


def test_too_many_bytes(odd: type[Odd], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MOST_BYTES", 12_000)
    odd.listing = [{"name": f"/folder/zeros{number}.jsonl", "type": "file", "size": 1} for number in range(3)]
    refused("odd://folder", "holds more than 0 GB of what may be logs; name the log itself")


def test_a_file_and_a_folder_of_one_name(odd: type[Odd]) -> None:
    """A bucket may have both."""
    odd.listing = [{"name": "/folder/a.jsonl", "type": "file"}, {"name": "/folder/a.jsonl", "type": "file"}]
    assert read_run("odd://folder", "dpo").latest("loss") == 0.25


# The web


def test_a_file_on_the_web(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_there = self.path.startswith("/log.jsonl")
            self.send_response(200 if is_there else 404)
            self.send_header("Content-Length", str(len(LOG) if is_there else 0))
            self.end_headers()
            if is_there and self.command == "GET":
                self.wfile.write(LOG.encode())

        do_HEAD = do_GET  # noqa: N815 - as the base class calls it

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        assert len(read_run(f"{host}/log.jsonl?download=1", "dpo")) == 2
        refused(f"{host}/missing.jsonl", "does not exist there")
        refused(f"{host}/folder/", "is a folder on the web")
        server.shutdown()


# What it leaves behind


def test_progress(memory: Any) -> None:
    memory.pipe("/log.jsonl", b" " * (3 << 20) + LOG.encode())
    seen: list[Progress] = []
    with progress_shown(seen.append):
        read_run("memory://log.jsonl", "dpo")
    assert [one.bytes for one in seen] == [1 << 20, 2 << 20, 3 << 20, (3 << 20) + len(LOG)]
    assert {one.url for one in seen} == {"memory://log.jsonl"}


def test_copies_are_not_kept_in_the_cache(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAROGRAPH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("barograph.sources.cache.SMALLEST", 1)
    memory.pipe("/log.jsonl", LOG.encode())
    read_run("memory://log.jsonl", "dpo")
    assert not (tmp_path / "cache").exists()


SCRIPT = """
import sys
from barograph.sources.runs import read_run
if sys.argv[1] == "remote":
    import fsspec
    fsspec.filesystem("memory").pipe("/log.jsonl", b'{"step": 1, "loss": 0.5}')
    read_run("memory://log.jsonl", "dpo")
    import tempfile, os
    assert os.listdir(tempfile.gettempdir())
else:
    read_run(sys.argv[2], "dpo")
    assert "fsspec" not in sys.modules
"""


def test_copies_go_when_the_program_ends(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", SCRIPT, "remote"], check=True, timeout=60, env=environment)
    assert list(tmp_path.iterdir()) == []


def test_without_a_url_fsspec_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(LOG)
    subprocess.run([sys.executable, "-c", SCRIPT, "local", str(tmp_path / "log.jsonl")], check=True, timeout=60)
