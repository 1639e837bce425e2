"""Findings and decisions, handed on to the trackers that the trainer reports to already.

The metrics themselves get there through the trainer's own `report_to`; nothing is sent twice. A tracker that is not
active is not imported.
"""

from __future__ import annotations

import sys
from typing import Any

from barograph.core.decision import Decision
from barograph.core.finding import Finding, Severity
from barograph.core.listener import Listener

__all__ = ["Forward"]

LEVELS = {Severity.INFO: "INFO", Severity.WARNING: "WARN", Severity.CRITICAL: "ERROR"}


class Forward(Listener):
    """Tells TensorBoard, Weights & Biases, trackio, SwanLab and MLflow, where the trainer has opened them."""

    wants_rows = False

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer

    def found(self, finding: Finding) -> None:
        title = f"{finding.code} {finding.name}"
        self._send(title, finding.says, finding.step, LEVELS[finding.severity])

    def decided(self, decision: Decision) -> None:
        self._send(f"guard: {decision.deed.value}", decision.says, decision.step, "WARN")

    def _send(self, title: str, text: str, step: int, level: str) -> None:
        handler = getattr(self._trainer, "callback_handler", None)
        senders = {
            "TensorBoardCallback": _to_tensorboard,
            "WandbCallback": _to_wandb,
            "TrackioCallback": _to_trackio,
            "SwanLabCallback": _to_swanlab,
            "MLflowCallback": _to_mlflow,
        }
        problems = []
        for callback in getattr(handler, "callbacks", ()):
            send = senders.get(type(callback).__name__)
            if send is not None:
                try:
                    send(callback, title, text, step, level)
                except Exception as problem:  # noqa: BLE001 - one tracker that stumbles must not silence the next
                    problems.append(problem)
        if problems:
            raise problems[0]  # Heard by the monitor alone, which counts it and goes on.


def _to_tensorboard(callback: Any, title: str, text: str, step: int, level: str) -> None:
    if callback.tb_writer is not None:
        callback.tb_writer.add_text("barograph/findings", f"**{title}** ({level.lower()}) {text}", step)
        callback.tb_writer.flush()


def _to_wandb(callback: Any, title: str, text: str, step: int, level: str) -> None:
    wandb = sys.modules.get("wandb")
    if wandb is not None and wandb.run is not None:
        wandb.alert(title=title[:64], text=f"step {step:,}: {text}", level=level, wait_duration=0)


def _to_trackio(callback: Any, title: str, text: str, step: int, level: str) -> None:
    trackio = sys.modules.get("trackio")
    if trackio is not None and hasattr(trackio, "alert"):
        trackio.alert(title=title, text=text, step=step, level=getattr(trackio.AlertLevel, level))


def _to_swanlab(callback: Any, title: str, text: str, step: int, level: str) -> None:
    swanlab = sys.modules.get("swanlab")
    if swanlab is not None and swanlab.get_run() is not None:
        swanlab.log({"barograph/findings": swanlab.Text(text, caption=title)}, step=step)


def _to_mlflow(callback: Any, title: str, text: str, step: int, level: str) -> None:
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.active_run() is not None:
        mlflow.set_tag(f"barograph.{title.split(maxsplit=1)[0].rstrip(':')}", f"step {step}: {text}"[:5000])
