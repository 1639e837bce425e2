"""Several processes, one record: what the first one decides happens in every one."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

for library in ("torch", "transformers", "trl"):
    pytest.importorskip(library, reason="needs the `train` extra")

import barograph

pytestmark = [pytest.mark.train, pytest.mark.slow, pytest.mark.timeout(600)]

SCRIPT = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, {helpers!r})
from tiny_preferences import make
from barograph.trainers.callback import BarographCallback

base, folder, guard, times = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4])
callback = BarographCallback(guard=guard, most_rescues=3, console=False)
trainer = make("dpo", base, folder / "run", callback, steps=20, times=times, ddp_backend="gloo",
               per_device_train_batch_size=8, save_strategy="steps", save_steps=5)
trainer.train()
weights = [float(weight.double().sum()) for weight in trainer.model.parameters()]
told = dict(step=trainer.state.global_step, rescues=callback.rescues, rate=callback.rate, weights=weights,
            log=trainer.state.log_history, writes=callback.monitor is not None)
(folder / ("rank-" + os.environ["RANK"] + ".json")).write_text(json.dumps(told))
"""

#: The same with answers that only the first process makes, which choose the best checkpoint.
CHOOSING = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, {helpers!r})
from tiny_preferences import make
from barograph.trainers.text_evaluation import TextEvaluation

base, folder = Path(sys.argv[1]), Path(sys.argv[2])
worth = iter([0.0, 1.0, 0.0])
asks = TextEvaluation(["i think 3 + 4 = 9 ?"], reward=lambda prompt, answer: next(worth), max_new_tokens=2)
trainer = make("dpo", base, folder / "run", asks, steps=3, ddp_backend="gloo", per_device_train_batch_size=8,
               eval_strategy="steps", eval_steps=1, save_strategy="best", metric_for_best_model="eval_reward",
               greater_is_better=True)
trainer.train()
told = dict(best=trainer.state.best_metric, step=trainer.state.best_global_step)
(folder / ("rank-" + os.environ["RANK"] + ".json")).write_text(json.dumps(told))
"""


def run_two(base: Path, folder: Path, guard: str, times: float, *, source: str = SCRIPT) -> tuple[dict, dict]:
    script = folder / "train.py"
    script.write_text(source.format(helpers=str(Path(__file__).parent)))
    package = str(Path(barograph.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": package, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script), str(base),
        str(folder), guard, str(times),
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (json.loads((folder / f"rank-{rank}.json").read_text()) for rank in (0, 1))
    return first, second


def rows_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "run/logs/training_metrics.jsonl").read_text().splitlines()]


def test_one_process_writes_what_all_have_averaged(base: Path, tmp_path: Path) -> None:
    first, second = run_two(base, tmp_path, "rescue", 1.0)
    assert (first["writes"], second["writes"]) == (True, False)
    logged = [row for row in first["log"] if "loss" in row]
    written = rows_of(tmp_path)
    assert [row["step"] for row in written] == list(range(1, 21))
    assert [row["loss"] for row in written] == [row["loss"] for row in logged]
    # TRL gathers over the processes before it logs: either one has the same row.
    assert [row["rewards/margins"] for row in written] == [
        row["rewards/margins"] for row in second["log"] if "loss" in row
    ]
    assert [path.name for path in tmp_path.glob("*run*")] == ["run"]


@pytest.mark.parametrize("guard", ["stop", "rescue"])
def test_what_the_first_process_decides_reaches_the_other(guard: str, base: Path, tmp_path: Path) -> None:
    first, second = run_two(base, tmp_path, guard, 100.0)
    for told in ("step", "rescues", "rate"):
        assert first[told] == second[told]
    assert first["weights"] == pytest.approx(second["weights"], rel=1e-6)
    if guard == "stop":
        assert first["step"] < 20
    else:
        assert first["rescues"] >= 1
        assert first["rate"] < 1.0


def test_answers_that_one_process_makes_choose_the_best_checkpoint_in_all(base: Path, tmp_path: Path) -> None:
    assert run_two(base, tmp_path, "off", 1.0, source=CHOOSING) == ({"best": 1.0, "step": 2},) * 2
