"""A training as it is planned: its settings under one name each, whatever its framework calls them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from barograph.config.dialects.base import Dialect
from barograph.core.check import NotJudgeable
from barograph.core.methods import GENERATING, Method
from barograph.core.settings import as_number
from barograph.rules.usual import TINY, Rates, rates_of

__all__ = ["Plan", "Stranger", "parameters_in_name"]

#: How large a model is, as its name has it: Qwen2.5-0.5B, SmolLM2-135M.
_SIZE = re.compile(r"(?:^|[^0-9a-zA-Z.])(\d+(?:[.x]\d+)*)([bm])(?![a-z0-9])", re.IGNORECASE)
_SCALES = {"b": 1e9, "m": 1e6}
TRUTH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
#: Trained further than this share of its weights, a model is trained as a whole.
WHOLE = 0.5


class Stranger(NamedTuple):
    """A name that nobody knows, and the known one that it resembles."""

    name: str
    near: str


@dataclass(frozen=True)
class Plan:
    """What is known of a training before it begins. Names are ours: those of `dialects.base.MEANINGS`."""

    method: Method
    values: Mapping[str, object]
    dialect: Dialect
    #: What the file calls a setting that it has.
    spelled: Mapping[str, str] = field(default_factory=dict)
    strangers: Sequence[Stranger] = ()

    def knowing(self, **facts: object) -> Plan:
        """The same with more that is known, as of its data."""
        return replace(self, values={**self.values, **{k: v for k, v in facts.items() if v is not None}})

    # One setting

    def called(self, name: str) -> str:
        """What a setting is called here, or would be."""
        theirs = self.dialect.names.get(name, ())
        return self.spelled.get(name) or (theirs[0] if theirs else name)

    def has(self, name: str) -> bool:
        return self.values.get(name) is not None

    def number(self, name: str) -> float | None:
        return as_number(self.values.get(name))

    def need(self, *names: str) -> float:
        """The first of these that is a number; without one the check that asks cannot judge."""
        for name in names:
            found = self.number(name)
            if found is not None:
                return found
        raise NotJudgeable(f"{self.called(names[0])} is not said")

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value.strip() if isinstance(value, str) else ""

    def words(self, name: str) -> list[str]:
        """A setting that is one word or several."""
        value = self.values.get(name)
        parts = value if isinstance(value, list | tuple) else [value]
        return [str(part).strip().lower() for part in parts if part is not None]

    def is_on(self, name: str) -> bool | None:
        """A switch; None if nothing is said of it."""
        value = self.values.get(name)
        if isinstance(value, bool):
            return value
        return TRUTH.get(value.strip().lower()) if isinstance(value, str) else None

    # The model

    @cached_property
    def parameters(self) -> float | None:
        """How many weights the model has: as was counted, or else as its name says."""
        return self.number("parameters") or parameters_in_name(self.text("model"))

    @property
    def is_tiny(self) -> bool:
        """A toy, which bears rates that no language model would."""
        return 0 < (self.parameters or 0.0) < TINY

    @cached_property
    def is_adapter(self) -> bool | None:
        """Whether an adapter is trained and not the whole model; None where nobody says."""
        asked = self.is_on("lora")
        if asked is not None:
            return asked
        if self.text("lora").lower() not in {"", "full", "none", "freeze"}:
            return True
        if self.text("lora"):
            return False
        if (rank := self.number("lora_rank")) is not None:
            return rank > 0
        if (trained := self.number("trainable_parameters")) is not None and self.number("parameters"):
            return trained < WHOLE * self.need("parameters")
        return None

    @property
    def rates(self) -> Rates | None:
        """Learning rates that are usual for the method and a model of this size."""
        return rates_of(self.method, is_tiny=self.is_tiny)

    # The run

    @property
    def devices(self) -> float:
        """How many devices train together; one where nobody says."""
        return max(1.0, self.number("devices") or 1.0)

    @cached_property
    def batch(self) -> float | None:
        """Examples in one update, over all devices: answers where a method generates them."""
        whole = self.number("global_batch")
        if whole:
            return whole
        each = self.number("per_device_batch")
        parts = self.number("accumulation") or 1.0
        return each * parts * self.devices if each else None

    @property
    def is_batch_sure(self) -> bool:
        """Whether the number of devices is known too."""
        return self.has("global_batch") or self.has("devices")

    @cached_property
    def updates(self) -> int | None:
        """Steps of the whole run: as many as are said, or as the epochs over the data take."""
        if (steps := self.number("max_steps")) and steps > 0:
            return int(steps)
        epochs = self.number("epochs")
        each = self.updates_in_epoch
        return math.ceil(epochs * each) if epochs and each else None

    @cached_property
    def updates_in_epoch(self) -> int | None:
        """Steps in one pass over the data."""
        examples, batch = self.number("train_examples"), self.batch
        if not examples or not batch:
            return None
        if self.method in GENERATING and not self.is_on("batch_of_prompts"):
            # Each prompt comes as often as it is answered, and again for each pass over the answers.
            examples *= (self.number("group_size") or 1.0) * (self.number("num_iterations") or 1.0)
        if self.has("minibatches"):
            batch *= self.need("minibatches")
        return max(1, math.ceil(examples / batch))

    def steps(self, name: str) -> float | None:
        """A setting in steps. Below one it is a share of the run, as transformers has it."""
        found = self.number(name)
        if found is None or found >= 1 or found <= 0:
            return found
        return found * self.updates if self.updates else None

    @property
    def passes(self) -> float | None:
        """How often each example is seen."""
        updates, each = self.updates, self.updates_in_epoch
        if (self.number("max_steps") or 0) > 0:
            return updates / each if updates and each else None
        return self.number("epochs")

    @property
    def warmup(self) -> float | None:
        """Steps in which the rate rises; a share of the run goes first, where it is said."""
        share = self.number("warmup_share")
        if share:
            return share * self.updates if self.updates else None
        if self.number("warmup_steps") is not None:
            return self.steps("warmup_steps")
        return 0.0 if share is not None else None

    @property
    def weighs_kl(self) -> bool:
        """Whether the distance to the start counts: by a weight, or because this method has one always."""
        beta = self.number("beta")
        return beta > 0 if beta is not None else self.method in {Method.PPO, Method.RLOO, Method.ONLINE_DPO}


def parameters_in_name(name: str) -> float | None:
    """How many weights a model has by its name.

    >>> parameters_in_name("Qwen/Qwen2.5-0.5B-Instruct"), parameters_in_name("HuggingFaceTB/SmolLM2-135M")
    (500000000.0, 135000000.0)
    >>> parameters_in_name("mistralai/Mixtral-8x7B-v0.1"), parameters_in_name("gpt2")
    (56000000000.0, None)
    """
    found = _SIZE.findall(name.rstrip("/").rpartition("/")[2])
    if not found:
        return None
    number, unit = found[0]
    return math.prod(float(part) for part in number.lower().split("x")) * _SCALES[unit.lower()]
