"""slime: steps of training, and rollouts that are put where their training begins."""

from __future__ import annotations

import pytest
from logged import SAMPLES, expected_of, must_agree, series_of

from barograph.sources.formats.consoles.slime import SLIME
from barograph.sources.runs import read_run

FOLDER = SAMPLES / "slime"
#: In the sample, a rollout is trained on in two steps.
STEPS_TO_A_ROLLOUT = 2


def rows_of(text: str) -> list[dict[str, object]]:
    parser = SLIME.parser()
    return [row for line in text.splitlines() for row in parser.line(line)] + list(parser.end())


def line(kind: str, number: int, **metrics: float) -> str:
    named = {key.replace("__", "/"): value for key, value in metrics.items()}
    return f"[2026-08-02 10:00:20] rollout.py:1180 - {kind} {number}: {named}\n"


def test_every_value_at_its_step() -> None:
    run = read_run(FOLDER / "console.log")
    read, logged = series_of(run), expected_of(FOLDER / "expected.json")
    seen = 0
    for key, points in logged.items():
        if key == "eval/aime":
            read[key] = read["eval/aime/avg_score"]
        if key in read:
            seen += 1
            scale = 1 if key.startswith("train/") else STEPS_TO_A_ROLLOUT
            must_agree(read[key], [(step * scale, value) for step, value in points], precision=1e-15)
    assert seen >= 18
    assert (run.source, run.method.value, run.first_step, run.last_step) == ("slime", "grpo", 0, 19)


def test_what_it_means() -> None:
    raws = {name: column.raw for name, column in read_run(FOLDER / "console.log").columns.items()}
    assert (
        raws.items()
        >= {
            "score_mean": "rollout/raw_reward",
            "len_mean": "rollout/response_len/mean",
            "truncated_frac": "rollout/truncated_ratio",
            "kl_ref": "train/kl_loss",
            "approx_kl": "train/ppo_kl",
            "logp_diff_mean": "train/train_rollout_logprob_abs_diff",
            "clip_frac": "train/pg_clipfrac",
            "policy_loss": "train/pg_loss",
            "entropy": "train/entropy_loss",
            "lr": "train/lr-pg_0",
            "eval/aime.score_mean": "eval/aime/avg_score",
            "eval/aime.truncated_frac": "eval/aime-truncated_ratio",
            "eval/aime.len_mean": "eval/aime/response_len/mean",
        }.items()
    )


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_rollouts_stand_where_their_training_begins(steps: int) -> None:
    text = ""
    for rollout in range(5):
        text += line("rollout", rollout, rollout__raw_reward=rollout / 10)
        text += "".join(line("step", rollout * steps + part, train__loss=0.1) for part in range(steps))
    rewards = [row["step"] for row in rows_of(text) if "rollout/raw_reward" in row]
    assert rewards == [rollout * steps for rollout in range(5)]


def test_generation_that_runs_ahead_of_training() -> None:
    """The next rollout is reported before the steps of this one; the trainer itself tells when it begins."""
    text = line("rollout", 0, rollout__response_len__mean=9.0)
    for rollout in range(4):
        text += line("rollout", rollout + 1, rollout__response_len__mean=9.0)
        text += line("rollout", rollout, rollout__rewards=0.5)
        text += "".join(line("step", 2 * rollout + part, train__loss=0.1) for part in (0, 1))
    rows = rows_of(text)
    assert [row["step"] for row in rows if "rollout/rewards" in row] == [0, 2, 4, 6]
    assert [row["step"] for row in rows if "rollout/response_len/mean" in row] == [0, 2, 4, 6, 8]


def test_a_process_that_only_generates() -> None:
    text = "".join(line("rollout", rollout, rollout__raw_reward=0.5) for rollout in (3, 4, 5))
    assert [row["step"] for row in rows_of(text)] == [3, 4, 5]


def test_a_resumed_run_begins_in_the_middle() -> None:
    text = line("rollout", 6, rollout__raw_reward=0.5) + line("step", 12, train__loss=1.0)
    assert [row["step"] for row in rows_of(text)] == [12, 12]


def test_the_critic_has_lines_of_its_own() -> None:
    rows = rows_of(line("critic-step", 4, **{"train__critic-value_loss": 0.5}))
    assert rows == [{"step": 4, "train/critic-value_loss": "0.5"}]
