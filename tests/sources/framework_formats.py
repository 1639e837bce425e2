"""What frameworks print after each step, written by what is known of their print statements."""

from __future__ import annotations

from typing import Any

Rows = list[dict[str, Any]]


def as_torchtune(rows: Rows) -> str:
    """torchtune's DiskLogger: `f"{name}:{data} "` for each metric."""
    text = ""
    for row in rows:
        pairs = "".join(f"{key}:{value} " for key, value in row.items() if key != "step")
        text += f"Step {row.get('step', 0)} | {pairs}\n"
    return text


def as_openrlhf(rows: Rows) -> str:
    """OpenRLHF's logger; the first line stands behind a bar that has not ended its own."""
    text = "Episode [1/1]:   0%|          | 0/320 [00:00<?, ?it/s]"
    for row in rows:
        metrics = {key: value for key, value in row.items() if key != "step"}
        text += f"INFO 01-02 03:04:05 ppo_trainer.py:551] ✨ Global step {row.get('step', 0)}: {metrics}\n"
    return text
