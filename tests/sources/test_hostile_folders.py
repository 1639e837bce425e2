"""Folders made by somebody who means harm: nothing outside them is opened, nothing blocks, and little time passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such folders there")

LOG = '{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}\n'
STATE = json.dumps({"global_step": 2, "log_history": [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25}]})

#: Reads a path and prints what is said, the seconds it took, and every file that was opened or run.
WATCHED = """
import json, os, sys, time
opened = []
def hook(event, arguments):
    if event in {"open", "subprocess.Popen", "os.system", "os.exec", "import"}:
        if isinstance(arguments[0], (str, bytes, os.PathLike)):
            opened.append([event, os.fsdecode(arguments[0])])
        if event in {"subprocess.Popen", "os.system", "os.exec", "pickle.find_class"}:
            opened.append(["forbidden", event])
from barograph.core.errors import UnreadableRun
from barograph.sources import runs
sys.addaudithook(hook)
begin = time.perf_counter()
said = []
try:
    for found in runs.read_each(sys.argv[1], runs.How("dpo")):
        said.append(str(found) if isinstance(found, UnreadableRun) else f"run {found.path}: {len(found)} rows")
        said += getattr(found, "notes", [])
except UnreadableRun as error:
    said.append(str(error))
print(json.dumps({"said": said, "seconds": time.perf_counter() - begin, "opened": opened}))
"""


def read_watched(path: Path | str, cache: Path) -> list[str]:
    """What is said of a path. Only files in it were opened, besides Python's own."""
    environment = {**os.environ, "BAROGRAPH_CACHE": str(cache)}
    command = [sys.executable, "-c", WATCHED, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    mine = os.path.realpath(path)
    pythons = tuple({os.path.realpath(folder) for folder in (sys.prefix, sys.base_prefix, *filter(None, sys.path))})
    for event, name in found["opened"]:
        if event == "import":
            continue
        assert event != "forbidden", name
        real = os.path.realpath(name)
        allowed = real == mine or real.startswith((f"{mine}/", f"{cache}")) or real.startswith(pythons)
        assert allowed, f"{event} {name}"
    assert found["seconds"] < 5
    assert all(sentence.isprintable() and len(sentence) < 1500 for sentence in found["said"])
    assert "secret" not in " ".join(found["said"])
    said: list[str] = found["said"]
    return said


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder for a run, with something outside it that is not its business."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "trainer_state.json").write_text(STATE.replace("0.5", "123.5"))
    (outside / "secret.jsonl").write_text(LOG.replace("loss", "secret"))
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., str]:
    def read_path(path: Path | str) -> str:
        return "\n".join(read_watched(path, tmp_path / "cache"))

    return read_path


def test_the_watch_sees_what_is_opened(run: Path) -> None:
    script = WATCHED.replace("sys.argv[1]", "sys.argv[1] + '/../outside/trainer_state.json'")
    command = [sys.executable, "-c", script, str(run)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert any(event == "open" and "outside" in name for event, name in json.loads(done.stdout)["opened"])


# What leads out


def test_links_that_lead_out(run: Path, tmp_path: Path, read: Callable[..., str]) -> None:
    outside = tmp_path / "outside"
    for name in ("trainer_state.json", "log.jsonl", "config.yaml", "meta.yaml", "adapter_config.json", "run.json",
                 "events.out.tfevents.1.host", "run-1.wandb", "train.log", "metrics.csv"):  # fmt: skip
        (run / name).symlink_to(outside / "trainer_state.json")
    for name in ("checkpoint-7", "wandb", "logs", "runs", "files", "metrics", "params", "mlruns"):
        (run / name).symlink_to(outside)
    assert "links that lead out of it are not followed" in read(run)


def test_neighbours_that_lead_out(run: Path, tmp_path: Path, read: Callable[..., str]) -> None:
    """A sound log, and beside it links where settings are looked for."""
    outside = tmp_path / "outside"
    (run / "trainer_state.json").write_text(STATE)
    for name in ("adapter_config.json", "config.yaml", "run.json", "meta.yaml", "training_args.bin", "params.json"):
        (run / name).symlink_to(outside / "secret.jsonl")
    for name in ("params", "metrics", "tags", "files"):
        (run / name).symlink_to(outside)
    assert "2 rows" in read(run)


def test_paths_inside_a_log_are_only_text(run: Path, tmp_path: Path, read: Callable[..., str]) -> None:
    state = json.loads(STATE)
    elsewhere = str(tmp_path / "outside/secret.jsonl")
    state |= {"best_model_checkpoint": elsewhere, "log_file": elsewhere, "output_dir": "/etc"}
    state["log_history"][0] |= {"file": elsewhere, "path": "../outside/trainer_state.json"}
    (run / "trainer_state.json").write_text(json.dumps(state))
    (run / "meta.yaml").write_text(f"artifact_uri: {elsewhere}\nrun_id: ../outside\nexperiment_id: ../../outside\n")
    (run / "config.yaml").write_text(f"save_dir:\n  value: {elsewhere}\n")
    assert "2 rows" in read(run)


@pytest.mark.parametrize(
    "name",
    ["line\nbreak.jsonl", "esc\x1b[2Jape.jsonl", "..jsonl", "...", "-rf.jsonl", "a#b.jsonl", "[x]*.jsonl", " .jsonl",
     "b\udcffad.jsonl", "x" * 240 + ".jsonl", "~root.jsonl", "%2e%2e%2fx.jsonl", "s3:.jsonl"],
)  # fmt: skip
def test_odd_names(run: Path, name: str, read: Callable[..., str]) -> None:
    (run / name).write_text(LOG)
    (run / ("folder" + name[:200])).mkdir()
    assert "2 rows" in read(run) or name == "..."


def test_a_loop_of_links(run: Path, read: Callable[..., str]) -> None:
    (run / "self").symlink_to(run)
    (run / "log.jsonl").symlink_to(run / "log.jsonl")
    (run / "a").symlink_to("b")
    (run / "b").symlink_to("a")
    assert "holds no run" in read(run)
    (run / "trainer_state.json").write_text(STATE)
    assert "2 rows" in read(run)
    assert "is no usable path" in read(run / "a")


# What never ends


def every_name(make: Callable[[Path], object], run: Path) -> None:
    """Something at every place where a log or its settings are looked for."""
    from barograph.sources.catalogue import SOURCES

    patterns = [mark for source in SOURCES for mark in source.landmarks]
    endings = [f"x{ending}" for source in SOURCES for ending in source.suffixes]
    beside = ["trainer_state.json", "checkpoint-3/trainer_state.json", "adapter_config.json", "config.yaml",
              "meta.yaml", "run.json", "params/lr", "metrics/loss", "files/wandb-summary.json",
              "run-1.wandb"]  # fmt: skip
    for pattern in dict.fromkeys([*patterns, *endings, *beside]):
        place = run / pattern.replace("**/", "").replace("*", "1")
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists() and not place.is_symlink():
            make(place)


def test_named_pipes_everywhere(run: Path, read: Callable[..., str]) -> None:
    """Opening one would wait for a writer, for ever."""
    every_name(os.mkfifo, run)
    assert "holds no run" in read(run)


def test_named_pipes_beside_a_log(run: Path, read: Callable[..., str]) -> None:
    (run / "trainer_state.json").write_text(STATE)
    every_name(os.mkfifo, run)
    assert "2 rows" in read(run)


def test_links_to_devices_everywhere(run: Path, read: Callable[..., str]) -> None:
    every_name(lambda place: place.symlink_to("/dev/zero"), run)
    assert "holds no run" in read(run)
    (run / "trainer_state.json").unlink()
    (run / "trainer_state.json").write_text(STATE)
    assert "2 rows" in read(run)


def test_folders_in_place_of_files(run: Path, read: Callable[..., str]) -> None:
    every_name(lambda place: place.mkdir(), run)
    assert "holds no run" in read(run)


def test_empty_files_everywhere(run: Path, read: Callable[..., str]) -> None:
    every_name(lambda place: place.touch(), run)
    assert read(run)


# What is too much


def test_twenty_thousand_files(run: Path, read: Callable[..., str]) -> None:
    for number in range(20_000):
        (run / f"weights-{number:05}.bin").touch()
    assert "holds no run" in read(run)
    (run / "trainer_state.json").write_text(STATE)
    assert "2 rows" in read(run)


def test_twenty_thousand_files_that_may_be_logs(run: Path, read: Callable[..., str]) -> None:
    for number in range(20_000):
        (run / f"{number:05}.json").touch()
    assert "holds 20,000 files that may be logs" in read(run)


def test_two_thousand_folders_in_each_other(run: Path, read: Callable[..., str]) -> None:
    here = os.open(run, os.O_RDONLY)
    try:
        for _ in range(2000):
            os.mkdir("d", dir_fd=here)
            inner = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = inner
    finally:
        os.close(here)
    assert "holds no run" in read(run)
    (run / "trainer_state.json").write_text(STATE)
    assert "2 rows" in read(run)
    for _ in range(2000):  # Too deep for what cleans up after the tests.
        (run / "d").rename(run.parent / "e")
        (run.parent / "e/d").rename(run / "d") if (run.parent / "e/d").exists() else None
        (run.parent / "e").rmdir()


def test_six_thousand_folders_side_by_side(run: Path, read: Callable[..., str]) -> None:
    for number in range(6000):
        (run / f"{number}").mkdir()
    assert "holds no run" in read(run)


def test_a_folder_that_may_not_be_read(run: Path, read: Callable[..., str]) -> None:
    (run / "trainer_state.json").write_text(STATE)
    (run / "locked").mkdir(mode=0)
    (run / "wandb").mkdir(mode=0)
    try:
        assert "2 rows" in read(run)
        (run / "trainer_state.json").unlink()
        if os.geteuid() != 0:
            assert "permission" in read(run)
            (run / "open").mkdir()
            (run / "open/trainer_state.json").write_text(STATE)
            assert "2 rows" in read(run)
    finally:
        (run / "locked").chmod(0o700)
        (run / "wandb").chmod(0o700)
