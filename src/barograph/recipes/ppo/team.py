"""Several processes that train one policy together, as torchrun or `accelerate launch` starts them.

Each answers prompts of its own; here is put together what they have seen and learned, so that all of them hold the same
weights after every update. A process that is alone is a team of one, in which each sum is the number itself.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed
from accelerate import PartialState
from torch import Tensor

from barograph.core.errors import BarographError
from barograph.recipes.course import leave_group_at_exit

__all__ = ["AllEnd", "Team"]


class AllEnd(BarographError):
    """An error that every process of a team raises at the same place."""


@dataclass(frozen=True, slots=True)
class Team:
    """This process among those that train together. Unless it says otherwise, all have to call a method, or none."""

    rank: int = 0
    size: int = 1
    device: Any = "cpu"

    @classmethod
    def joined(cls) -> Team:
        """The team that the launcher has started; it meets over NCCL on graphics cards, and over gloo elsewhere."""
        state = PartialState(cpu=not torch.cuda.is_available())
        if state.num_processes > 1:
            leave_group_at_exit()
        return cls(state.process_index, state.num_processes, state.device)

    @property
    def is_first(self) -> bool:
        """Whether this process logs, writes and tells. Asks nobody."""
        return self.rank == 0

    def seed(self, seed: int, step: int) -> int:
        """A seed for the dice of this process from a step on; the run's own where all begins. Asks nobody."""
        return (seed + 1_000_003 * self.rank + 15_485_863 * step) % 2**32  # Primes, so that hardly two are the same.

    def sum(self, values: Tensor) -> Tensor:
        """The sum of the values of all processes."""
        if self.size == 1:
            return values
        total = values.detach().clone()
        torch.distributed.all_reduce(total)
        return total

    def mean_of(self, values: Tensor, mask: Tensor) -> Tensor:
        """The mean over what the masks of all processes hold: `objective.mean_of` of the whole."""
        return self.sum(values.masked_fill(~mask, 0.0).sum()) / self.sum(mask.sum())

    def sum_of(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """The same of numbers by their names."""
        if self.size == 1:
            return dict(numbers)
        total = self.sum(torch.tensor(list(numbers.values()), dtype=torch.float64, device=self.device))
        return dict(zip(numbers, total.tolist(), strict=True))

    def sum_gradients(self, weights: Iterable[Any]) -> None:
        """Each gradient becomes its sum over all processes; one that a process lacks is zero there."""
        if self.size == 1:
            return
        for weight in weights:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            torch.distributed.all_reduce(weight.grad)

    def begin_alike(self, weights: Iterable[Any]) -> None:
        """Every process takes the weights of the first: new adapters are drawn by dice, and dice differ."""
        if self.size > 1:
            for weight in weights:
                torch.distributed.broadcast(weight.data, src=0)

    def gather(self, thing: Any) -> list[Any]:
        """What each process has given, in the order of their numbers."""
        things = [thing] * self.size
        if self.size > 1:
            torch.distributed.all_gather_object(things, thing)
        return things

    @contextmanager
    def together(self) -> Iterator[None]:
        """What goes wrong in here on one process ends all, so that none waits for one that is gone.

        Nobody leaves before everybody is done. There may be no other meeting of the team within.
        """
        if self.size == 1:
            yield
            return
        error: Exception | None = None
        try:
            yield
        except Exception as caught:  # noqa: BLE001 - whatever it is, the others wait
            error = caught
            if not isinstance(error, BarographError):  # What no user is meant to see is told whole, where it happened.
                traceback.print_exception(error)
        for rank, said in enumerate(self.gather(_said(error))):
            if said:
                raise AllEnd(f"process {rank}: {said}") from error

    def leave_telling_to_the_first(self) -> None:
        """All are about to end for one reason: once the first has made its record, the others go quietly."""
        self.gather(None)
        if not self.is_first:
            raise SystemExit(1)


def _said(error: Exception | None) -> str:
    """An error in one sentence."""
    if error is None:
        return ""
    return str(error) if isinstance(error, BarographError) else f"{type(error).__name__}: {error}"
