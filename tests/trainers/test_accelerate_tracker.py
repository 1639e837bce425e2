from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.train


def test_accelerate_logs_through_it(tmp_path: Path) -> None:
    accelerate = pytest.importorskip("accelerate")
    from barograph.trainers import AccelerateTracker

    tracker = AccelerateTracker(tmp_path / "run", method="dpo", console=False)
    accelerator = accelerate.Accelerator(log_with=tracker, cpu=True)
    accelerator.init_trackers("dpo", config={"beta": 0.1})
    for step in range(3):
        accelerator.log({"loss": 0.5}, step=step)
    assert accelerator.get_tracker("barograph", unwrap=True) is tracker.tracker
    accelerator.end_training()
    lines = (tmp_path / "run/logs/training_metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [{"step": step, "loss": 0.5} for step in range(3)]
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert (facts["state"], facts["config"]) == ("finished", {"beta": 0.1})
