"""What is planted in a training that neither the options of a recipe nor its examples can express."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from transformers import TrainerCallback

from barograph.recipes import tasks
from barograph.trainers.rescue import scale_rate

__all__ = ["Disturbs", "disturbed", "freeze", "of_a_copy", "pays", "tuned_further"]


class Disturbs(TrainerCallback):
    """Changes the optimizer at a step, for good."""

    def __init__(self, since: int, plant: Mapping[str, Any]) -> None:
        self.since, self.plant = since, plant

    def on_step_begin(self, args: Any, state: Any, control: Any, **parts: Any) -> None:
        if state.global_step + 1 != self.since:
            return
        if "rate_times" in self.plant:
            scale_rate(parts["optimizer"], parts["lr_scheduler"], self.plant["rate_times"])
        if "weight_decay" in self.plant:
            for group in parts["optimizer"].param_groups:
                group["weight_decay"] = self.plant["weight_decay"]


def disturbed(trainer: type, since: int, plant: Mapping[str, Any]) -> type:
    """The class of a trainer whose loss leaves the range of numbers at a step."""
    if "loss_times" not in plant:
        return trainer

    class Disturbed(trainer):  # type: ignore[misc]
        def compute_loss(self, *arguments: Any, **named: Any) -> Any:
            loss = super().compute_loss(*arguments, **named)
            is_due = self.model.training and self.state.global_step + 1 == since
            if not is_due:
                return loss
            return (loss[0] * plant["loss_times"], *loss[1:]) if isinstance(loss, tuple) else loss * plant["loss_times"]

    Disturbed.__name__ = trainer.__name__
    return Disturbed


def freeze(model: Any, part: str) -> None:
    """Take the weights whose name holds `part` out of the training."""
    for name, weight in model.named_parameters():
        if part in name:
            weight.requires_grad = False


def of_a_copy(model: Any, rate: float) -> Any:
    """An optimizer that holds the weights of a copy: it moves nothing that anybody asks."""
    return torch.optim.AdamW(copy.deepcopy(model).parameters(), rate)


def tuned_further(model: Any, words: Any, rows: list[dict[str, Any]], steps: int = 60) -> Any:
    """The model after some supervised steps on answers to the same prompts, as a policy is before its own tuning."""
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    texts = [row["prompt"] + (row.get("chosen") or row["completion"]) + " <eos>" for row in rows]
    for step in range(steps):
        part = texts[16 * step : 16 * step + 16]
        batch = words(part, return_tensors="pt", padding=True)
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model


def pays(kind: str | None, since: int, step: Callable[[], int]) -> Callable[[str, int, int, int], float]:
    """The reward of an answer to "i think a + b = said ?", good or not what was meant."""

    def paid(answer: str, a: int, b: int, said: int) -> float:
        words = answer.split()
        match kind:
            case "constant":
                return 0.5
            case "always":
                return 1.0
            case "never":
                return 0.0
            case "length":
                return len(words) / 10
            case "a word":
                return float(words.count("yes"))
            case "hardly ever" if a + b < 2 * (tasks.MOST - 1):
                return 0.0
            case "breaks" if step() >= since:
                return 0.0
            case "the wrong way round":
                return 1.0 - tasks.reward(answer, a, b, said)
        return tasks.reward(answer, a, b, said)

    return paid
