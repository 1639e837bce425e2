"""The healthy ranges, against the guides they come from."""

from __future__ import annotations

import math

import pytest

from barograph.core.bands import BANDS, STAGES, Band, Stage, band_at, bands_for, stage_at
from barograph.core.methods import ALL, Method
from barograph.core.names import catalogue, split_of

KTO, DPO, PPO = Method.KTO, Method.DPO, Method.PPO

# The stage table of the KTO guide, row by row: last step of 145, then loss, margin, chosen, rejected.
STAGE_TABLE = [
    (10, (0.6, 0.7), (-0.1, 0.1), (-0.5, 0.5), (-0.5, 0.5)),
    (50, (0.5, 0.6), (0.1, 0.5), (0.0, 0.5), (-0.5, 0.0)),
    (100, (0.4, 0.5), (0.5, 1.0), (0.3, 0.8), (-0.5, -0.2)),
    (145, (0.3, 0.5), (1.0, 2.0), (0.5, 1.0), (-0.8, -0.3)),
]


@pytest.mark.parametrize("row", STAGE_TABLE)
def test_kto_follows_the_stage_table_of_its_guide(row: tuple[int, tuple[float, float]]) -> None:
    last_step, *ranges = row
    for metric, limits in zip(("loss", "reward_margin", "reward_chosen", "reward_rejected"), ranges, strict=True):
        band = band_at(metric, KTO, last_step / 145)
        assert band is not None
        assert (band.low, band.high) == limits
        assert band.tag == "D"
        assert band.source.startswith("KTO guide")


@pytest.mark.parametrize(
    ("step", "stage"),
    [
        (1, Stage.START),
        (10, Stage.START),
        (11, Stage.EARLY),
        (50, Stage.EARLY),
        (51, Stage.MID),
        (100, Stage.MID),
        (101, Stage.LATE),
        (145, Stage.LATE),
        (160, Stage.LATE),  # a run that goes on past its plan
    ],
)
def test_stages_end_where_the_guide_says(step: int, stage: Stage) -> None:
    assert stage_at(step / 145) is stage


def test_the_healthy_example_of_the_kto_guide_keeps_to_the_wider_ranges() -> None:
    """Its six rows lie within some band of their stage or of any stage, apart from rounding at the seams."""
    rows = [(5, 0.650, -0.045), (10, 0.620, 0.012), (25, 0.580, 0.089), (50, 0.520, 0.234), (145, 0.420, 1.123)]
    for step, loss, chosen in rows:
        stage = stage_at(step / 145)
        for metric, value in (("loss", loss), ("reward_chosen", chosen)):
            fitting = [band for band in bands_for(metric, KTO) if band.stage in {stage, Stage.ANY}]
            assert any(band.holds(value) for band in fitting), (step, metric)


@pytest.mark.parametrize(
    ("metric", "method", "share", "low", "high"),
    [
        ("grad_norm", KTO, 0.5, 1.0, 50.0),
        ("kto_z0", KTO, 0.9, 0.01, 0.5),
        ("kl_ref_sequence", PPO, 0.1, 0.0, 10.0),
        ("reward_accuracy", DPO, 1.0, 0.8, 0.95),
        ("eval.reward_accuracy", DPO, 1.0, 0.68, 0.80),
        ("eval.cls_accuracy", Method.CLASSIFIER, 1.0, 0.85, 1.0),
        ("eval.cls_f1", Method.PRM, 1.0, 0.83, 1.0),
        ("truncated_frac", Method.GRPO, 0.3, 0.0, 0.05),
        ("eval.reward_margin", KTO, 0.05, -0.1, 0.1),  # held-out series fall back on their metric
    ],
)
def test_published_numbers(metric: str, method: Method, share: float, low: float, high: float) -> None:
    band = band_at(metric, method, share)
    assert band is not None
    assert (band.low, band.high) == (low, high)


def test_the_two_kl_never_share_a_range() -> None:
    assert band_at("kl_ref", PPO, 0.5) != band_at("kl_ref_sequence", PPO, 0.5)
    assert band_at("kl_ref_sequence", Method.GRPO, 0.5) is None
    assert band_at("kto_z0", Method.GRPO, 0.5) is None


def test_rewards_of_methods_without_a_reference_have_no_range_by_sign() -> None:
    for method in (Method.ORPO, Method.CPO):
        assert bands_for("reward_chosen", method) == []
        assert bands_for("loss", method) == []


def test_the_first_row_of_dpo_is_healthy() -> None:
    first = {"loss": math.log(2), "reward_margin": 0.0, "reward_accuracy": 0.0, "reward_chosen": 0.0}
    for metric, value in first.items():
        band = band_at(metric, DPO, 0.0)
        assert band is not None
        assert band.holds(value), metric


def test_unknown_metrics_and_methods_have_no_band() -> None:
    assert bands_for("no_such_metric", DPO) == []
    assert band_at("no_such_metric", DPO, 0.5) is None
    assert band_at("kto_z0", Method.UNKNOWN, 0.5) is None


def test_nan_is_never_within() -> None:
    assert not BANDS[0].holds(math.nan)


@pytest.mark.parametrize("band", BANDS, ids=lambda band: f"{band.metric}-{band.stage}-{band.source[:20]}")
def test_every_band_is_well_formed(band: Band) -> None:
    _, name = split_of(band.metric)
    assert name in catalogue()
    assert band.low < band.high
    assert band.methods
    assert band.methods <= ALL
    assert band.tag in set("PDSIMG")
    assert band.source


def test_shares_rise_to_the_whole_run() -> None:
    shares = [share for _, share in STAGES]
    assert shares == sorted(shares)
    assert shares == [0.07, 0.35, 0.69, 1.0]
