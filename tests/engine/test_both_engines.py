"""The live engine and the scanning engine tell the same story, word for word."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barograph.core.methods import Method
from barograph.core.run import Run, run_from_rows
from barograph.engine.bound import bind
from barograph.engine.frame import frame_of_run
from barograph.engine.judge import judge, step_run
from barograph.engine.scan import scan_run
from barograph.engine.settings import Settings
from barograph.signals.timeline import Timeline

PREFERENCE = [
    "loss",
    "grad_norm",
    "lr",
    "reward_chosen",
    "reward_rejected",
    "reward_margin",
    "reward_accuracy",
    "kto_z0",
]
ONLINE = ["loss", "grad_norm", "score_mean", "score_std", "kl_ref", "kl_ref_sequence", "entropy", "len_mean",
          "truncated_frac", "zero_std_frac", "clip_frac", "ratio_mean", "approx_kl", "value_loss",
          "step_time"]  # fmt: skip
HELD_OUT = ["eval.loss", "eval.reward_accuracy", "eval.rm_accuracy", "eval.cls_recall", "eval.cls_precision",
            "eval.cls_specificity", "eval.task_accuracy", "rm_accuracy", "rm_margin"]  # fmt: skip


def wild_run(seed: int, rows: int, method: Method) -> Run:
    """Walks and jumps of every size, gaps, NaN, infinities and evaluation rows: most rules fire somewhere."""
    rng = random.Random(seed)
    keys = [*(ONLINE if method in {Method.PPO, Method.GRPO} else PREFERENCE), *HELD_OUT]
    level = {key: rng.choice([0.0, 0.5, 0.69, 1.0, 5.0]) for key in keys}
    scale = {key: rng.choice([0.0, 1e-7, 0.01, 0.1, 2.0, 40.0]) for key in keys}
    drift = {key: rng.choice([0.0, 0.0, 0.01, -0.01, 0.3]) for key in keys}
    step, log = 0, []
    for _ in range(rows):
        step += rng.choice([1, 1, 1, 5])
        cells = {}
        for key in keys:
            if rng.random() < (0.1 if key.startswith("eval.") else 0.85):
                level[key] += drift[key]
                value = level[key] + rng.gauss(0, 1) * scale[key]
                if rng.random() < 0.01:
                    value = rng.choice([math.nan, math.inf, 0.0, value * 1e4])
                cells[key] = value
        log.append((step, cells))
    return run_from_rows(log, method=method, config=rng.choice([{}, {"max_steps": 3 * rows, "per_device_batch": 2}]))


@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 80),
    method=st.sampled_from([Method.DPO, Method.KTO, Method.GRPO, Method.PPO, Method.REWARD, Method.PRM]),
    size=st.sampled_from([1, 13, 64, 10_000]),
    known=st.booleans(),
)
def test_engines_agree(seed: int, rows: int, method: Method, size: int, *, known: bool) -> None:
    run = wild_run(seed, rows, method)
    rules = bind(method, Settings())
    frame = frame_of_run(run)
    timeline = frame if known else Timeline(horizon=None, warmup=frame.warmup, facts=frame.facts)
    stepped, judged_by_step = step_run(run, rules, timeline)
    scanned, judged_by_scan = scan_run(run, rules, timeline, size)
    assert judged_by_step == judged_by_scan
    assert [(f.code, f.step, f.last_step, f.severity, f.metric) for f in stepped] == [
        (f.code, f.step, f.last_step, f.severity, f.metric) for f in scanned
    ]
    for one, other in zip(stepped, scanned, strict=True):
        assert one.evidence.keys() == other.evidence.keys()
        for name, value in one.evidence.items():
            assert value == pytest.approx(other.evidence[name], rel=1e-6, abs=1e-9), (one.code, name)


def test_wild_runs_make_many_rules_fire() -> None:
    """The test above would mean nothing if its runs were quiet."""
    fired = {
        finding.code
        for seed in range(25)
        for method in (Method.DPO, Method.KTO, Method.GRPO, Method.PPO, Method.REWARD, Method.PRM)
        for finding in judge(wild_run(seed, 120, method), evaluator="step").findings
    }
    assert len(fired) > 50, sorted(fired)


def test_findings_come_out_as_they_happen() -> None:
    """Live, a NaN is said in the very row that brings it, and only once."""
    from barograph.engine.live import Engine

    engine = Engine(bind(Method.DPO, Settings()), Timeline(horizon=100))
    news = [engine.advance(step, {"loss": 0.69 if step < 7 else math.nan}) for step in range(1, 12)]
    assert [[finding.code for finding in row] for row in news] == [[]] * 6 + [["NUM01"]] + [[]] * 4
    (finding,) = engine.findings()
    assert (finding.step, finding.last_step, finding.evidence["rows"]) == (7, 11, 5)


def test_memory_does_not_grow_with_the_run() -> None:
    """What the live engine keeps is bounded: its cells hold windows, not histories."""
    import tracemalloc

    from barograph.engine.live import Engine

    engine = Engine(bind(Method.GRPO, Settings()), Timeline(horizon=10_000))
    rng = random.Random(0)

    def feed(rows: int, start: int) -> None:
        for step in range(start, start + rows):
            engine.advance(
                step, {"score_mean": rng.random(), "kl_ref": 0.01, "entropy": 0.5, "len_mean": 100 + step % 7}
            )

    # By then what it is compiled to is there for long, see `AGAIN` in the stepper.
    feed(2100, 0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    feed(5000, 2100)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 32_000, grown
