"""The callbacks of the guide on reward models, in a real Trainer with a model of one layer."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train


def trained(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from barograph.trainers import PredictionLoggingCallback, RewardMetricsCallback, create_compute_metrics_fn

    class Model(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 2)

        def forward(self, inputs: Any, labels: Any = None) -> dict[str, Any]:
            logits = self.layer(inputs)
            return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}

    torch.manual_seed(0)
    points = torch.randn(64, 2)
    data = [{"inputs": point, "labels": (point.sum() > 0).long()} for point in points]
    arguments = transformers.TrainingArguments(
        str(folder), max_steps=20, per_device_train_batch_size=8, learning_rate=0.1, logging_steps=5, eval_steps=10,
        eval_strategy="steps", save_strategy="no", report_to="none", use_cpu=True, disable_tqdm=True,
        dataloader_pin_memory=False,
    )  # fmt: skip
    transformers.Trainer(
        Model(),
        arguments,
        train_dataset=data,
        eval_dataset=data[:30],
        compute_metrics=create_compute_metrics_fn(num_samples_to_log=5),
        callbacks=[RewardMetricsCallback(folder), PredictionLoggingCallback(folder, num_samples_to_log=5)],
    ).train()


@pytest.mark.filterwarnings("default")
def test_a_real_trainer_writes_all_four_files(tmp_path: Path) -> None:
    trained(tmp_path)
    lines = (tmp_path / "metrics.log").read_text().splitlines()
    assert [int(line[5:11]) for line in lines] == [5, 10, 15, 20]
    training, evaluation = lines[-1].split(" | Eval ")
    assert re.fullmatch(r"\[Step    20 \| Epoch 2\.50\] Loss: \d\.\d{4} LR: \S+", training)
    assert re.fullmatch(r"Loss: \d\.\d{4} Acc: [01]\.\d{4} F1: [01]\.\d{4}", evaluation)
    assert " | Eval" not in lines[0]
    history = json.loads((tmp_path / "metrics_history.json").read_text())
    assert [entry["step"] for entry in history] == [5, 10, 15, 20]
    assert {"train_loss", "learning_rate", "eval_loss", "eval_f1"} <= set(history[-1])
    blocks = (tmp_path / "predictions.log").read_text(encoding="utf-8")
    assert re.findall(r"Evaluation at Step (\d+) \(Epoch", blocks) == ["10", "20"]
    assert blocks.count("Sample Predictions (5 random samples):") == 2
    last = json.loads((tmp_path / "prediction_samples.json").read_text())[-1]
    assert last["metrics"]["f1"] == history[-1]["eval_f1"]
    assert {sample["correct"] for sample in last["samples"]} <= {True, False}
