"""Scripts written for another tracker, with nothing changed but the import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PLAIN = """
import random
import barograph as wandb

wandb.login()
settings = {"lr": 1e-4, "epochs": 2, "beta": 0.1}
wandb.init(project="kto", name="first", config=settings, tags=["a"], notes="x", mode="offline")
config = wandb.config
wandb.watch(None, log="all", log_freq=10)
wandb.define_metric("eval/*", step_metric="epoch")
for step in range(20 * config.epochs):
    image = wandb.Image([[0]], caption="x")
    wandb.log({"train/loss": 0.7 - 0.01 * step, "lr": config["lr"], "examples": image}, step=step)
    if step % 20 == 19:
        table = wandb.Table(columns=["prompt", "answer"])
        table.add_data("p", "a")
        wandb.log({"eval/loss": 0.6, "samples": table}, step=step)
wandb.run.summary["best"] = 0.6
wandb.summary["also"] = 1
artifact = wandb.Artifact("model", type="model")
artifact.add_file("x")
wandb.log_artifact(artifact)
wandb.save("x")
wandb.alert(title="done", text="well")
print(wandb.run.name, wandb.run.dir, wandb.run.summary["train/loss"])
wandb.finish()
assert wandb.run is None
"""

COUNTED = """
import argparse
import barograph as wandb

args = argparse.Namespace(learning_rate=5e-7, beta=0.2)
with wandb.init(project="dpo", config=args, dir="elsewhere") as run:
    run.config.update({"max_steps": 10}, allow_val_change=True)
    run.config.seed = 3
    run.define_metric("loss", summary="min")
    for _ in range(10):
        run.log({"loss": 0.5}, commit=False)
        run.log({"rewards": {"chosen": 0.1, "rejected": -0.1}})
    run.log_code(".")
    print(run.dir)
"""

TRACKIO = """
import barograph as trackio

for turn in range(2):
    trackio.init(project="grpo", name="same", config=dict(epochs=1), resume="never", space_id=None)
    for step in range(5):
        trackio.log({"reward": 0.1 * step, "kl": 0.01})
    trackio.finish()
trackio.init(project="grpo", name="same", resume="allow")
trackio.log({"reward": 1.0})
trackio.finish()
trackio.init(project="grpo", name="none", mode="disabled")
trackio.log({"reward": 1.0})
trackio.finish()
"""


def run(script: str, folder: Path) -> str:
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows_in(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "logs/training_metrics.jsonl").read_text().splitlines()]


def test_a_script_with_steps(tmp_path: Path) -> None:
    said = run(PLAIN, tmp_path)
    folder = tmp_path / "runs/kto/first"
    rows = rows_in(folder)
    assert [row["step"] for row in rows if "train/loss" in row] == list(range(40))
    assert [row["step"] for row in rows if "eval/loss" in row] == [19, 39]
    assert {key for row in rows for key in row} == {"step", "train/loss", "lr", "eval/loss"}
    facts = json.loads((folder / "run.json").read_text())
    assert facts["config"] == {"lr": 1e-4, "epochs": 2, "beta": 0.1}
    assert facts["summary"] == {"best": 0.6, "also": 1}
    assert facts["state"] == "finished"
    assert f"first runs/kto/first {0.7 - 0.39}" in said


def test_a_script_that_leaves_the_counting_to_the_tracker(tmp_path: Path) -> None:
    run(COUNTED, tmp_path)
    (folder,) = (tmp_path / "elsewhere" / "dpo").iterdir()
    rows = rows_in(folder)
    assert [row["step"] for row in rows] == [step for step in range(10) for _ in range(2)]
    assert rows[1] == {"step": 0, "rewards/chosen": 0.1, "rewards/rejected": -0.1}
    config = json.loads((folder / "run.json").read_text())["config"]
    assert config == {"learning_rate": 5e-7, "beta": 0.2, "max_steps": 10, "seed": 3}


def test_a_script_that_begins_runs_of_one_name(tmp_path: Path) -> None:
    run(TRACKIO, tmp_path)
    assert sorted(path.name for path in (tmp_path / "runs/grpo").iterdir()) == ["same", "same-2"]
    assert [row["step"] for row in rows_in(tmp_path / "runs/grpo/same")] == [0, 1, 2, 3, 4, 5]
    assert [row["step"] for row in rows_in(tmp_path / "runs/grpo/same-2")] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", ["../../x", "a/b", "..", "", "new\nline", "x" * 300])
def test_a_name_of_any_kind_stays_inside(tmp_path: Path, name: str) -> None:
    script = f"import barograph\nbarograph.init(project={name!r}, name={name!r}, dir='in')"
    run(f"{script}\nbarograph.log({{'loss': 1}})", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert len(list((tmp_path / "in").glob("*/*/run.json"))) == 1


def test_an_unknown_name_is_still_an_error() -> None:
    import barograph

    with pytest.raises(AttributeError, match="nonsense"):
        _ = barograph.nonsense  # type: ignore[attr-defined]
