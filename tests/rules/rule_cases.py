"""One case for each rule: a log with a planted fault, and its quiet twin.

Where the fault must last or be smoothed before it counts, the window in which the finding must begin was worked out
from the fault by hand: an average over n rows needs ln(gap) / ln((n+1)/(n-1)) rows to cross a limit, a tenth of a run
of 300 steps is 30 steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

from rule_logs import (
    Level,
    Log,
    healthy_classifier,
    healthy_dpo,
    healthy_grpo,
    healthy_kto,
    healthy_orpo,
    healthy_ppo,
    healthy_reward,
    healthy_sft,
    learning,
    ramp,
)

from barograph.core.finding import Severity

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


@dataclass(frozen=True)
class Case:
    """What a rule must say of a faulty log, and not say of its twin."""

    code: str
    severity: Severity
    faulty: Callable[[], Log]
    quiet: Callable[[], Log]
    #: The finding begins at the earliest and at the latest at these steps.
    window: tuple[int, int]
    #: How much later it may begin in a log with gaps.
    late: int = 20
    #: Series to tear gaps into; all that the rule reads unless said otherwise.
    torn: tuple[str, ...] | None = None
    #: Rows that hold the fault itself and stay.
    keep: Collection[int] = ()
    nan_rows: int = 2
    profile: str = "default"


def planted(build: Callable[..., Log], *faults: Callable[[Log], object], **options: object) -> Callable[[], Log]:
    """A builder's log with faults written into it."""

    def log() -> Log:
        made = build(**options)
        for fault in faults:
            fault(made)
        return made

    return log


def put(name: str, level: Level, noise: Level = 0.0, **where: object) -> Callable[[Log], object]:
    return lambda log: log.put(name, level, noise, **where)  # type: ignore[arg-type]


def scale(name: str, by: Level, **where: object) -> Callable[[Log], object]:
    """Multiply a series that is there."""

    def fault(log: Log) -> None:
        there = dict(log.series[name])
        log.put(name, lambda step: there[step] * (by(step) if callable(by) else by), **where)  # type: ignore[arg-type]

    return fault


def pair(chosen: Level, rejected: Level, noise: float = 0.05, **where: object) -> Callable[[Log], object]:
    """Both rewards and the margin between them."""

    def fault(log: Log) -> None:
        log.put("reward_chosen", chosen, noise, **where)  # type: ignore[arg-type]
        log.put("reward_rejected", rejected, noise, **where)  # type: ignore[arg-type]
        high, low = log.series["reward_chosen"], log.series["reward_rejected"]
        log.put("reward_margin", lambda step: high[step] - low[step], **where)  # type: ignore[arg-type]

    return fault


def drop(name: str, steps: Collection[int]) -> Callable[[Log], object]:
    return lambda log: log.drop(name, steps)


NAN = math.nan

NUMERIC = (
    Case(
        "NUM01",
        CRITICAL,
        planted(healthy_dpo, put("loss", NAN, since=150)),
        planted(healthy_dpo, put("loss", 40.0, since=150, until=150)),
        (150, 150),
        keep=range(150, 301),
        nan_rows=0,
    ),
    Case(
        "NUM02",
        CRITICAL,
        planted(healthy_dpo, put("grad_norm", math.inf, since=150, until=160)),
        planted(healthy_dpo, put("grad_norm", 900.0, since=150, until=160)),
        (150, 150),
        keep=range(150, 161),
        nan_rows=0,
    ),
    Case(
        "NUM03",
        CRITICAL,
        planted(healthy_sft, put("loss", 0.0, since=150), put("grad_norm", NAN, since=150)),
        planted(healthy_grpo, put("loss", 0.0, since=150)),  # online methods log exact zeros in good health
        (150, 150),
        keep=range(150, 301),
        nan_rows=0,
    ),
    Case(
        "NUM04",
        WARNING,
        planted(healthy_kto, put("reward_chosen", NAN, since=100, until=104)),
        planted(healthy_kto, put("logit_chosen", NAN)),  # NaN from padding columns
        (100, 100),
        keep=range(90, 105),
        torn=("reward_chosen",),
        nan_rows=0,
    ),
)

SCHEDULE = (
    # Must last for a twentieth: 15 of 300 steps.
    Case(
        "RATE01",
        WARNING,
        planted(healthy_dpo, put("lr", 0.0, since=150)),
        planted(healthy_dpo, put("lr", 0.0, since=288)),
        (163, 166),
        late=6,
    ),
    # Judged after a tenth.
    Case("RATE02", INFO, planted(healthy_dpo, put("lr", 5e-6)), healthy_dpo, (30, 31), late=5, keep=[1]),
    # Judged after three tenths.
    Case("RATE03", WARNING, planted(healthy_kto, scale("lr", 0.1)), healthy_kto, (90, 91), late=5),
    # The warm-up of 30 steps to 3e-4 passes 1e-4 after step 10.
    Case(
        "RATE04", INFO, planted(healthy_dpo, scale("lr", 60)), planted(healthy_dpo, scale("lr", 10)), (11, 12), late=5
    ),
)

MARGIN = (
    Case(
        "PREF01",
        CRITICAL,
        planted(healthy_dpo, pair(0.0, 0.0, 0.0), put("loss", math.log(2)), put("reward_accuracy", 0.0)),
        planted(healthy_dpo, pair(0.0, 0.0, 1e-4)),
        # From three hundredths of the run on, five rows and two hundredths of it.
        (9, 12),
        late=10,
        torn=("reward_chosen", "reward_rejected"),
    ),
    # 30 and 28 nats at beta 0.1 in the row of step 1, which should be exactly zero; half a nat may be rounding.
    Case(
        "PREF02",
        WARNING,
        planted(healthy_dpo, pair(3.0, 2.8)),
        planted(healthy_dpo, pair(0.005, 0.004)),
        (1, 1),
        keep=[1],
    ),
    # From 0.9 down to -0.5: the average over five rows crosses zero within five; then ten steps.
    Case(
        "PREF03",
        CRITICAL,
        planted(healthy_dpo, pair(-0.25, 0.25, 0.1, since=120)),
        planted(healthy_dpo, pair(0.0, 0.0, 0.1, since=120)),
        (130, 150),
    ),
    # Judged after a third: step 99.
    Case(
        "PREF04",
        WARNING,
        planted(healthy_dpo, pair(0.05, 0.045, 0.02)),
        planted(healthy_dpo, pair(learning(300, 0.0, 0.1), learning(300, 0.0, -0.15), 0.02)),
        (99, 105),
        late=8,
    ),
    # Half is lost about step 165; the average over a twentieth follows 15 steps later; it must last 30.
    Case(
        "PREF05",
        WARNING,
        planted(healthy_dpo, pair(ramp(0.5, 0.1, 150, 180), ramp(-0.5, -0.1, 150, 180), since=140)),
        planted(healthy_dpo, pair(ramp(0.5, 0.38, 150, 180), ramp(-0.5, -0.38, 150, 180), since=140)),
        (190, 225),
    ),
    # 100 nats are a margin of 10 at beta 0.1, which is passed at step 190 or so; critical from 20 on.
    Case(
        "PREF06",
        WARNING,
        planted(healthy_dpo, pair(ramp(0.5, 6.0, 150, 200), ramp(-0.5, -8.0, 150, 200), 0.2, since=140)),
        planted(healthy_dpo, pair(ramp(0.5, 3.0, 150, 200), ramp(-0.5, -5.0, 150, 200), 0.2, since=140)),
        (182, 194),
    ),
    # Half a nat at an accuracy of 0.9, judged after a third.
    Case(
        "PREF07",
        INFO,
        planted(healthy_dpo, pair(0.02, -0.03, 0.005), put("reward_accuracy", 0.9, 0.04, high=1.0)),
        planted(healthy_dpo, pair(0.3, -0.3, 0.05), put("reward_accuracy", 0.9, 0.04, high=1.0)),
        (99, 104),
        late=8,
    ),
)

ACCURACY = (
    # Judged after three tenths; the first accuracy of 0 takes its time to be forgotten.
    Case(
        "ACC01",
        WARNING,
        planted(healthy_dpo, put("reward_accuracy", 0.5, 0.06, since=2)),
        planted(healthy_dpo, put("reward_accuracy", 0.62, 0.06, since=2)),
        (90, 125),
    ),
    # A mean over 20 rows from 0.73 to 0.35 passes 0.45 after about 15 rows; then 15 steps.
    Case(
        "ACC02",
        CRITICAL,
        planted(healthy_dpo, put("reward_accuracy", 0.35, 0.06, since=120)),
        planted(healthy_dpo, put("reward_accuracy", 0.5, 0.06, since=120)),
        (143, 163),
    ),
    # Ten perfect rows from step 10 on, and two more.
    Case(
        "ACC03",
        WARNING,
        planted(healthy_orpo, put("reward_accuracy", 1.0, since=10)),
        planted(healthy_orpo, put("reward_accuracy", 0.9, 0.03, since=10, high=1.0)),
        (19, 24),
        late=15,
    ),
)

LIKELIHOOD = (
    # Both fall from step 30 on, chosen 0.11 nats a step: one nat by step 39; the average lags 15; it must last 30.
    # Twenty nats, which make it a warning, are passed at step 225.
    Case(
        "LIK01",
        WARNING,
        planted(healthy_dpo, pair(ramp(0, -3.0, 30, 300), ramp(0, -4.5, 30, 300), 0.06)),
        planted(healthy_dpo, pair(ramp(0, 0.5, 30, 300), ramp(0, -4.5, 30, 300), 0.06)),
        (68, 110),
    ),
    # The rejected answers gain 2 nats by step 60; the average lags 15; it must last 30.
    Case(
        "LIK02",
        INFO,
        planted(healthy_dpo, pair(ramp(0, 1.6, 0, 300), ramp(0, 1.0, 0, 300))),
        planted(healthy_dpo, pair(ramp(0, 1.6, 0, 300), ramp(0, 0.1, 0, 300))),
        (85, 125),
    ),
    # Judged after four tenths.
    Case(
        "LIK03",
        INFO,
        planted(healthy_dpo, pair(0.0, ramp(0, -1.0, 0, 150))),
        planted(healthy_dpo, pair(ramp(0, 0.4, 0, 150), ramp(0, -1.0, 0, 150))),
        (120, 128),
    ),
    # A tenth of a nat, judged after a third.
    Case("LIK04", WARNING, planted(healthy_dpo, pair(0.01, -0.01, 0.01)), healthy_dpo, (99, 104), late=8),
    # From 150 on both stand near -2: twenty nats away together, half a nat apart.
    Case(
        "LIK05",
        WARNING,
        planted(healthy_dpo, pair(-2.0, -2.05, 0.05, since=150)),
        planted(healthy_dpo, pair(0.9, -2.05, 0.05, since=150)),
        (152, 162),
    ),
)

KTO = (
    # An average over five rows from 1 to 15 passes 10 after three rows, and three rows are asked for.
    Case(
        "KTO01",
        WARNING,
        planted(healthy_kto, put("kto_z0", 15.0, 1.0, since=150)),
        planted(healthy_kto, put("kto_z0", 8.0, 0.5, since=150)),
        (152, 158),
    ),
    # The guide's 0.001, after three tenths.
    Case(
        "KTO06",
        INFO,
        planted(healthy_kto, put("kto_z0", 0.0003, 0.0001, low=0.0)),
        planted(healthy_kto, put("kto_z0", 0.01, 0.001)),
        (90, 96),
        profile="guide",
    ),
    # Set so from the first row on.
    Case(
        "PREF09",
        WARNING,
        planted(healthy_dpo, lambda log: log.config.update(beta=0.0005)),
        planted(healthy_dpo, lambda log: log.config.update(beta=0.01)),
        (1, 1),
        late=5,
    ),
    Case(
        "PREF10",
        WARNING,
        planted(healthy_dpo, lambda log: log.config.update(beta=50.0)),
        planted(healthy_dpo, lambda log: log.config.update(beta=1.0)),
        (1, 1),
        late=5,
    ),
    # Five rows in which both are the same text; the twin's differ by a thousandth.
    Case(
        "LIK06",
        CRITICAL,
        planted(
            healthy_dpo,
            put("logp_chosen", lambda step: -100 - step % 7),
            put("logp_rejected", lambda step: -100 - step % 7, since=60),
        ),
        planted(
            healthy_dpo,
            put("logp_chosen", lambda step: -100 - step % 7),
            put("logp_rejected", lambda step: -100.1 - step % 7),
        ),
        (64, 64),
        late=4,
        torn=("reward_margin",),
    ),
    # From 150 on it swings by 6 either way around 2: 60 nats of scatter for 20 of margin.
    Case(
        "PREF08",
        WARNING,
        planted(healthy_kto, put("reward_margin", lambda step: 2 + 6 * (-1) ** step, 0.1, since=150)),
        planted(healthy_kto, put("reward_margin", lambda step: 2 + 0.6 * (-1) ** step, 0.1, since=150)),
        (160, 185),
        late=30,
    ),
    # Judged after a quarter.
    Case(
        "KTO02",
        INFO,
        planted(healthy_kto, put("kto_z0", 0.0)),
        planted(healthy_kto, put("kto_z0", lambda step: step % 2 * 0.4)),
        (75, 80),
        late=10,
    ),
    # Every other row lacks the class: five of twenty rows after ten steps.
    Case(
        "KTO03",
        WARNING,
        planted(healthy_kto, drop("reward_chosen", range(100, 301, 2))),
        planted(healthy_kto, drop("reward_chosen", range(100, 301, 10))),
        (106, 112),
        late=0,
        torn=("loss", "kto_z0"),
    ),
    Case(
        "KTO04",
        WARNING,
        planted(healthy_kto, lambda log: log.config.update(per_device_batch=1)),
        planted(healthy_kto, lambda log: log.config.update(per_device_batch=8)),
        (1, 1),
        torn=("loss", "kto_z0"),
    ),
    # 20 against 80: a quarter, more than three times outside 1 to 4/3. Judged after a tenth.
    Case(
        "KTO05",
        WARNING,
        planted(healthy_kto, put("count_chosen", 20, 3), put("count_rejected", 80, 3)),
        planted(healthy_kto, put("count_chosen", 54, 3), put("count_rejected", 46, 3)),
        (30, 31),
        late=5,
    ),
)


def exponential(begin: float, rate: float) -> Callable[[int], float]:
    return lambda step: max(0.03, begin * math.exp(-rate * (step - 1)))


LOSS = (
    # 0.68 is within 3 % of ln 2 and outside the tight corridor. Judged after a quarter; must last a tenth.
    Case(
        "LOSS01",
        WARNING,
        planted(healthy_dpo, put("loss", 0.680, 0.006)),
        planted(healthy_dpo, put("loss", learning(300, 0.693, 0.60), 0.006)),
        (75, 107),
        late=8,
    ),
    # From 0.5 to 1.0 in 30 steps: a tenth above its beginning (0.76) at step 166; must last 15 steps.
    Case(
        "LOSS02",
        WARNING,
        planted(healthy_dpo, put("loss", ramp(0.5, 1.0, 150, 180), 0.03, since=150)),
        planted(healthy_dpo, put("loss", ramp(0.5, 0.54, 150, 180), 0.03, since=150)),
        (168, 195),
    ),
    # 0.69 exp(-0.6 (step - 1)) is 0.114 at step 4 and 0.063 at step 5.
    Case(
        "LOSS03",
        WARNING,
        planted(healthy_dpo, put("loss", exponential(0.69, 0.6))),
        planted(healthy_dpo, put("loss", exponential(0.69, 0.1), until=11), put("loss", 0.25, 0.02, since=12)),
        (5, 5),
        late=5,
        keep=[1],
    ),
    # An average over three rows from 0.5 to 0.004 is below 0.01 after seven rows, and three rows are asked for.
    Case(
        "LOSS04",
        WARNING,
        planted(healthy_dpo, put("loss", 0.004, 0.0005, since=200)),
        planted(healthy_dpo, put("loss", 0.06, 0.004, since=200)),
        (206, 212),
    ),
    Case(
        "LOSS05",
        INFO,
        planted(healthy_sft, put("loss", 4.0, since=150, until=150)),
        planted(healthy_sft, put("loss", 1.5, since=150, until=150)),
        (150, 150),
        late=0,
        keep=[150],
    ),
    # From a fifth of the run on, for 45 steps.
    Case(
        "LOSS06",
        WARNING,
        planted(healthy_sft, put("loss", 1.6, 0.02)),
        planted(healthy_sft, put("loss", learning(300, 1.6, 1.4), 0.02)),
        (103, 112),
        late=15,
    ),
    # 0.3 and 0.9 in turn: the scatter (0.53) passes half of the level (0.3) after nine rows, and ten are asked for.
    Case(
        "LOSS07",
        INFO,
        planted(healthy_sft, put("loss", lambda step: 0.6 + 0.3 * (-1) ** step, 0.02, since=150)),
        planted(healthy_sft, put("loss", lambda step: 0.6 + 0.06 * (-1) ** step, 0.02, since=150)),
        (160, 185),
        late=30,
    ),
    # DPO starts from ln 2 = 0.693; a reference that prefers the rejected answers shows in the first row.
    Case(
        "LOSS08",
        INFO,
        planted(healthy_dpo, put("loss", 1.4, at=[1])),
        planted(healthy_dpo, put("loss", 0.69, at=[1])),
        (1, 1),
        keep=[1],
    ),
)

GRADIENT = (
    # Near the end, since it is forgiven when it is long over.
    Case(
        "GRAD01",
        CRITICAL,
        planted(healthy_dpo, put("grad_norm", 5000, since=250, until=250)),
        planted(healthy_dpo, put("grad_norm", 250, since=250, until=250)),
        (250, 250),
        late=0,
        keep=[250],
    ),
    # An average over five rows from 5 to 150 passes 100 after three rows; then ten steps.
    Case(
        "GRAD02",
        CRITICAL,
        planted(healthy_kto, put("grad_norm", 150, 10, since=150)),
        planted(healthy_kto, put("grad_norm", 80, 5, since=150)),
        (158, 168),
    ),
    Case(
        "GRAD03",
        WARNING,
        planted(healthy_kto, put("grad_norm", 75, 5, since=150)),
        planted(healthy_kto, put("grad_norm", 35, 3, since=150)),
        (154, 156),
    ),
    Case(
        "GRAD04",
        CRITICAL,
        planted(healthy_dpo, put("grad_norm", 0.0, since=150)),
        planted(healthy_dpo, put("grad_norm", 1e-3, 1e-4, since=150)),
        (152, 152),
        late=6,
    ),
    # Small from the start, judged after the warm-up.
    Case(
        "GRAD05",
        WARNING,
        planted(healthy_kto, put("grad_norm", 0.004, 0.0005)),
        planted(healthy_kto, put("grad_norm", 0.05, 0.005)),
        (30, 31),
        late=8,
    ),
    # Forty times the usual; five times is ordinary.
    Case(
        "GRAD06",
        INFO,
        planted(healthy_dpo, put("grad_norm", 200, since=150, until=150)),
        planted(healthy_dpo, put("grad_norm", 25, since=150, until=150)),
        (150, 150),
        late=0,
        keep=[150],
    ),
)

LENGTH = (
    # An average over ten rows passes 0.3 after five rows; it must last 30 steps.
    Case(
        "LEN01",
        WARNING,
        planted(healthy_grpo, put("truncated_frac", 0.5, 0.04, since=100)),
        planted(healthy_grpo, put("truncated_frac", 0.2, 0.03, since=100)),
        (128, 145),
    ),
    # Ten equal rows, then 15 steps; critical as it lasts for more than three tenths.
    Case(
        "LEN02",
        CRITICAL,
        planted(healthy_grpo, put("len_mean", 512.0, since=100)),
        planted(healthy_grpo, put("len_mean", 505.0, 3, since=100)),
        (118, 128),
    ),
    # Twice its beginning at step 150, the average five rows later, and 30 steps.
    Case(
        "LEN03",
        WARNING,
        planted(
            healthy_grpo, put("len_mean", ramp(220, 660, 100, 200), 12), put("score_mean", ramp(0.4, 0.3, 0, 60), 0.05)
        ),
        planted(
            healthy_grpo, put("len_mean", ramp(220, 660, 100, 200), 12), put("score_mean", ramp(0.3, 0.7, 0, 200), 0.05)
        ),
        (172, 205),
    ),
    Case(
        "LEN04",
        WARNING,
        planted(
            healthy_grpo, put("len_mean", ramp(220, 20, 100, 130), 3), put("score_mean", ramp(0.4, 0.3, 0, 60), 0.05)
        ),
        planted(
            healthy_grpo, put("len_mean", ramp(220, 110, 100, 130), 3), put("score_mean", ramp(0.4, 0.3, 0, 60), 0.05)
        ),
        (148, 172),
    ),
    # From 0.93 to 0.2: five rows to pass a half, and five are asked for.
    Case(
        "LEN05",
        WARNING,
        planted(healthy_ppo, put("eos_frac", 0.2, 0.04, since=100)),
        planted(healthy_ppo, put("eos_frac", 0.7, 0.04, since=100)),
        (105, 116),
    ),
)

EVERY_20 = range(20, 301, 20)


def epochs(score: Callable[[int], float]) -> Callable[[], Log]:
    """A log written once an epoch, as in the RLHF metrics guide."""
    return planted(healthy_ppo, put("epoch_time", 330.0, 5.0), put("score_mean", score), steps=20)


SCORE = (
    Case(
        "RWD01",
        CRITICAL,
        planted(healthy_grpo, put("score_mean", 0.0, since=100), put("score_std", 0.0, since=100)),
        planted(healthy_grpo, put("score_mean", 0.0, 0.01, since=100)),
        (109, 110),
        late=10,
    ),
    # Judged after six tenths; the score even loses a little.
    Case(
        "RWD02",
        WARNING,
        planted(healthy_grpo, put("score_mean", ramp(0.36, 0.30, 0, 40), 0.05)),
        planted(healthy_grpo, put("score_mean", ramp(0.30, 0.50, 0, 200), 0.05)),
        (180, 190),
        late=10,
    ),
    # From 0.65 back to 0.38: the average over a tenth has lost half after about 25 steps, and 15 more.
    Case(
        "RWD03",
        WARNING,
        planted(
            healthy_grpo, put("score_mean", ramp(0.30, 0.65, 0, 100), 0.04), put("score_mean", 0.38, 0.04, since=160)
        ),
        planted(
            healthy_grpo, put("score_mean", ramp(0.30, 0.65, 0, 100), 0.04), put("score_mean", 0.58, 0.04, since=160)
        ),
        (185, 220),
    ),
    # 85 % of its best is passed at step 200; the average over three evaluations follows by 20; three must agree.
    Case(
        "RWD04",
        CRITICAL,
        planted(
            healthy_grpo,
            put("eval.task_accuracy", lambda s: ramp(0.4, 0.6, 0, 140)(s) - ramp(0, 0.3, 140, 300)(s), at=EVERY_20),
        ),
        planted(healthy_grpo, put("eval.task_accuracy", ramp(0.4, 0.6, 0, 140), 0.01, at=EVERY_20)),
        (220, 280),
        torn=("score_mean", "eval.task_accuracy"),
    ),
    # The best is epoch 8; five epochs later it is said.
    Case(
        "RWD05",
        INFO,
        epochs(lambda step: 0.1 * step if step <= 8 else 0.7),
        epochs(lambda step: 0.1 * step - 0.05 * (step % 3)),
        (13, 13),
        late=5,
        torn=("score_mean",),
        keep=[8, 20],
    ),
    # Epochs 2 to 6 are no better than the first: after the sixth it is said.
    Case(
        "RWD07",
        INFO,
        planted(
            healthy_ppo, put("epoch_time", 330.0, 5.0), put("loss", lambda step: 2.3 + 0.01 * (step % 2)), steps=20
        ),
        planted(healthy_ppo, put("epoch_time", 330.0, 5.0), put("loss", lambda step: 2.3 - 0.1 * step), steps=20),
        (6, 6),
        late=6,
        torn=("loss",),
        keep=[1],
    ),
    # One and a half times at step 150, the average five rows later, and 30 steps.
    Case(
        "RWD06",
        INFO,
        planted(
            healthy_grpo, put("len_mean", ramp(220, 440, 100, 200), 12), put("score_mean", ramp(0.3, 0.8, 0, 150), 0.05)
        ),
        planted(healthy_grpo, put("score_mean", ramp(0.3, 0.8, 0, 150), 0.05)),
        (172, 205),
        torn=("len_mean", "score_mean", "entropy"),
    ),
)

GROUPS = (
    # An average over 20 rows from 0.35 to 0.82 passes 0.7 after 14 rows; then 15 steps. The score stands meanwhile.
    Case(
        "GRP01",
        WARNING,
        planted(healthy_grpo, put("score_mean", 0.4, 0.05), put("zero_std_frac", 0.82, 0.03, since=100, high=1.0)),
        planted(healthy_grpo, put("score_mean", 0.4, 0.05), put("zero_std_frac", 0.5, 0.05, since=100)),
        (120, 145),
    ),
    # Nine of ten rows: more than 24 of 30 after 27 rows, and five are asked for. Two of three rows are not enough.
    Case(
        "GRP02",
        WARNING,
        planted(
            healthy_grpo,
            put("score_mean", 0.4, 0.05),
            put("score_std", lambda step: 0.3 if step % 10 == 0 else 0.0, since=100),
        ),
        planted(healthy_grpo, put("score_std", lambda step: 0.3 if step % 3 == 0 else 0.0, since=100)),
        (127, 136),
        late=30,
    ),
)

DIVERGENCE = (
    # 10 nats are passed at step 110; the average lags two rows, and three rows are asked for.
    Case(
        "KL01",
        WARNING,
        planted(healthy_ppo, put("kl_ref_sequence", ramp(5, 15, 100, 120), 0.7, since=100)),
        planted(healthy_ppo, put("kl_ref_sequence", ramp(5, 8, 100, 120), 0.5, since=100)),
        (111, 120),
    ),
    # Half a nat per token at step 112; the average lags five rows; 15 steps.
    Case(
        "KL02",
        WARNING,
        planted(healthy_grpo, put("kl_ref", ramp(0.05, 0.8, 100, 120), 0.02, since=100)),
        planted(healthy_grpo, put("kl_ref", ramp(0.05, 0.3, 100, 120), 0.02, since=100)),
        (139, 157),
    ),
    # An average over ten rows from 5 to -2.5 passes -1 after eight rows, and five are asked for.
    Case(
        "KL03",
        WARNING,
        planted(healthy_ppo, put("kl_ref_sequence", -2.5, 0.7, since=100)),
        planted(healthy_ppo, put("kl_ref_sequence", 0.0, 0.8)),  # the noise of an estimate around zero
        (107, 120),
        torn=("kl_ref_sequence",),
    ),
    # The KL doubles every 35 steps from step 150 on while the score falls behind its best.
    Case(
        "KL04",
        INFO,
        planted(
            healthy_ppo,
            put("kl_ref_sequence", lambda s: 2 * math.exp(max(0, s - 150) / 50), 0.2),
            put("score_mean", lambda s: ramp(-0.4, 1.4, 0, 150)(s) - ramp(0, 0.8, 150, 220)(s), 0.15),
        ),
        planted(
            healthy_ppo,
            put("kl_ref_sequence", lambda s: 2 * math.exp(max(0, s - 150) / 50), 0.2),
            put("score_mean", ramp(-0.4, 3.0, 0, 300), 0.15),
        ),
        (215, 285),
        torn=("kl_ref_sequence", "score_mean"),
    ),
)

FALLING_SCORE = put("score_mean", ramp(0.4, 0.3, 0, 60), 0.05)

POLICY = (
    # A fifth of its beginning (0.09) at step 126; the average lags five rows; 15 steps.
    Case(
        "ENT01",
        WARNING,
        planted(healthy_grpo, FALLING_SCORE, put("entropy", ramp(0.45, 0.045, 100, 130), 0.004, since=100)),
        planted(healthy_grpo, FALLING_SCORE, put("entropy", ramp(0.45, 0.15, 100, 130), 0.01, since=100)),
        (138, 165),
    ),
    # One nat at step 111; the average lags five rows, and three are asked for.
    Case(
        "ENT02",
        WARNING,
        planted(healthy_grpo, put("entropy", ramp(0.4, 1.5, 100, 120), 0.04, since=100)),
        planted(healthy_grpo, put("entropy", ramp(0.4, 0.9, 100, 120), 0.02, since=100)),
        (112, 128),
    ),
    Case(
        "CLIP01",
        WARNING,
        planted(healthy_ppo, put("clip_frac", 0.4, 0.02, since=100)),
        planted(healthy_ppo, put("clip_frac", 0.2, 0.02, since=100)),
        (106, 116),
    ),
    Case(
        "CLIP02",
        WARNING,
        planted(healthy_ppo, put("ratio_mean", 1.3, 0.02, since=100)),
        planted(healthy_ppo, put("ratio_mean", 1.05, 0.01, since=100)),
        (104, 109),
    ),
    Case(
        "CLIP03",
        WARNING,
        planted(healthy_ppo, put("approx_kl", 0.08, 0.005, since=100)),
        planted(healthy_ppo, put("approx_kl", 0.03, 0.005, since=100)),
        (105, 114),
    ),
    # 20 rows and a fifth of the run.
    Case(
        "CLIP04",
        INFO,
        planted(healthy_grpo, num_iterations=4),
        planted(healthy_grpo, num_iterations=1),
        (59, 62),
        late=8,
    ),
)

CRITIC = (
    Case(
        "VAL01",
        WARNING,
        planted(healthy_ppo, put("value_loss", 10.0, 0.5, since=100)),
        planted(healthy_ppo, put("value_loss", 2.5, 0.1, since=100)),
        (112, 124),
    ),
    Case(
        "VAL02",
        WARNING,
        planted(healthy_ppo, put("explained_var", -0.3, 0.05, since=100)),
        planted(healthy_ppo, put("explained_var", 0.15, 0.05, since=100)),
        (112, 130),
    ),
    # A mean over ten rows from 0.05 to 0.5 passes 0.3 with the sixth, and five are asked for.
    Case(
        "VAL03",
        INFO,
        planted(healthy_ppo, put("value_clip_frac", 0.5, 0.02, since=100)),
        planted(healthy_ppo, put("value_clip_frac", 0.2, 0.02, since=100)),
        (108, 111),
    ),
)

REWARD_MODEL = (
    # Judged after 0.35 of the run, critical when it lasts beyond six tenths of the run.
    Case(
        "RM01",
        CRITICAL,
        planted(healthy_reward, put("rm_accuracy", 0.5, 0.06)),
        planted(healthy_reward, put("rm_accuracy", 0.62, 0.06)),
        (105, 115),
        late=10,
        torn=("rm_accuracy",),
    ),
    # Judged after four tenths, at the evaluation of step 120.
    Case(
        "RM02",
        WARNING,
        planted(healthy_reward, put("eval.rm_accuracy", 0.58, 0.004)),
        planted(healthy_reward, put("eval.rm_accuracy", 0.65, 0.004)),
        (120, 120),
        late=80,
    ),
    Case(
        "RM03",
        INFO,
        planted(healthy_reward, put("eval.rm_accuracy", 0.99, 0.003)),
        planted(healthy_reward, put("eval.rm_accuracy", 0.92, 0.01)),
        (40, 40),
        late=80,
    ),
    # 5 is passed at step 171; the average lags five rows, and five are asked for.
    Case(
        "RM04",
        INFO,
        planted(healthy_reward, put("rm_mean", ramp(0.0, 7.0, 100, 200), 0.15)),
        planted(healthy_reward, put("rm_mean", ramp(0.0, 3.5, 100, 200), 0.15)),
        (175, 190),
    ),
    # 5 is passed at step 133; the average lags five rows, and three are asked for.
    Case(
        "RM05",
        WARNING,
        planted(healthy_reward, put("rm_margin", ramp(1, 7, 100, 150), 0.2, since=100), put("rm_accuracy", 0.7, 0.04)),
        planted(healthy_reward, put("rm_margin", ramp(1, 7, 100, 150), 0.2, since=100), put("rm_accuracy", 0.9, 0.03)),
        (135, 148),
    ),
    Case(
        "RM06",
        CRITICAL,
        planted(healthy_reward, put("rm_max", 0.1, since=100), put("rm_min", 0.1, since=100)),
        planted(healthy_reward, put("rm_max", 0.15, 0.01, since=100), put("rm_min", 0.05, 0.01, since=100)),
        (104, 104),
        late=8,
        torn=("rm_max", "rm_min"),
    ),
    # The average over ten rows is below zero after six and must be below its error, which the jump itself raises.
    Case(
        "RM07",
        CRITICAL,
        planted(healthy_reward, put("rm_margin", -0.6, 0.15, since=100), put("rm_accuracy", 0.32, 0.06, since=100)),
        planted(healthy_reward, put("rm_margin", 0.0, 0.15, since=100), put("rm_accuracy", 0.5, 0.06, since=100)),
        (118, 140),
        torn=("rm_margin", "rm_accuracy"),
    ),
)

CLASSIFIER = (
    Case(
        "CLS01",
        CRITICAL,
        planted(
            healthy_classifier, put("eval.cls_specificity", 0.01, since=100), put("eval.cls_recall", 0.99, since=100)
        ),
        planted(healthy_classifier, put("eval.cls_specificity", 0.3, 0.01, since=100)),
        (120, 120),
        late=100,
    ),
    Case(
        "CLS02",
        WARNING,
        planted(healthy_classifier, put("eval.cls_specificity", 0.35, 0.01, since=100)),
        planted(healthy_classifier, put("eval.cls_specificity", 0.45, 0.01, since=100)),
        (180, 180),
        late=100,
    ),
    # The third evaluation without a change is the fourth one: at 160.
    Case(
        "CLS08",
        WARNING,
        planted(healthy_classifier, put("eval.cls_accuracy", 0.734, since=100)),
        planted(healthy_classifier, put("eval.cls_accuracy", 0.734, 0.002, since=100)),
        (160, 160),
        late=100,
    ),
    Case(
        "CLS03",  # two evaluations are needed, at 100 and 120
        WARNING,
        planted(
            healthy_classifier,
            put("eval.cls_precision", 0.95, 0.005, since=100),
            put("eval.cls_recall", 0.45, 0.01, since=100),
        ),
        planted(
            healthy_classifier,
            put("eval.cls_precision", 0.9, 0.005, since=100),
            put("eval.cls_recall", 0.7, 0.01, since=100),
        ),
        (120, 120),
        late=80,
    ),
    Case(
        "CLS04",
        WARNING,
        planted(
            healthy_classifier,
            put("eval.cls_recall", 0.95, 0.005, since=100),
            put("eval.cls_precision", 0.5, 0.01, since=100),
        ),
        planted(
            healthy_classifier,
            put("eval.cls_recall", 0.9, 0.005, since=100),
            put("eval.cls_precision", 0.7, 0.01, since=100),
        ),
        (120, 120),
        late=80,
    ),
    # Judged from half of the run on, at the evaluation of step 160.
    Case(
        "CLS05",
        WARNING,
        planted(healthy_classifier, put("eval.cls_accuracy", 0.65, 0.01)),
        planted(healthy_classifier, put("eval.cls_accuracy", 0.75, 0.01)),
        (150, 160),
        late=100,
    ),
    # Judged at the end: from step 255 on.
    Case(
        "CLS06",
        INFO,
        planted(healthy_classifier, put("eval.cls_accuracy", 0.76, 0.004), put("eval.cls_f1", 0.74, 0.004)),
        healthy_classifier,
        (255, 260),
        late=40,
    ),
    # Judged after four tenths.
    Case(
        "CLS07",
        WARNING,
        planted(healthy_classifier, put("eval.cls_f1", 0.3, 0.01)),
        planted(healthy_classifier, put("eval.cls_f1", 0.5, 0.01)),
        (120, 120),
        late=80,
    ),
)

EVALUATION = (
    # Best at step 140; 4 % more with each evaluation: the second, at step 180, is above 5 %, and two are asked for.
    Case(
        "FIT01",
        WARNING,
        planted(
            healthy_dpo,
            put("eval.loss", lambda s: ramp(0.69, 0.5, 0, 140)(s) + ramp(0, 0.16, 140, 300)(s), at=EVERY_20),
        ),
        planted(
            healthy_dpo,
            put("eval.loss", lambda s: ramp(0.69, 0.5, 0, 140)(s) + ramp(0, 0.02, 140, 300)(s), at=EVERY_20),
        ),
        (200, 202),
        late=60,
    ),
    # Best at step 140; 8 % more with each evaluation: the second, at step 180, is 16 % above, and two are asked for.
    Case(
        "FIT02",
        CRITICAL,
        planted(
            healthy_reward,
            put("eval.loss", lambda s: ramp(0.69, 0.5, 0, 140)(s) + ramp(0, 0.33, 140, 300)(s), at=EVERY_20),
        ),
        planted(
            healthy_reward,
            put("eval.loss", lambda s: ramp(0.69, 0.5, 0, 140)(s) + ramp(0, 0.06, 140, 300)(s), at=EVERY_20),
        ),
        (200, 202),
        late=60,
    ),
    # The reward-model guide's numbers from step 200 on; a fiftieth of the run.
    Case(
        "FIT03",
        WARNING,
        planted(healthy_classifier, put("loss", 0.2134, 0.01, since=200), put("eval.loss", 0.4567, 0.004, since=200)),
        planted(healthy_classifier, put("loss", 0.2134, 0.01, since=200), put("eval.loss", 0.30, 0.004, since=200)),
        (203, 214),
        late=60,
    ),
    # Evaluation stays at 0.7, and training jumps from about 0.67 to 0.9. An average that forgets over 30 steps is
    # within 0.05 of that after 30 ln(0.23 / 0.05) = 46 steps. A twentieth of the run, 15 steps, it must last.
    Case(
        "FIT04",
        WARNING,
        planted(
            healthy_reward, put("rm_accuracy", 0.9, 0.03, since=150), put("eval.rm_accuracy", 0.70, 0.005, since=120)
        ),
        planted(
            healthy_reward, put("rm_accuracy", 0.78, 0.03, since=150), put("eval.rm_accuracy", 0.70, 0.005, since=120)
        ),
        (196, 219),
        torn=("rm_accuracy", "eval.rm_accuracy"),
    ),
    # The reward-model guide's numbers; judged after six tenths.
    Case(
        "FIT05",
        WARNING,
        planted(healthy_classifier, put("loss", 0.5234, 0.01), put("eval.loss", 0.5189, 0.004), steps=2000, every=10),
        planted(healthy_classifier, steps=2000, every=10),
        (1200, 1230),
        late=200,
    ),
    # From its best at 140, 0.025 lost with each evaluation: the average over two has lost 0.05 at step 200 or 220.
    Case(
        "FIT06",
        WARNING,
        planted(
            healthy_dpo,
            pair(ramp(0, 0.5, 0, 300), ramp(0, -1.0, 0, 300), 0.02),
            put("eval.reward_accuracy", lambda s: ramp(0.5, 0.75, 0, 140)(s) - ramp(0, 0.2, 140, 300)(s), at=EVERY_20),
        ),
        planted(
            healthy_dpo,
            pair(ramp(0, 0.5, 0, 300), ramp(0, -1.0, 0, 300), 0.02),
            put("eval.reward_accuracy", ramp(0.5, 0.75, 0, 140), 0.01, at=EVERY_20),
        ),
        (200, 245),
        late=60,
        torn=("eval.reward_accuracy", "reward_margin"),
    ),
)

PROGRESS = (
    Case(
        "RUN01",
        INFO,
        planted(healthy_sft, put("step_time", 600, since=150, until=150)),
        planted(healthy_sft, put("step_time", 90, since=150, until=150)),
        (150, 150),
        late=0,
        keep=[150],
    ),
    # Twice its beginning at step 150; the average lags ten rows; 30 steps.
    Case(
        "RUN02",
        INFO,
        planted(healthy_sft, put("step_time", ramp(12, 36, 100, 200), 0.5)),
        planted(healthy_sft, put("step_time", ramp(12, 20, 100, 200), 0.5)),
        (178, 200),
    ),
)

CASES: tuple[Case, ...] = (
    *NUMERIC,
    *SCHEDULE,
    *MARGIN,
    *ACCURACY,
    *LIKELIHOOD,
    *KTO,
    *LOSS,
    *GRADIENT,
    *LENGTH,
    *SCORE,
    *GROUPS,
    *DIVERGENCE,
    *POLICY,
    *CRITIC,
    *REWARD_MODEL,
    *CLASSIFIER,
    *EVALUATION,
    *PROGRESS,
)
