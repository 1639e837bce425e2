"""A PPO run as it stands: its models, its optimizer, its step; and how a model is asked what it makes of answers."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers.modeling_layers import GradientCheckpointingLayer

from barograph.recipes.ppo.objective import AdaptiveKL, entropy, rate_share
from barograph.recipes.ppo.team import Team
from barograph.recipes.score import Score

__all__ = ["Run", "Seen", "look"]


@dataclass(kw_only=True)
class Run:
    """Everything that changes while it trains, and what it takes to make a step."""

    #: `PPOOptions` after `checks.whole`.
    options: Any
    policy: Any
    reference: Any
    tokenizer: Any
    prompts: Sequence[Mapping[str, Any]]
    score: Score
    team: Team = field(default_factory=Team)
    head: Any = field(init=False)
    optimizer: Any = field(init=False)
    kl_weight: AdaptiveKL = field(init=False)
    step: int = 0
    #: What rescues have made of the learning rate, as a factor.
    cut: float = 1.0
    #: A few answers of the last step, with what was asked and what they scored.
    said: list[dict[str, object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        options = self.options
        # The values come from a head on the policy's own trunk: a critic with a trunk of its own would double weights
        # and moments, which does not fit the cards that this is for. The head starts at zero, so that at first the
        # value loss has no gradient on the trunk; later `value_weight` keeps it small.
        self.head = torch.nn.Linear(self.policy.config.get_text_config().hidden_size, 1).to(self.policy.device)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)
        # Dropout is off throughout, or the ratio of new to old probability would not be one before the first update.
        self.policy.eval()
        if options.recompute:
            self.policy.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        trained = [weight for weight in self.policy.parameters() if weight.requires_grad]
        # The usual epsilon of 1e-8 makes steps of full size out of the tiniest gradients.
        groups = [{"params": trained}, {"params": list(self.head.parameters())}]
        self.optimizer = torch.optim.Adam(groups, lr=options.learning_rate, eps=1e-5)
        self.kl_weight = AdaptiveKL(options.beta, options.kl_target, options.horizon)

    @property
    def weights(self) -> list[Any]:
        """All that is trained, the head included."""
        return [weight for group in self.optimizer.param_groups for weight in group["params"]]

    @property
    def share(self) -> int:
        """Prompts in a step that this process answers."""
        options = self.options
        return int(options.batch_size * options.accumulate * options.minibatches)

    @property
    def size(self) -> int:
        """Prompts in a step, those of all processes together."""
        return self.share * self.team.size

    @property
    def steps(self) -> int:
        """How many there will be."""
        options = self.options
        return int(options.max_steps or math.ceil(options.epochs * len(self.prompts) / self.size))

    def set_rates(self) -> float:
        """Give the optimizer its rates for the step, and tell the policy's."""
        options = self.options
        share = rate_share(str(options.schedule), self.step, self.steps, options.warmup) * self.cut
        for_policy, for_head = self.optimizer.param_groups
        for_policy["lr"], for_head["lr"] = options.learning_rate * share, options.value_learning_rate * share
        return float(for_policy["lr"])

    def precision(self) -> AbstractContextManager[Any]:
        """bf16 where it is asked for, or where the card has it; the weights stay as they were loaded."""
        kind = self.policy.device.type
        is_half = self.options.precision == "bf16" or (
            self.options.precision == "auto" and kind == "cuda" and torch.cuda.is_bf16_supported()
        )
        half: AbstractContextManager[Any] = torch.autocast(kind, dtype=torch.bfloat16)
        return half if is_half else nullcontext()

    @contextmanager
    def recomputing(self) -> Iterator[None]:
        """In here layers keep what goes between them, and compute the rest a second time, if that is asked for.

        They do so only in training; so the layers themselves are said to be trained, but nothing that is in them, where
        dropout is.
        """
        layers = [part for part in self.policy.modules() if isinstance(part, GradientCheckpointingLayer)]
        for layer in layers:
            layer.training = bool(self.options.recompute)
        try:
            yield
        finally:
            for layer in layers:
                layer.training = False

    @contextmanager
    def reference_model(self) -> Iterator[Any]:
        """The reference; where none is kept, the policy without its adapter."""
        if self.reference is not None:
            yield self.reference
        else:
            with self.policy.disable_adapter():
                yield self.policy


class Seen(NamedTuple):
    """What a model says of answers, token by token."""

    logp: Tensor
    entropy: Tensor
    values: Tensor


def look(run: Run, model: Any, tokens: Tensor, attention: Tensor, length: int, head: Any = None) -> Seen:
    """Log-probabilities of the last `length` tokens, the entropy before each, and with a head the value there.

    Prompts are padded on the left, so positions count from the first real token; they must be those of sampling.
    """
    positions = (attention.cumsum(dim=1) - 1).clamp(min=0)
    named: dict[str, Any] = {"use_cache": False, "output_hidden_states": head is not None}
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        named["logits_to_keep"] = length + 1  # Logits of the prompt would be the largest tensor, for nothing.
    with run.precision():
        seen = model(input_ids=tokens, attention_mask=attention, position_ids=positions, **named)
    # What stands before a token foretells it. At the temperature of sampling, or ratio and KL are of another policy.
    logits = seen.logits[:, -length - 1 : -1].float() / run.options.temperature
    logp = logits.log_softmax(dim=-1).gather(-1, tokens[:, -length:, None]).squeeze(-1)
    spread = entropy(logits.detach())
    if head is None:
        return Seen(logp, spread, torch.zeros_like(logp))
    return Seen(logp, spread, head(seen.hidden_states[-1][:, -length - 1 : -1].float()).squeeze(-1))
