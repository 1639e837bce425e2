"""kill -9 and Ctrl-C at random moments, a folder without permission: every row whose log() had returned is there."""

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


INTERRUPTED = """
import signal, sys
import barograph
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may start what runs behind with it ignored
run = barograph.start(sys.argv[1], method="dpo", config={"beta": 0.1}, console=False)
step = heard = returned = 0
print("ready", flush=True)
while heard < 40:
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        while True:
            step += 1
            run.log(step, {"loss": 0.5, "rewards/margins": 0.1, "rewards/chosen": 0.1, "rewards/rejected": 0.0})
            returned = step
    except KeyboardInterrupt:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # The next one may come anywhere in the loop above.
        heard += 1
        print("heard", flush=True)
run.finish()
print(step, run.monitor.mistakes, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way")
def test_ctrl_c_in_the_middle_of_a_row_leaves_a_record_that_goes_on(tmp_path: Path) -> None:
    """Whoever catches it and trains on finds each row at most once, none torn, and all that had returned."""
    chance = random.Random(0)
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "run")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(40):
            child.stdout.readline()
            time.sleep(chance.random() * 0.01)
            child.send_signal(signal.SIGINT)
        child.stdout.readline()
        line = child.stdout.readline()
        steps, mistakes = map(int, line.split())
    rows = [json.loads(row) for row in (tmp_path / "run/logs/training_metrics.jsonl").read_text().splitlines()]
    kept = [row["step"] for row in rows]
    assert kept == sorted(set(kept))
    assert steps - 40 <= len(kept) <= steps  # Only the rows that were interrupted may be missing.
    assert mistakes == 0
    assert json.loads((tmp_path / "run/run.json").read_text())["state"] == "finished"


NOBODY = """
import os, sys
import barograph
from barograph.core.listener import Listener

class Ear(Listener):
    def told(self, sentence):
        print(sentence, flush=True)

def train(folder):
    run = barograph.start(folder, method="dpo", console=False, listeners=[Ear()])
    for step in range(3):
        run.log(step, {"loss": 0.5})
    run.finish()

train(sys.argv[1])  # Loads what is needed: the next user may not read where Python lies.
os.setegid(65534), os.seteuid(65534)
train(sys.argv[2])
print("trained to the end")
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="becoming another user needs root")
def test_a_folder_without_permission_is_told_once_and_the_training_goes_on(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o555)
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    command = [sys.executable, "-c", NOBODY, str(tmp_path / "first"), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    said = done.stdout.splitlines()
    assert said[-1] == "trained to the end"
    assert len(said) == 2
    assert "Permission denied" in said[0]
    assert str(tmp_path / "run") in said[0]
