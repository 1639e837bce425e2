from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.base import Document, Source
from barograph.sources.catalogue import SOURCES
from barograph.sources.locate import expand, find
from barograph.sources.runs import How, read_each, read_run

LOG = '{"step": 1, "loss": 0.5}\n'


def refused(path: object, match: str) -> str:
    with pytest.raises(UnreadableRun, match=match) as caught:
        read_run(path)  # type: ignore[arg-type]
    sentence = str(caught.value)
    assert sentence.isprintable()
    return sentence


def test_every_source_says_what_it_is() -> None:
    assert len({source.name for source in SOURCES}) == len(SOURCES)
    for source in SOURCES:
        assert isinstance(source, Source)
        assert source.describes.endswith(".")
        assert source.checked


# Paths that hold no run


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "training.jsonl").write_text(LOG)
    assert "did you mean" in refused(tmp_path / "trainign.jsonl", "does not exist")
    assert "training.jsonl" in refused(tmp_path / "trainign.jsonl", "does not exist")
    assert "did you mean" not in refused(tmp_path / "zzz", "does not exist")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere" / "log.jsonl", "neither does its folder .*nowhere")


def test_a_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(LOG)
    refused(tmp_path / "log" / "x.jsonl", "is a file, not a folder")


def test_a_link_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    refused(tmp_path / "link", "is a link to something that does not exist")


def test_impossible_paths(tmp_path: Path) -> None:
    refused("nul\0byte", "is no usable path")
    refused(str(tmp_path / ("x" * 5000)), "is no usable path")
    refused(str(tmp_path / "\x1b[31m\n"), "does not exist")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files there")
def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "is a named pipe, not a file; to read from a pipe, use -")
    refused("/dev/null", "is a device")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tmp_path)  # The name of a socket must be short.
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        refused(tmp_path / "socket", "is a socket")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(LOG)

    def denied(*args: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Document, "open", denied)
    refused(path, r"may not be read \(permission denied\)")


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(LOG)

    def failing(*args: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(type(find(path)[0].logs[0].source), "read", failing)
    refused(path, "cannot be read")


# Files that are no log


@pytest.mark.parametrize("content", [b"\x80\x04\x95\x00\x00", os.urandom(3000) + b"\0", b"\x7fELF\x02\x01\x01\x00"])
def test_a_binary_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.bin").write_bytes(content)
    refused(tmp_path / "x.bin", "is a binary file")


def test_prose(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("\n\n# Hello \x1b[31m" + "x" * 500)
    sentence = refused(tmp_path / "readme.md", "begins with '# Hello")
    assert len(sentence) < 400


# Folders


def test_a_folder_with_nothing_in_it(tmp_path: Path) -> None:
    said = refused(tmp_path, "holds no run: looked for 'trainer_state.json', 'checkpoint-N', .* and the like")
    assert "it holds no files" in said


def all_in(path: Path | str) -> dict[str, Run | str]:
    """The runs at a path by what stands behind it, or the sentence that refuses one."""
    found = list(read_each(path, How("dpo")))
    return {
        os.path.relpath(one.path, str(path).partition("#")[0]): one if isinstance(one, Run) else str(one)
        for one in found
    }


def write_state(folder: Path, loss: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trainer_state.json").write_text(json.dumps({"log_history": [{"step": 1, "loss": loss}]}))


def test_every_run_in_a_folder_of_runs(tmp_path: Path) -> None:
    write_state(tmp_path / "outputs/first", 0.1)
    write_state(tmp_path / "outputs/second/checkpoint-5", 0.2)
    write_state(tmp_path / "outputs/second/checkpoint-10", 0.3)
    found = all_in(tmp_path)
    assert {name: run.latest("loss") for name, run in found.items()} == {"outputs/first": 0.1, "outputs/second": 0.3}
    refused(tmp_path, "holds 2 runs; name one of .*outputs/first, .*outputs/second")
    assert read_run(tmp_path / "outputs/second").latest("loss") == 0.3


def test_every_log_in_a_folder_of_logs(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(LOG + LOG.replace("1", "2", 1))
    (tmp_path / "b.csv").write_text("step,loss\n1,0.25\n2,0.25\n")
    (tmp_path / "prompts.jsonl").write_text('{"prompt": "a", "answer": "b"}\n')
    assert {name: run.latest("loss") for name, run in all_in(tmp_path).items()} == {"a.jsonl": 0.5, "b.csv": 0.25}


def test_what_is_no_log_does_not_hide_runs_further_down(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"zebra": 1}')
    write_state(tmp_path / "outputs/first", 0.1)
    write_state(tmp_path / "outputs/second", 0.2)
    assert sorted(all_in(tmp_path)) == ["outputs/first", "outputs/second"]


def test_one_broken_run_hides_no_other(tmp_path: Path) -> None:
    write_state(tmp_path / "good", 0.1)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/trainer_state.json").write_text('{"log_history": [{"step": 1,')
    found = all_in(tmp_path)
    assert "the JSON ends too early" in found["bad/trainer_state.json"]
    assert found["good"].latest("loss") == 0.1


def test_one_of_the_runs_in_a_log_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    rows = [{"run_id": name, "step": step, "loss": n} for step in (1, 2) for n, name in enumerate("ab")]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [Path(one.path).name for one in read_each(path, How("dpo"))] == ["log.jsonl#a", "log.jsonl#b"]
    assert read_run(f"{path}#b").latest("loss") == 1
    refused(f"{path}#c", "holds no run named 'c'; it holds 'a', 'b'")


def test_a_name_with_a_hash_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "log#1.jsonl"
    path.write_text(LOG)
    assert read_run(path).latest("loss") == 0.5


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    write_state(tmp_path / "elsewhere", 0.1)
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "run").symlink_to(tmp_path / "elsewhere")
    (inside / "trainer_state.json").symlink_to(tmp_path / "elsewhere/trainer_state.json")
    refused(inside, "links that lead out of it are not followed")
    assert read_run(inside / "run").latest("loss") == 0.1  # Named by its owner, it is read.


def test_a_link_that_stays_inside_is_one_run(tmp_path: Path) -> None:
    write_state(tmp_path / "a", 0.1)
    (tmp_path / "latest").symlink_to(tmp_path / "a")
    assert list(all_in(tmp_path)) == ["."]


def test_a_folder_with_an_odd_name_for_its_log(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"loss": 1}')
    (tmp_path / "my_run.csv").write_text("step,loss\n1,0.5\n")
    run = read_run(tmp_path)
    assert (run.source, run.path, run.latest("loss")) == ("csv", str(tmp_path), 0.5)
    assert "read from my_run.csv" in run.notes


def test_a_data_set_beside_the_log_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a_prompts.jsonl").write_text('{"prompt": "a", "answer": "b"}\n')
    (tmp_path / "metrics_of_me.jsonl").write_text(LOG)
    assert read_run(tmp_path).latest("loss") == 0.5


def test_the_only_candidate_tells_its_own_trouble(tmp_path: Path) -> None:
    (tmp_path / "trainer_state.json").write_bytes(b"")
    refused(tmp_path, "trainer_state.json: is empty|holds no run")
    (tmp_path / "trainer_state.json").unlink()
    (tmp_path / "log.csv").write_text("step,zebra\n1,2\n")
    refused(tmp_path, "no known metric")


def test_the_file_of_llama_factory(tmp_path: Path) -> None:
    (tmp_path / "trainer_log.jsonl").write_text(
        '{"current_steps": 10, "total_steps": 40, "loss": 0.7, "lr": 1e-05, "epoch": 0.1, "percentage": 25.0, '
        '"elapsed_time": "0:00:10", "remaining_time": "0:00:30"}\n'
        '{"current_steps": 20, "total_steps": 40, "loss": 0.6, "lr": 5e-06, "epoch": 0.2, "percentage": 50.0, '
        '"elapsed_time": "0:00:20", "remaining_time": "0:00:20"}\n'
    )
    run = read_run(tmp_path, "dpo")
    assert list(run.steps) == [10, 20]
    assert list(run.columns["lr"].values) == [1e-5, 5e-6]
    assert (run.unknown_keys, run.config["max_steps"]) == ([], 40)
    assert run.notes == ["read from trainer_log.jsonl"]


def test_the_file_of_ms_swift(tmp_path: Path) -> None:
    (tmp_path / "logging.jsonl").write_text(
        '{"loss": 0.7, "learning_rate": 1e-05, "global_step/max_steps": "5/40", "elapsed_time": "5s"}\n'
        '{"loss": 0.6, "learning_rate": 1e-05, "global_step/max_steps": "10/40", "elapsed_time": "9s"}\n'
    )
    run = read_run(tmp_path, "dpo")
    assert (list(run.steps), run.config["max_steps"]) == ([5, 10], 40)


# Patterns


def test_patterns_become_what_they_match_sorted_and_once(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "deep/er/c.jsonl", "odd[1].jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(LOG)

    def names(*patterns: str) -> list[str]:
        return [os.path.relpath(path, tmp_path) for path in expand(f"{tmp_path}/{pattern}" for pattern in patterns)]

    assert names("[ab].jsonl") == ["a.jsonl", "b.jsonl"]
    assert names("b.jsonl", "*.jsonl") == ["b.jsonl", "a.jsonl", "odd[1].jsonl"]
    assert names("**/c.jsonl") == [str(Path("deep/er/c.jsonl"))]
    assert names("odd[1].jsonl") == ["odd[1].jsonl"]
    assert names("missing.jsonl") == ["missing.jsonl"]
    assert expand(["-"]) == ["-"]


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRun, match="no file or folder matches this pattern"):
        expand([f"{tmp_path}/*.jsonl"])


# Standard input


def test_standard_input_that_is_closed_or_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    refused("-", "standard input: is closed")


def test_a_project_with_runs_of_several_kinds(tmp_path: Path) -> None:
    """A tracker's folder, what a run printed, and checkpoints further down: none hides another."""
    write_state(tmp_path / "outputs/dpo/checkpoint-10", 0.1)
    (tmp_path / "runs/kto").mkdir(parents=True)
    samples = Path(__file__).parent / "samples"
    event_file = next((samples / "tensorboard").rglob("events.out.tfevents.*"))
    (tmp_path / "runs/kto" / event_file.name).write_bytes(event_file.read_bytes())
    (tmp_path / "nohup.out").write_text("".join(f"step {step} loss 0.5 grad_norm 1.0\n" for step in range(20)))
    (tmp_path / "scores.csv").write_text("id,score\n7,0.5\n9,0.7\n")  # A table of data, not a log.
    found = {Path(name).parts[0] for name in all_in(tmp_path)}
    assert found == {"nohup.out", "outputs", "runs"}


@pytest.mark.parametrize("name", ["first", "outputs/first"])
def test_one_of_the_runs_in_a_folder_by_its_name(tmp_path: Path, name: str) -> None:
    write_state(tmp_path / "outputs/first", 0.1)
    write_state(tmp_path / "outputs/second", 0.2)
    assert read_run(f"{tmp_path}#{name}").latest("loss") == 0.1
    refused(f"{tmp_path}#third", "holds no run named 'third'")


def test_a_name_that_the_only_run_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(LOG)
    refused(f"{path}#third", "holds no run named 'third'; it holds one, without a name")
