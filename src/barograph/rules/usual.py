"""What is usual for a method: learning rates, for the whole model and for adapters (LoRA), and the weight of the KL.

The tag says how well founded a range is: P published paper, D documentation, S shipped default, G estimate.
"""

from __future__ import annotations

from typing import NamedTuple

from barograph.core.methods import ONLINE, Method

__all__ = ["BETA", "KL_WEIGHT", "RATES", "TINY", "Rates", "Span", "rates_of", "usual_beta"]

#: A model of fewer parameters is a toy: it bears rates that no language model would.
TINY = 20e6


class Span(NamedTuple):
    """From the lowest to the highest value that is usual."""

    low: float
    high: float


class Rates(NamedTuple):
    """What is usual for one method."""

    full: Span
    adapters: Span
    source: str


_ADAPTERS = "adapters bear ten times the rate of the whole model (TRL, LoRA without regret: D)"

RATES: dict[Method, Rates] = {
    Method.DPO: Rates(Span(5e-7, 5e-6), Span(5e-6, 5e-5), "DPO paper and TRL 1e-6, Zephyr and Tulu 5e-7 (P, S)"),
    Method.ONLINE_DPO: Rates(Span(1e-7, 5e-6), Span(1e-6, 5e-5), f"TRL 5e-7 (S); {_ADAPTERS}"),
    Method.KTO: Rates(Span(5e-7, 5e-6), Span(5e-6, 5e-5), f"TRL KTO documentation (D); {_ADAPTERS}"),
    Method.BCO: Rates(Span(5e-7, 5e-6), Span(5e-6, 5e-5), f"TRL paper index 5e-7 (D); {_ADAPTERS}"),
    Method.ORPO: Rates(Span(5e-7, 8e-6), Span(5e-6, 8e-5), f"ORPO paper 8e-6 (P); {_ADAPTERS}"),
    Method.CPO: Rates(Span(3e-7, 8e-6), Span(3e-6, 8e-5), f"SimPO paper 1e-6 (P), CPO in TRL 8e-6 (D); {_ADAPTERS}"),
    Method.REWARD: Rates(Span(5e-6, 2e-5), Span(1e-4, 1e-3), "InstructGPT and OpenRLHF 9e-6 (P, S); TRL (D)"),
    Method.PRM: Rates(Span(5e-6, 2e-5), Span(5e-5, 2e-4), "TRL 1e-5, and ten times that for adapters (S, G)"),
    Method.PPO: Rates(Span(1e-6, 3e-6), Span(5e-6, 3e-5), "OpenRLHF 1e-6, TRL 3e-6; 1e-5 for adapters (S)"),
    Method.GRPO: Rates(Span(3e-7, 3e-6), Span(3e-6, 3e-5), "INTELLECT-2 3e-7, TRL and verl 1e-6; adapters 1e-5 (S)"),
    Method.RLOO: Rates(Span(3e-7, 3e-6), Span(3e-6, 3e-5), f"TRL 1e-6 (S); {_ADAPTERS}"),
    Method.SFT: Rates(Span(5e-6, 5e-5), Span(5e-5, 5e-4), "1e-5 to 2e-5, adapters 1e-4 to 2e-4, with room (S, G)"),
}

#: What toys bear.
_TOYS = Rates(Span(3e-5, 5e-3), Span(3e-4, 2e-2), "Adam's own default 1e-3 (S); three to five times as far (G)")
_ONLINE_TOYS = Rates(Span(1e-5, 2e-3), Span(1e-4, 1e-2), "PPO paper 3e-4 (P); some times as far (G)")

#: What is usual for the weight of the reference in DPO, KTO and their kin; 0.1 where nothing is said (D, S).
BETA = Span(0.01, 0.5)
#: The same online, where there need be none (D, S).
KL_WEIGHT = Span(0.0, 0.2)


def usual_beta(method: Method) -> Span:
    """What is usual for the weight of the reference in a method."""
    return KL_WEIGHT if method in ONLINE else BETA


def rates_of(method: Method, *, is_tiny: bool = False) -> Rates | None:
    """Learning rates that are usual for a method, or for a toy that is trained by it; None where none are known.

    >>> rates_of(Method.DPO).full, rates_of(Method.DPO, is_tiny=True).full
    (Span(low=5e-07, high=5e-06), Span(low=3e-05, high=0.005))
    """
    known = RATES.get(method)
    if known is None or not is_tiny:
        return known
    return _ONLINE_TOYS if method in ONLINE else _TOYS
