"""What the five published guides say, said by barograph: their examples, their stop conditions, their warning signs.

Every sign has a log that shows it and a twin that does not.
"""

from __future__ import annotations

import itertools
import json
import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import barograph
from barograph.core.finding import Action, Diagnosis, Severity, Verdict
from barograph.engine.settings import Settings

Level = float | Callable[[int], float]
GUIDE = Settings().with_profile("guide")

KTO_KEYS = ("step", "loss", "rewards/chosen", "rewards/rejected", "rewards/margins")
KTO_HEALTHY = (
    (5, 0.650, -0.045, 0.033, -0.078),
    (10, 0.620, 0.012, -0.015, 0.027),
    (25, 0.580, 0.089, -0.112, 0.201),
    (50, 0.520, 0.234, -0.189, 0.423),
    (100, 0.450, 0.512, -0.298, 0.810),
    (145, 0.420, 0.678, -0.445, 1.123),
)
KTO_PROBLEMATIC = (
    (5, 0.650, -0.045, 0.033, -0.078),
    (10, 0.720, -0.112, 0.089, -0.201),
    (25, 0.850, -0.234, 0.198, -0.432),
)
DPO_KEYS = ("step", "loss", "rewards/margins", "rewards/chosen", "rewards/rejected", "rewards/accuracies")
DPO_HEALTHY = (
    (5, 0.6821, 0.0312, -0.0156, -0.0468, 0.52),
    (10, 0.6543, 0.1247, 0.0891, -0.0356, 0.58),
    (15, 0.5987, 0.3421, 0.2314, -0.1107, 0.72),
    (45, 0.2103, 1.5632, 0.9201, -0.6431, 0.92),
)


# Writing logs as users have them


def jsonl(folder: Path, keys: Sequence[str], rows: Sequence[Sequence[float]]) -> Path:
    path = folder / "training_metrics.jsonl"
    path.write_text("".join(json.dumps(dict(zip(keys, row, strict=True))) + "\n" for row in rows))
    return path


def between(table: Sequence[Sequence[float]], column: int) -> Callable[[int], float]:
    """A column of a guide's table at any step: straight between its rows, level outside."""

    def level(step: int) -> float:
        if step <= table[0][0]:
            return table[0][column]
        for low, high in itertools.pairwise(table):
            if step <= high[0]:
                return low[column] + (high[column] - low[column]) * (step - low[0]) / (high[0] - low[0])
        return table[-1][column]

    return level


def every_step(
    folder: Path, steps: int, usual: dict[str, Level], noise: dict[str, float], changes: dict[str, Level]
) -> Path:
    """A log of every step; a margin that is not given is the difference of the rewards."""
    chance = random.Random(7)
    columns = {**usual, **changes}
    rows = []
    for step in range(1, steps + 1):
        row: dict[str, float] = {"step": step}
        for key, level in columns.items():
            value = level(step) if callable(level) else level
            row[key] = value + (chance.gauss(0, noise.get(key, 0.0)) if key not in changes else 0.0)
        if "rewards/margins" not in row:
            row["rewards/margins"] = row["rewards/chosen"] - row["rewards/rejected"]
        rows.append(row)
    path = folder / "training_metrics.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def kto(folder: Path, settings: Settings | None = None, **changes: Level) -> Diagnosis:
    """The KTO guide's healthy run as a log of all its 145 steps, with some columns changed."""
    usual: dict[str, Level] = {
        "loss": between(KTO_HEALTHY, 1),
        "rewards/chosen": between(KTO_HEALTHY, 2),
        "rewards/rejected": between(KTO_HEALTHY, 3),
        "grad_norm": 10.0,
        "kl": 0.2,
        "learning_rate": lambda step: 5e-7 * min(1.0, step / 15),
    }
    noise = {"loss": 0.006, "rewards/chosen": 0.02, "rewards/rejected": 0.02, "grad_norm": 1.5, "kl": 0.03}
    names = {"chosen": "rewards/chosen", "rejected": "rewards/rejected", "grad": "grad_norm"}
    path = every_step(folder, 145, usual, noise, {names.get(key, key): level for key, level in changes.items()})
    return barograph.check(path, method="kto", settings=settings or Settings())


def dpo(folder: Path, **changes: Level) -> Diagnosis:
    """The DPO guide's run, stretched to 180 steps, with some columns changed."""
    stretched = [(4 * row[0], *row[1:]) for row in DPO_HEALTHY]
    usual: dict[str, Level] = {
        "loss": between(stretched, 1),
        "rewards/chosen": between(stretched, 3),
        "rewards/rejected": between(stretched, 4),
        "rewards/accuracies": between(stretched, 5),
    }
    noise = {"loss": 0.01, "rewards/chosen": 0.02, "rewards/rejected": 0.02, "rewards/accuracies": 0.04}
    names = {"chosen": "rewards/chosen", "rejected": "rewards/rejected", "accuracy": "rewards/accuracies"}
    path = every_step(folder, 180, usual, noise, {names.get(key, key): level for key, level in changes.items()})
    return barograph.check(path, settings=Settings())


def codes(diagnosis: Diagnosis) -> set[str]:
    return {finding.code for finding in diagnosis.findings}


def swaying(level: float, by: float) -> Callable[[int], float]:
    return lambda step: level + by * (-1) ** step


# Guide 000: KTO


def test_000_the_healthy_table_is_healthy(tmp_path: Path) -> None:
    diagnosis = barograph.check(jsonl(tmp_path, KTO_KEYS, KTO_HEALTHY), method="kto")
    assert diagnosis.verdict is Verdict.HEALTHY
    assert all(finding.severity is Severity.INFO for finding in diagnosis.findings)


def test_000_the_problematic_table_is_not(tmp_path: Path) -> None:
    diagnosis = barograph.check(jsonl(tmp_path, KTO_KEYS, KTO_PROBLEMATIC), method="kto")
    assert diagnosis.verdict is Verdict.UNHEALTHY
    assert {"PREF03", "LOSS02"} <= codes(diagnosis)
    advice = " ".join(line for finding in diagnosis.findings for line in finding.advice)
    for deed in ("Stop the run", "Go back to the last checkpoint", "Halve the learning rate"):
        assert deed in advice
    assert diagnosis.findings[0].code == "PREF03"
    assert diagnosis.findings[0].action is Action.STOP


def test_000_trouble_is_reverted_to_before_it_began(tmp_path: Path) -> None:
    diagnosis = barograph.check(jsonl(tmp_path, KTO_KEYS, KTO_PROBLEMATIC), method="kto")
    inverted = next(finding for finding in diagnosis.findings if finding.code == "PREF03")
    # The margin is below zero from the first row on, and this is known at step 25: a checkpoint of step 20 is no help.
    assert any("before step 10" in line or "before step 5" in line for line in inverted.advice)


def test_000_the_stage_table(tmp_path: Path) -> None:
    stages = barograph.check(jsonl(tmp_path, KTO_KEYS, KTO_HEALTHY), method="kto").stages
    assert [(row.stage, row.first_step, row.last_step) for row in stages] == [
        ("start", 1, 10), ("early", 11, 50), ("mid", 51, 100), ("late", 101, 145),
    ]  # fmt: skip
    # Steps 5 and 10, 25 and 50, 100, 145: medians of two are their means.
    measured = {
        "loss": (0.635, 0.55, 0.450, 0.420),
        "reward_margin": (-0.0255, 0.312, 0.810, 1.123),
        "reward_chosen": (-0.0165, 0.1615, 0.512, 0.678),
        "reward_rejected": (0.009, -0.1505, -0.298, -0.445),
    }
    ranges = {
        "loss": ((0.6, 0.7), (0.5, 0.6), (0.4, 0.5), (0.3, 0.5)),
        "reward_margin": ((-0.1, 0.1), (0.1, 0.5), (0.5, 1.0), (1.0, 2.0)),
        "reward_chosen": ((-0.5, 0.5), (0.0, 0.5), (0.3, 0.8), (0.5, 1.0)),
        "reward_rejected": ((-0.5, 0.5), (-0.5, 0.0), (-0.5, -0.2), (-0.8, -0.3)),
    }
    for name, values in measured.items():
        assert [row.cells[name].value for row in stages] == pytest.approx(list(values))
        assert tuple((row.cells[name].low, row.cells[name].high) for row in stages) == ranges[name]
        assert all(row.cells[name].within for row in stages)


def after(step: int, then: Level, before: Level) -> Callable[[int], float]:
    """One level up to a step, another from there on."""

    def level(now: int) -> float:
        chosen = then if now >= step else before
        return chosen(now) if callable(chosen) else chosen

    return level


CHOSEN, REJECTED, LOSS = (between(KTO_HEALTHY, column) for column in (2, 3, 1))


def climbing(steps: int) -> Callable[[int], float]:
    """A loss that grows by a little for so many steps in a row, and falls otherwise."""

    def level(step: int) -> float:
        risen = 0.004 * min(max(step - 60, 0), steps)
        return LOSS(60) + risen if 60 < step <= 60 + steps else LOSS(step) + 0.004 * (-1) ** step

    return level


#: Sign, the code that tells it, a log that shows it, a twin that does not.
KTO_SIGNS: dict[str, tuple[str, dict[str, Level], dict[str, Level]]] = {
    "stop 1: margin negative after the warm-up": (
        "PREF03",
        {"chosen": after(40, -0.2, CHOSEN), "rejected": after(40, 0.15, REJECTED)},
        {"chosen": after(12, CHOSEN, -0.1), "rejected": after(12, REJECTED, 0.1)},
    ),
    "stop 2: loss increases for more than 10 steps": ("LOSS02", {"loss": climbing(13)}, {"loss": climbing(6)}),
    "stop 3: gradient above 100 persistently": (
        "GRAD02",
        {"grad": after(80, swaying(120, 8), 10.0)},
        {"grad": after(80, lambda s: 120.0 if s == 90 else 10.0, 10.0)},
    ),
    "stop 4: loss is NaN": ("NUM01", {"loss": after(70, math.nan, LOSS)}, {}),
    "stop 4: loss is infinite": ("NUM01", {"loss": after(70, math.inf, LOSS)}, {}),
    "stop 4: gradient is NaN": ("NUM02", {"grad": after(70, math.nan, 10.0)}, {}),
    "reduce 1: loss not decreasing after 50 steps": ("LOSS06", {"loss": swaying(0.65, 0.003)}, {}),
    "reduce 2: gradient 50 to 100 frequently": (
        "GRAD03",
        {"grad": swaying(50, 25)},
        {"grad": lambda s: 75.0 if s % 5 == 0 else 20.0},
    ),
    "reduce 3: unstable metrics": (
        "LOSS07",
        {"loss": swaying(0.55, 0.25)},
        {"loss": lambda s: LOSS(s) + 0.02 * (-1) ** s},
    ),
    "loss below 0.1 in the first 10 steps": (
        "LOSS03",
        {"loss": lambda s: max(0.05, 0.65 - 0.08 * s)},
        {"loss": lambda s: max(0.3, 0.65 - 0.08 * s)},
    ),
    "chosen stays below -1": (
        "LIK01",
        {"chosen": lambda s: -2.2 * min(1, s / 60), "rejected": lambda s: -3.2 * min(1, s / 60)},
        {"chosen": lambda s: -0.05 * min(1, s / 60), "rejected": lambda s: -1.0 * min(1, s / 60)},
    ),
    "rewards near zero and not moving": (
        "LIK04",
        {"chosen": swaying(0.005, 0.004), "rejected": swaying(-0.005, 0.003)},
        {},
    ),
    "margin stuck at zero": ("PREF04", {"chosen": swaying(0.4, 0.01), "rejected": swaying(0.39, 0.02)}, {}),
    "rejected above chosen": (
        "PREF03",
        {"chosen": swaying(0.1, 0.02), "rejected": swaying(0.4, 0.02)},
        {"chosen": swaying(0.4, 0.02), "rejected": swaying(0.1, 0.02)},
    ),
    "margin above 5": (
        "PREF06",
        {"chosen": after(100, 2.5, CHOSEN), "rejected": after(100, -3.2, REJECTED)},
        {"chosen": after(100, 1.5, CHOSEN), "rejected": after(100, -2.5, REJECTED)},
    ),
    "gradient above 1000": (
        "GRAD01",
        {"grad": after(140, 1500.0, swaying(10, 1))},
        {"grad": after(140, 400.0, swaying(10, 1))},
    ),
    "gradient below 0.01": ("GRAD05", {"grad": swaying(0.004, 0.001)}, {"grad": swaying(1.0, 0.1)}),
}


@pytest.mark.parametrize("sign", KTO_SIGNS)
def test_000_signs(sign: str, tmp_path: Path) -> None:
    code, shows_it, does_not = KTO_SIGNS[sign]
    faulty = kto(tmp_path, **shows_it)
    assert code in codes(faulty)
    assert faulty.verdict in {Verdict.UNHEALTHY, Verdict.WATCH} or sign.startswith("reduce 3")
    assert code not in codes(kto(tmp_path, **does_not))


@pytest.mark.parametrize("sign", [sign for sign in KTO_SIGNS if sign.startswith("stop")])
def test_000_stop_conditions_advise_to_stop_and_go_back(sign: str, tmp_path: Path) -> None:
    code, shows_it, _ = KTO_SIGNS[sign]
    finding = next(finding for finding in kto(tmp_path, **shows_it).findings if finding.code == code)
    assert finding.action is Action.STOP
    assert any("Go back to the last checkpoint" in line for line in finding.advice)


@pytest.mark.parametrize("sign", [sign for sign in KTO_SIGNS if sign.startswith("reduce")])
def test_000_reduce_conditions_advise_half_the_rate(sign: str, tmp_path: Path) -> None:
    code, shows_it, _ = KTO_SIGNS[sign]
    finding = next(finding for finding in kto(tmp_path, **shows_it).findings if finding.code == code)
    assert "Halve the learning rate (5e-07 to 2.5e-07)" in finding.advice


def test_000_the_whole_run_is_healthy_step_by_step(tmp_path: Path) -> None:
    assert kto(tmp_path).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    ("kl", "settings", "fires"), [(1.6, GUIDE, True), (1.6, Settings(), False), (0.4, GUIDE, False)]
)
def test_000_kl_above_one_is_high_for_the_guide(kl: float, settings: Settings, fires: bool, tmp_path: Path) -> None:
    assert ("KTO01" in codes(kto(tmp_path, settings, kl=swaying(kl, 0.1)))) is fires


# Guide 001: DPO


def test_001_the_example_is_healthy(tmp_path: Path) -> None:
    diagnosis = barograph.check(jsonl(tmp_path, DPO_KEYS, DPO_HEALTHY))
    assert diagnosis.method == "dpo"
    assert diagnosis.verdict is Verdict.HEALTHY


def rising(to: float) -> Callable[[int], float]:
    return lambda step: to * min(1.0, step / 150)


DPO_LOSS = between([(4 * row[0], *row[1:]) for row in DPO_HEALTHY], 1)

DPO_SIGNS: dict[str, tuple[str, dict[str, Level]]] = {
    "loss stays near 0.69": ("LOSS01", {"loss": swaying(0.692, 0.003)}),
    "loss drops, then spikes": (
        "LOSS05",
        {"loss": lambda s: 2.0 if s in {120, 150} else DPO_LOSS(s) + 0.01 * (-1) ** s},
    ),
    "loss goes quickly to zero": ("LOSS04", {"loss": lambda s: max(0.001, 0.69 * math.exp(-s / 6))}),
    "margin negative": ("PREF03", {"chosen": rising(-0.6), "rejected": rising(0.4)}),
    "margin oscillates near zero": ("PREF04", {"chosen": swaying(0.1, 0.03), "rejected": swaying(0.1, -0.03)}),
    "accuracy near 0.5": ("ACC01", {"accuracy": swaying(0.5, 0.04)}),
    "high accuracy with a tiny margin": (
        "PREF07",
        {"accuracy": swaying(0.92, 0.02), "chosen": swaying(0.02, 0.004), "rejected": swaying(-0.02, 0.004)},
    ),
    "both rewards rise": ("LIK02", {"chosen": rising(1.5), "rejected": rising(0.9)}),
    "both rewards fall": ("LIK01", {"chosen": rising(-1.0), "rejected": rising(-2.5)}),
    "chosen stays flat": ("LIK03", {"chosen": swaying(0.0, 0.01), "rejected": rising(-1.5)}),
    "chosen falls": ("LIK01", {"chosen": rising(-2.5), "rejected": rising(-4.0)}),
}


@pytest.mark.parametrize("sign", DPO_SIGNS)
def test_001_signs(sign: str, tmp_path: Path) -> None:
    code, shows_it = DPO_SIGNS[sign]
    assert code in codes(dpo(tmp_path, **shows_it))
    assert code not in codes(dpo(tmp_path))


def test_001_the_whole_run_is_healthy_step_by_step(tmp_path: Path) -> None:
    assert dpo(tmp_path).verdict is Verdict.HEALTHY


# Guide 002: PPO


def ppo(folder: Path, kl: Level, scatter: float) -> Diagnosis:
    path = every_step(
        folder,
        120,
        {"objective/kl": kl, "objective/scores": rising(1.5), "objective/entropy": 60.0, "rewards/margins": 0.0},
        {"objective/kl": scatter, "objective/scores": 0.1, "objective/entropy": 2.0},
        {},
    )
    return barograph.check(path, method="ppo", settings=Settings())


@pytest.mark.parametrize(
    ("kl", "scatter", "told"),
    [
        (rising(6.0), 0.5, set()),  # within [0, 10]
        (rising(18.0), 0.5, {"KL01"}),  # above
        (rising(-4.0), 0.5, {"KL03"}),  # the reward is collected from a negative KL
        (0.0, 0.6, set()),  # noise of the estimate around zero
        (0.05, 1.2, set()),
    ],
    ids=["within", "above 10", "negative", "noise", "more noise"],
)
def test_002_kl_between_0_and_10(kl: Level, scatter: float, told: set[str], tmp_path: Path) -> None:
    assert codes(ppo(tmp_path, kl, scatter)) & {"KL01", "KL02", "KL03"} == told


# Guide 003: one row for each epoch


def per_epoch(folder: Path, header: str, rows: Sequence[Sequence[float]], **options: str) -> Diagnosis:
    path = folder / "training_metrics.csv"
    path.write_text(header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows), encoding="utf-8")
    return barograph.check(path, settings=Settings(), **options)


RLHF = "epoch,loss,reward,kl_divergence,entropy,learning_rate,epoch_time,samples_per_second"


@pytest.mark.parametrize(("best", "fires"), [(4, True), (9, False)])
def test_003_reward_not_growing_for_five_epochs(best: int, fires: bool, tmp_path: Path) -> None:
    rows = [
        (
            epoch,
            2.5 - 0.1 * epoch,
            0.5 + 0.04 * min(epoch, best) - 0.01 * max(0, epoch - best),
            0.012,
            2.5,
            1e-5,
            332.5,
            4.82,
        )
        for epoch in range(1, 11)
    ]
    plateau = [finding for finding in per_epoch(tmp_path, RLHF, rows).findings if finding.code == "RWD05"]
    assert bool(plateau) is fires
    if fires:
        assert plateau[0].step == best + 5


@pytest.mark.parametrize(("fall", "fires"), [(0.0, True), (0.1, False)])
def test_003_loss_not_falling(fall: float, fires: bool, tmp_path: Path) -> None:
    rows = [(epoch, 2.5 - fall * epoch + 0.005 * (-1) ** epoch, 1e-5) for epoch in range(1, 13)]
    assert ("LOSS06" in codes(per_epoch(tmp_path, "epoch,loss,learning_rate", rows))) is fires


# Guide 004: reward model and step classifier

HISTORY = ("step", "train_loss", "eval_loss", "eval_accuracy", "eval_f1", "eval_precision", "eval_recall")


def history(folder: Path, steps: Sequence[int], settings: Settings | None = None, **columns: Level) -> Diagnosis:
    """The `metrics_history.json` of a run that converges as in the guide, with some columns changed."""
    end = steps[-1]

    def towards(begin: float, final: float) -> Callable[[int], float]:
        return lambda step: begin + (final - begin) * (1 - math.exp(-4 * step / end))

    usual: dict[str, Level] = {
        "train_loss": towards(0.66, 0.36),
        "eval_loss": towards(0.66, 0.38),
        "eval_accuracy": towards(0.60, 0.87),
        "eval_f1": towards(0.59, 0.86),
        "eval_precision": towards(0.60, 0.87),
        "eval_recall": towards(0.58, 0.85),
    }
    entries = [
        {
            "step": step,
            "epoch": 2 * step / end,
            "timestamp": "2025-11-15T10:30:45.123456",
            "learning_rate": 2e-5,
            **{key: level(step) if callable(level) else level for key, level in {**usual, **columns}.items()},
        }
        for step in steps
    ]
    path = folder / "metrics_history.json"
    path.write_text(json.dumps(entries, indent=2))
    return barograph.check(path, method="classifier", settings=settings or Settings())


def test_004_good_convergence_is_healthy(tmp_path: Path) -> None:
    good = [(50, 0.6234, 0.6523, 0.6401), (100, 0.5512, 0.7234, 0.7156), (150, 0.4891, 0.7656, 0.7589),
            (200, 0.4401, 0.7987, 0.7912), (250, 0.4123, 0.8234, 0.8156)]  # fmt: skip
    keys = ("step", "train_loss", "eval_accuracy", "eval_f1")
    path = tmp_path / "metrics_history.json"
    path.write_text(json.dumps([dict(zip(keys, row, strict=True)) for row in good]))
    diagnosis = barograph.check(path)
    assert diagnosis.method == "classifier"
    assert diagnosis.verdict is Verdict.HEALTHY


def line(begin: float, end: float, since: int, until: int) -> Callable[[int], float]:
    return lambda step: begin + (end - begin) * min(max((step - since) / (until - since), 0), 1)


SHORT = range(25, 501, 25)
LONG = range(100, 2001, 100)

CLASSIFIER_SIGNS: dict[str, tuple[set[str], range, dict[str, Level]]] = {
    "overfitting: 0.2134 against 0.4567 at step 500": (
        {"FIT01", "FIT02", "FIT03"},
        SHORT,
        {
            "train_loss": line(0.66, 0.2134, 0, 450),
            "eval_loss": lambda s: max(0.68 - 0.0016 * s, 0.33) + 0.00084 * max(0, s - 350),
        },
    ),
    "underfitting: 0.5234 and 0.5189 at step 2000": (
        {"FIT05"},
        LONG,
        {"train_loss": line(0.66, 0.5234, 0, 1000), "eval_loss": line(0.66, 0.5189, 0, 1000)},
    ),
    "precision 0.95, recall 0.45": ({"CLS03"}, SHORT, {"eval_precision": 0.95, "eval_recall": 0.45}),
    "many false positives": ({"CLS04"}, SHORT, {"eval_precision": 0.5, "eval_recall": 0.95}),
    "many false negatives": ({"CLS03"}, SHORT, {"eval_precision": 0.9, "eval_recall": 0.5}),
    "accuracy stuck below 0.70": ({"CLS05"}, SHORT, {"eval_accuracy": swaying(0.66, 0.01)}),
    "training loss fluctuates wildly": (
        {"LOSS07"},
        range(10, 501, 10),
        {"train_loss": lambda s: 0.6 + 0.35 * (-1) ** (s // 10)},
    ),
}


@pytest.mark.parametrize("sign", CLASSIFIER_SIGNS)
def test_004_signs(sign: str, tmp_path: Path) -> None:
    expected, steps, columns = CLASSIFIER_SIGNS[sign]
    assert expected & codes(history(tmp_path, steps, **columns))
    assert not expected & codes(history(tmp_path, steps))


def test_004_overfitting_is_told_as_such(tmp_path: Path) -> None:
    _, steps, columns = CLASSIFIER_SIGNS["overfitting: 0.2134 against 0.4567 at step 500"]
    diagnosis = history(tmp_path, steps, **columns)
    assert diagnosis.causes[0].name == "over-training on the pairs"


@pytest.mark.parametrize(("accuracy", "f1", "fires"), [(0.82, 0.80, True), (0.87, 0.81, True), (0.87, 0.85, False)])
def test_004_targets_of_the_guide(accuracy: float, f1: float, fires: bool, tmp_path: Path) -> None:
    reached = {"eval_accuracy": line(0.6, accuracy, 0, 300), "eval_f1": line(0.6, f1, 0, 300)}
    assert ("CLS06" in codes(history(tmp_path, SHORT, GUIDE, **reached))) is fires
    assert "CLS06" not in codes(history(tmp_path, SHORT, **reached))
