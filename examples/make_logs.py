"""Writes the two example logs beside this file: a KTO run as it should be, and one at far too high a rate.

They have the keys and the shape of real logs of TRL's KTO trainer; the numbers are drawn, not trained.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

STEPS = 145
HERE = Path(__file__).parent


def row(rng: random.Random, step: int, rate: float, chosen: float, rejected: float, unrest: float) -> dict[str, float]:
    """One logged step: noise on the rewards, and a loss that follows from the margin."""
    chosen += rng.gauss(0, 0.02 * unrest)
    rejected += rng.gauss(0, 0.02 * unrest)
    margin = chosen - rejected
    loss = 0.5 - 0.11 * margin if margin > -1 else 0.5 - 0.25 * margin
    return {
        "step": step,
        "epoch": round(step / STEPS, 4),
        "loss": round(loss + rng.gauss(0, 0.006 * unrest), 4),
        "grad_norm": round(abs(rng.gauss(8 * unrest**1.5, 1.5 * unrest)), 3),
        "learning_rate": rate * min(1.0, step / 14),
        "rewards/chosen": round(chosen, 4),
        "rewards/rejected": round(rejected, 4),
        "rewards/margins": round(margin, 4),
        "logps/chosen": round(-142 + 10 * chosen + rng.gauss(0, 4), 2),
        "logps/rejected": round(-150 + 10 * rejected + rng.gauss(0, 4), 2),
        "kl": round(max(0.0, rng.gauss(0.1 + 0.3 * abs(chosen), 0.05)), 4),
    }


def healthy(rng: random.Random) -> list[dict[str, float]]:
    """The margin grows steadily from both sides."""
    return [row(rng, s, 5e-7, 0.68 * (s / STEPS), -0.45 * (s / STEPS), 1.0) for s in range(1, STEPS + 1)]


def sick(rng: random.Random) -> list[dict[str, float]]:
    """A rate a hundred times too high: after a short good start the run runs away, chosen answers first."""
    rows = []
    for s in range(1, STEPS + 1):
        gone = max(0.0, (s - 40) / 20)
        chosen = 0.3 * min(1.0, s / 30) - 0.9 * gone**1.3
        rejected = -0.2 * min(1.0, s / 30) - 0.35 * gone
        rows.append(row(rng, s, 5e-5, chosen, rejected, 1.0 + min(4.0, gone)))
    return rows


if __name__ == "__main__":
    for name, rows in (("kto-healthy", healthy(random.Random(7))), ("kto-sick", sick(random.Random(7)))):
        (HERE / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in rows))
