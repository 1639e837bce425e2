"""The terms of PPO's objective, as pure functions of tensors: advantages, KL, the clipped losses.

Shapes are (answers, tokens); a mask is true for the tokens of the answer, its end token included. The details that
decide whether PPO learns are told where they are. What is taken over a whole batch can be given another mean: that of
a team, of which each process holds a part. Papers: Ziegler et al. 2019 (arXiv:1909.08593), and "The N+ implementation
details of RLHF with PPO" (arXiv:2403.17031).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

__all__ = [
    "AdaptiveKL",
    "Mean",
    "PolicyLoss",
    "ValueLoss",
    "entropy",
    "explained_variance",
    "gae",
    "kl_of",
    "mean_of",
    "policy_loss",
    "rate_share",
    "token_rewards",
    "value_loss",
    "whiten",
]


#: The mean over what a mask holds.
Mean: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def mean_of(values: Tensor, mask: Tensor) -> Tensor:
    """The mean over what the mask holds. What lies outside is never touched, be it NaN or infinite."""
    return values.masked_fill(~mask, 0.0).sum() / mask.sum()


def whiten(values: Tensor, mask: Tensor, shift_mean: bool = True, mean: Mean = mean_of) -> Tensor:
    """To a variance of one, and a mean of zero unless `shift_mean` is off; zero outside the mask.

    The variance is the biased one, as in the first implementation; so a single value is no special case.

    >>> whiten(torch.tensor([[1.0, 3.0, 99.0]]), torch.tensor([[True, True, False]])).tolist()
    [[-1.0, 1.0, 0.0]]
    """
    middle = mean(values, mask)
    scaled = (values - middle) * torch.rsqrt(mean((values - middle) ** 2, mask) + 1e-8)
    return (scaled if shift_mean else scaled + middle).masked_fill(~mask, 0.0)


def kl_of(logp: Tensor, reference_logp: Tensor, estimator: str = "k1") -> Tensor:
    """The KL to the reference at each token, estimated from the one token that was sampled there.

    `k1` is the plain log-ratio: right on average, and below zero for some tokens. `k3` never is, and varies less.
    Both are right only for tokens that were sampled from the policy as it is: see `sampling_warning`.

    >>> policy, reference = torch.tensor([0.5, 0.25]).log(), torch.tensor([0.25, 0.5]).log()
    >>> kl_of(policy, reference).tolist(), kl_of(policy, reference, "k3").tolist()
    ([0.693, -0.693], [0.193, 0.307])
    """
    if estimator == "k1":
        return logp - reference_logp
    gap = reference_logp - logp
    return torch.expm1(gap) - gap


def token_rewards(scores: Tensor, kl: Tensor, mask: Tensor, beta: float) -> Tensor:
    """The KL penalty at every token, and the score of the answer at its last one.

    >>> token_rewards(torch.tensor([1.0]), torch.tensor([[0.5, 1.0, 9.0]]), torch.tensor([[True, True, False]]), 0.1)
    tensor([[-0.0500,  0.9000,  0.0000]])
    """
    rewards = (-beta * kl).masked_fill(~mask, 0.0)
    last = mask.sum(dim=1, keepdim=True) - 1
    return rewards.scatter_add(1, last, scores[:, None].to(rewards.dtype))


def gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimates, and the returns that the values are fitted to. Nothing comes after an answer.

    >>> ones = torch.ones(1, 3, dtype=torch.bool)
    >>> advantages, returns = gae(torch.tensor([[0.0, 0.0, 1.0]]), torch.full((1, 3), 0.5), ones, gamma=1.0, lam=1.0)
    >>> advantages.tolist(), returns.tolist()
    ([[0.5, 0.5, 0.5]], [[1.0, 1.0, 1.0]])
    """
    rewards, values = rewards.masked_fill(~mask, 0.0), values.masked_fill(~mask, 0.0)
    advantages = torch.zeros_like(values)
    advantage = next_value = torch.zeros_like(values[:, 0])
    for place in reversed(range(values.shape[1])):
        surprise = rewards[:, place] + gamma * next_value - values[:, place]
        advantage = (surprise + gamma * lam * advantage).masked_fill(~mask[:, place], 0.0)
        advantages[:, place], next_value = advantage, values[:, place]
    return advantages, advantages + values


class PolicyLoss(NamedTuple):
    """The loss, and what is to be seen of the update."""

    loss: Tensor
    clip_fraction: Tensor
    ratio_mean: Tensor
    ratio_variance: Tensor
    approx_kl: Tensor


def policy_loss(logp: Tensor, old_logp: Tensor, advantages: Tensor, mask: Tensor, clip: float) -> PolicyLoss:
    """The clipped surrogate: what a token gains by a ratio beyond `1 ± clip` does not count, what it loses does.

    >>> new, old, one = torch.tensor([[1.5]]).log(), torch.tensor([[1.0]]).log(), torch.ones(1, 1)
    >>> policy_loss(new, old, one, one.bool(), 0.2).loss, policy_loss(new, old, -one, one.bool(), 0.2).loss
    (tensor(-1.2000), tensor(1.5000))
    """
    log_ratio = (logp - old_logp).masked_fill(~mask, 0.0)
    ratio = log_ratio.exp()
    plain, clipped = -advantages * ratio, -advantages * ratio.clamp(1.0 - clip, 1.0 + clip)
    ratio_mean = mean_of(ratio.detach(), mask)
    return PolicyLoss(
        loss=mean_of(torch.maximum(plain, clipped), mask),
        clip_fraction=mean_of((clipped > plain).float(), mask),
        ratio_mean=ratio_mean,
        ratio_variance=mean_of((ratio.detach() - ratio_mean) ** 2, mask),
        approx_kl=0.5 * mean_of(log_ratio.detach() ** 2, mask),
    )


class ValueLoss(NamedTuple):
    """The loss, and the share of tokens at which clipping held the value back."""

    loss: Tensor
    clip_fraction: Tensor


def value_loss(values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, clip: float) -> ValueLoss:
    """Half the squared error, or that of the value moved by `clip` at most, whichever is worse.

    >>> value_loss(torch.tensor([[1.0]]), torch.zeros(1, 1), torch.ones(1, 1), torch.tensor([[True]]), 0.2).loss
    tensor(0.3200)
    """
    near = torch.minimum(torch.maximum(values, old_values - clip), old_values + clip)
    plain, clipped = (values - returns) ** 2, (near - returns) ** 2
    loss = 0.5 * mean_of(torch.maximum(plain, clipped), mask)
    return ValueLoss(loss, mean_of((clipped > plain).float(), mask))


def entropy(logits: Tensor) -> Tensor:
    """The entropy of the distribution over the vocabulary at each token, in nats.

    >>> entropy(torch.zeros(4))
    tensor(1.3863)
    """
    logp = logits.log_softmax(dim=-1)
    return -(logp.exp() * logp).sum(dim=-1)


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor, mean: Mean = mean_of) -> float | None:
    """The share of the variance of the returns that the values foresee; None where the returns do not vary."""
    spread = mean((returns - mean(returns, mask)) ** 2, mask)
    missed = returns - values
    left = mean((missed - mean(missed, mask)) ** 2, mask)
    return float(1.0 - left / spread) if spread > 1e-12 else None


@dataclass(slots=True)
class AdaptiveKL:
    """The weight of the KL penalty. With a target it follows the proportional controller of Ziegler et al., 2.2.

    >>> weight = AdaptiveKL(0.1, target=6.0, horizon=100)
    >>> weight.update(kl=12.0, answers=10)
    >>> round(weight.coefficient, 6)  # The error is held to a fifth, so the weight grows by 0.2 x 10 / 100.
    0.102
    """

    coefficient: float
    target: float = 0.0
    horizon: int = 10_000

    def update(self, kl: float, answers: int) -> None:
        """Take note of the KL of so many answers, measured with the weight as it was."""
        if self.target > 0.0 and math.isfinite(kl):
            error = max(-0.2, min(0.2, kl / self.target - 1.0))
            self.coefficient *= 1.0 + error * answers / self.horizon


def rate_share(schedule: str, step: int, steps: int, warmup: float) -> float:
    """The share of the highest learning rate at a step, counted from 1. Never zero: rollouts are too dear for that.

    >>> [rate_share("linear", step, 6, warmup=0.4) for step in range(1, 7)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    rising = 0 if schedule == "constant" else round(warmup * steps)
    if step <= rising:
        return step / rising
    gone = (step - 1 - rising) / max(1, steps - rising)
    if schedule == "linear":
        return 1.0 - gone
    return 0.5 * (1.0 + math.cos(math.pi * gone)) if schedule == "cosine" else 1.0
