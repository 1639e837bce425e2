"""Against a stand-in with the interface that Lightning documents for its loggers, and in a real training."""

from __future__ import annotations

import importlib
import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from barograph.core.errors import MissingExtra


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """The module takes its base class when it is imported: no test leaves its own behind."""
    sys.modules.pop("barograph.trainers.lightning", None)
    yield
    sys.modules.pop("barograph.trainers.lightning", None)


@pytest.fixture
def lightning(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lightning", "lightning.pytorch", "lightning.pytorch.loggers", "lightning.pytorch.loggers.logger"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["lightning.pytorch.loggers.logger"].Logger = type("Logger", (), {})  # type: ignore[attr-defined]


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
    loaded = [name for name in sys.modules if name.partition(".")[0] == "lightning"]
    for name in {"lightning.pytorch.loggers.logger", "pytorch_lightning", *loaded}:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match="lightning"):
        importlib.import_module("barograph.trainers.lightning")


@pytest.mark.train
@pytest.mark.filterwarnings("default")
def test_a_training_of_lightning_is_kept(tmp_path: Path) -> None:
    """Four steps and an evaluation: the rows are those that the module logs, and a checkpoint is known to the guard."""
    pytest.importorskip("lightning", reason="needs the `lightning` extra")
    torch = pytest.importorskip("torch", reason="needs the `train` extra")
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.callbacks import ModelCheckpoint

    from barograph.trainers import LightningLogger

    class Line(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)
            self.save_hyperparameters({"beta": 0.1})

        def training_step(self, batch: list, at: int) -> object:
            loss = self.layer(batch[0]).square().mean()
            self.log("loss", float(at + 1))
            return loss

        def validation_step(self, batch: list, at: int) -> None:
            self.log("eval_loss", 0.25)

        def configure_optimizers(self) -> object:
            return torch.optim.SGD(self.parameters(), 0.01)

    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 1)))
    logger = LightningLogger(tmp_path / "run", method="dpo", console=False)
    trainer = Trainer(
        logger=logger, max_epochs=1, log_every_n_steps=1, accelerator="cpu", enable_progress_bar=False,
        enable_model_summary=False, callbacks=[ModelCheckpoint(dirpath=tmp_path / "saved")],
    )  # fmt: skip
    trainer.fit(Line(), data, data)
    rows = [json.loads(row) for row in (tmp_path / "run/logs/training_metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row["loss"]) for row in rows if "loss" in row] == [(0, 1.0), (1, 2.0), (2, 3.0), (3, 4.0)]
    assert [(row["step"], row["eval_loss"]) for row in rows if "eval_loss" in row] == [(3, 0.25)]
    monitor = logger.experiment.monitor
    assert monitor is not None
    assert monitor.config["beta"] == 0.1
    assert [Path(saved.path).suffix for saved in monitor.guard.checkpoints] == [".ckpt"]
    assert logger.experiment.finish() is not None
