"""The folder of a run in MLflow's file store, written from its description: a file for each metric."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from database_format import points

META = """artifact_uri: file:///nowhere/{run}/artifacts
end_time: null
experiment_id: '7'
lifecycle_stage: {stage}
run_id: {run}
run_name: ''
status: 1
tags: []
"""


def write_run(folder: Path, rows: list[dict[str, Any]], stage: str = "active") -> None:
    """A run whose metrics were logged row by row; what has no steps is written as the first versions did."""
    (folder / "metrics").mkdir(parents=True)
    (folder.parent / "meta.yaml").write_text("experiment_id: '7'\nlifecycle_stage: active\nname: align\n")
    (folder / "meta.yaml").write_text(META.format(run=folder.name, stage=stage))
    has_steps = any("step" in row for row in rows)
    lines: dict[str, list[str]] = {}
    for key, value, time, step in points(rows):
        lines.setdefault(key, []).append(f"{time} {value!r}{f' {step}' if has_steps else ''}\n")
    for key, text in lines.items():
        file = folder / "metrics" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(text))
