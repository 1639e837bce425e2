"""kill -9 at random moments: every row whose log() had returned is there, and the run can be gone on with."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import barograph

KILLS = 50
CHILD = """
import os, random, sys
import barograph
run = barograph.start(sys.argv[1], method="dpo", config={"beta": 0.1}, console=False)
step = int(sys.argv[2])
while True:
    value = random.random()
    run.log(step, {"loss": value, "rewards/margins": 0.1, "rewards/accuracies": 0.6, "rewards/chosen": 0.1,
                   "rewards/rejected": 0.0, "grad_norm": 1.0})
    os.write(1, f"{step} {value!r}\\n".encode())
    if random.random() < 0.02:
        run.monitor.configure({"note": step})
    step += 1
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_no_returned_row_is_lost(tmp_path: Path) -> None:
    chance = random.Random(os.environ.get("SEED", "0"))
    folder = tmp_path / "run"
    returned: dict[int, str] = {}
    step = 0
    for kill in range(KILLS):
        command = [sys.executable, "-c", CHILD, str(folder), str(step)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            first = child.stdout.readline()
            time.sleep(chance.random() * 0.05)
            child.send_signal(signal.SIGKILL)
            said = (first + child.stdout.read()).splitlines(keepends=True)
        for line in said:
            if line.endswith(b"\n"):
                at, value = line.decode().split()
                returned[int(at)] = value
        json.loads((folder / "run.json").read_text())
        kept = {}
        for line in (folder / "logs/training_metrics.jsonl").read_bytes().splitlines():
            row = json.loads(line)  # one write of one line is never half there
            kept[row["step"]] = repr(row["loss"])
        lost = {at for at, value in returned.items() if kept.get(at) != value}
        assert not lost, f"kill {kill + 1}: {len(lost)} of {len(returned)} rows are lost"
        step = max(returned) + 1
    run = barograph.read(folder)
    assert run.last_step >= max(returned)
    assert list(run.columns["loss"].values)[: len(returned)] == [float(returned[at]) for at in sorted(returned)]
    assert len(list(folder.glob(".run.json*"))) <= 1
