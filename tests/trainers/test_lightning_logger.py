"""Against a stand-in with the interface that Lightning documents for its loggers."""

from __future__ import annotations

import importlib
import json
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from barograph.core.errors import MissingExtra


@pytest.fixture
def lightning(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lightning", "lightning.pytorch", "lightning.pytorch.loggers", "lightning.pytorch.loggers.logger"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["lightning.pytorch.loggers.logger"].Logger = type("Logger", (), {})  # type: ignore[attr-defined]
    monkeypatch.delitem(sys.modules, "barograph.trainers.lightning", raising=False)


def test_what_lightning_calls_is_kept(tmp_path: Path, lightning: None) -> None:
    module = importlib.import_module("barograph.trainers.lightning")
    logger = module.LightningLogger(tmp_path / "run", method="dpo", console=False)
    assert not (tmp_path / "run").exists()
    logger.log_hyperparams(Namespace(beta=0.1))
    logger.log_metrics({"loss": 0.5, "epoch": 0}, step=4)
    logger.after_save_checkpoint(SimpleNamespace(last_model_path="", best_model_path="best.ckpt"))
    assert logger.experiment.monitor.guard.checkpoints[0].path == "best.ckpt"
    logger.finalize("failed")
    assert (logger.name, logger.version, logger.save_dir) == ("barograph", "run", str(tmp_path / "run"))
    assert json.loads((tmp_path / "run/logs/training_metrics.jsonl").read_text()) == {
        "step": 4, "loss": 0.5, "epoch": 0,
    }  # fmt: skip
    facts = json.loads((tmp_path / "run/run.json").read_text())
    assert (facts["state"], facts["config"]) == ("crashed", {"beta": 0.1})


def test_without_lightning_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "barograph.trainers.lightning", raising=False)
    with pytest.raises(MissingExtra, match="lightning"):
        importlib.import_module("barograph.trainers.lightning")
