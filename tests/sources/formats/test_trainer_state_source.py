from __future__ import annotations

import json
from pathlib import Path

import pytest

from barograph.core.errors import UnreadableRun
from barograph.sources.formats.trainer_state import TRAINER_STATE
from barograph.sources.runs import read_run


def save(folder: Path, last: int, loss: float = 0.5, **more: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    history = [{"step": step, "loss": loss} for step in range(10, last + 1, 10)]
    path = folder / "trainer_state.json"
    path.write_text(json.dumps({"global_step": last, "max_steps": 90, "logging_steps": 10, **more,
                                "log_history": history}, indent=2))  # fmt: skip
    return path


def test_the_settings_it_holds(tmp_path: Path) -> None:
    path = save(tmp_path, 30, save_steps=5, num_train_epochs=3, train_batch_size=8, best_metric=None)
    assert read_run(path).config == {
        "max_steps": 90, "logging_steps": 10, "save_steps": 5, "num_train_epochs": 3, "train_batch_size": 8,
    }  # fmt: skip


def test_the_newest_checkpoint_by_number_not_by_name(tmp_path: Path) -> None:
    for last in (20, 90, 100):
        save(tmp_path / f"checkpoint-{last}", last)
    save(tmp_path / "checkpoint-best", 500)
    run = read_run(tmp_path)
    assert run.last_step == 100
    assert "read from checkpoint-100/trainer_state.json" in run.notes


@pytest.mark.parametrize(("root", "loss"), [(50, 2.0), (40, 2.0), (30, 1.0)])
def test_the_one_in_the_root_if_it_is_not_older(tmp_path: Path, root: int, loss: float) -> None:
    save(tmp_path / "checkpoint-40", 40, loss=1.0)
    save(tmp_path, root, loss=2.0)
    assert read_run(tmp_path).latest("loss") == loss


def test_a_broken_newest_checkpoint_gives_way_to_the_one_before(tmp_path: Path) -> None:
    save(tmp_path / "checkpoint-10", 10)
    path = save(tmp_path / "checkpoint-20", 20)
    path.write_text(path.read_text()[:-20])
    assert read_run(tmp_path).last_step == 10


@pytest.mark.parametrize("content", ["", "\n", "{", '{"best_metric": null'])
def test_a_newest_checkpoint_that_could_not_be_saved_is_told_of(tmp_path: Path, content: str) -> None:
    """As on a full disk."""
    save(tmp_path / "checkpoint-10", 10)
    save(tmp_path / "checkpoint-20", 20).write_text(content)
    run = read_run(tmp_path)
    assert run.last_step == 10
    assert any("could not be read: " in note and "checkpoint-20" in note for note in run.notes)


def test_an_adapter_beside_it_tells_of_lora(tmp_path: Path) -> None:
    path = save(tmp_path / "checkpoint-10", 10)
    assert "lora" not in read_run(tmp_path).config
    (path.parent / "adapter_config.json").write_text("{}")
    assert read_run(tmp_path).config["lora"] is True
    assert read_run(path).config["lora"] is True


def test_cut_short(tmp_path: Path) -> None:
    path = save(tmp_path, 30)
    lines = path.read_text().split("\n")[:8]
    path.write_text("\n".join(lines))
    with pytest.raises(UnreadableRun, match=r"ends too early, at line 8 column \d+; the file was cut"):
        read_run(path)


def test_no_history(tmp_path: Path) -> None:
    path = tmp_path / "trainer_state.json"
    path.write_text('{"global_step": 0, "log_history": []}')
    with pytest.raises(UnreadableRun, match="holds no rows"):
        read_run(path)


def test_recognised_by_content() -> None:
    assert TRAINER_STATE.recognises("renamed.txt", b'{"epoch": 1, "log_history": [')
    assert not TRAINER_STATE.recognises("trainer_state.json", b"[]")
    assert not TRAINER_STATE.recognises("x.json", b'{"a": 1}')
