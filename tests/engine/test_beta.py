"""Beta is read off the log where rewards and log-probabilities stand side by side, and is a guess of nobody's else."""

from __future__ import annotations

import random

import pytest

from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.engine.beta import beta_in
from barograph.engine.frame import frame_of_run
from barograph.engine.judge import judge


def run(true_beta: float, nats: float, method: Method = Method.DPO, scatter: float = 1.0, **config: object) -> Run:
    """The rejected answer falls by so many nats; the batches differ, and with them what the reference gives."""
    dice = random.Random(7)
    rows = []
    for step in range(1, 61):
        reference = -80 + dice.gauss(0, scatter)
        moved = -nats * step / 60
        rows.append((step, {"logp_rejected": reference + moved, "reward_rejected": true_beta * moved, "loss": 0.5}))
    return run_from_rows(rows, method=method, config=config)


@pytest.mark.parametrize("beta", [0.001, 0.01, 0.1, 0.5, 50.0])
def test_the_ratio_of_the_two_ways_is_beta(beta: float) -> None:
    assert beta_in(run(beta, nats=30)) == pytest.approx(beta, rel=0.1)


def test_where_the_policy_hardly_moves_nothing_is_told() -> None:
    assert beta_in(run(0.1, nats=0.5, scatter=5.0)) is None


def test_without_a_reference_the_ratio_means_nothing() -> None:
    assert beta_in(run(0.1, nats=30, method=Method.ORPO)) is None


def test_what_the_configuration_says_wins() -> None:
    assert frame_of_run(run(0.5, nats=30, beta=0.2)).facts["beta"] == 0.2
    assert frame_of_run(run(0.5, nats=30)).facts["beta"] == pytest.approx(0.5, rel=0.1)


def test_a_beta_that_nobody_knows_is_neither_too_small_nor_too_large() -> None:
    unknown = {entry.code for entry in judge(run(0.001, nats=0.5, scatter=5.0)).not_judged}
    assert {"PREF09", "PREF10"} <= unknown
    assert "PREF09" in {finding.code for finding in judge(run(0.001, nats=30)).findings}
