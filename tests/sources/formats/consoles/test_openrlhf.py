"""OpenRLHF: what its own logger and bars wrote, beside what they were given."""

from __future__ import annotations

from pathlib import Path

import pytest
from logged import SAMPLES, expected_of, must_agree, series_of

from barograph.sources.formats.consoles.openrlhf import OPENRLHF
from barograph.sources.runs import read_run

FOLDER = SAMPLES / "openrlhf"
#: What our reader calls otherwise, since an evaluation's bar does not say that it is one.
OF_EVALUATION = ("acc_mean", "reward_mean", "reward_std")


def rows_of(text: str) -> list[dict[str, object]]:
    parser = OPENRLHF.parser()
    return [row for line in text.splitlines() for row in parser.line(line)] + list(parser.end())


def test_every_value_of_ppo_at_its_step() -> None:
    run = read_run(FOLDER / "console_ppo.log")
    read, logged = series_of(run), expected_of(FOLDER / "expected_ppo.json")
    for key in set(logged) & set(read):
        must_agree(read[key], logged[key], precision=1e-15)
    assert len(set(logged) & set(read)) >= 20
    assert set(logged) - set(read) <= set(run.unknown_keys)
    assert (run.source, run.method.value) == ("openrlhf", "ppo")


def test_what_ppo_means() -> None:
    raws = {name: column.raw for name, column in read_run(FOLDER / "console_ppo.log").columns.items()}
    assert (
        raws.items()
        >= {
            "score_mean": "reward",
            "reward_total": "return",
            "kl_ref": "kl",
            "approx_kl": "ppo_kl",
            "kl_infer": "vllm_kl",
            "clip_frac": "ppo_clip_ratio",
            "entropy": "entropy_loss",
            "len_mean": "response_length",
            "truncated_frac": "truncated",
            "score_std": "group_reward_std",
            "value_loss": "critic_loss",
            "grad_norm": "actor_grad_norm",
            "lr": "actor_lr",
            "step_time": "timing/step_total",
            "eval/gsm8k.task_accuracy": "eval_gsm8k_pass1",
            "eval/gsm8k.len_mean": "eval_gsm8k_response_length_mean",
            "eval/gsm8k.truncated_frac": "eval_gsm8k_truncated_rate",
        }.items()
    )


@pytest.mark.parametrize(("kind", "method"), [("dpo", "dpo"), ("rm", "reward"), ("sft", "sft")])
def test_every_batch_of_the_bars(kind: str, method: str) -> None:
    """A bar shows three digits, and each batch twice."""
    run = read_run(FOLDER / f"console_{kind}.log")
    read = series_of(run)
    for key, points in expected_of(FOLDER / f"expected_{kind}.json").items():
        must_agree(read[f"eval/{key}" if key in OF_EVALUATION else key], points, precision=6e-3)
    assert (run.method.value, run.first_step, run.last_step) == (method, 1, 24)


def test_evaluations_on_bars() -> None:
    dpo = read_run(FOLDER / "console_dpo.log")
    assert dpo.latest("eval.reward_accuracy") == 0.72
    assert dpo.latest("eval.loss") == 0.51
    model = read_run(FOLDER / "console_rm.log")
    assert (model.latest("eval.rm_mean"), model.latest("eval.rm_std")) == (0.12, 0.93)
    assert read_run(FOLDER / "console_sft.log").latest("eval.loss") == 1.73


BAR = "Train step of epoch {}:  8%|#         | {}/3 [00:01<00:02, 1.0it/s, loss={}, lr=1e-6]"


def test_steps_too_quick_for_the_bar_to_move_by_itself() -> None:
    """Then only what is drawn with the metrics is there: one state for each batch, behind the count before it."""
    bars = [BAR.format(0, at, loss) for at, loss in ((0, 0.7), (1, 0.6), (2, 0.5))]
    bars += [BAR.format(1, at, loss) for at, loss in ((0, 0.4), (1, 0.3), (2, 0.2))]
    rows = rows_of("\n".join(bars))
    assert [(row["step"], row["loss"]) for row in rows] == [
        (1, "0.7"), (2, "0.6"), (3, "0.5"), (4, "0.4"), (5, "0.3"), (6, "0.2"),
    ]  # fmt: skip


def test_a_loss_that_stays_the_same_is_logged_all_the_same() -> None:
    bars = [BAR.format(0, at, 0.693) for at in (0, 1, 1, 2, 2, 3)]
    assert [row["step"] for row in rows_of("\n".join(bars))] == [1, 2, 3]


def test_an_evaluation_in_the_middle_of_an_epoch_stands_at_its_batch() -> None:
    """With accumulation its own count is of updates, the bar's of batches."""
    bars = [BAR.format(0, 0, 0.7), BAR.format(0, 1, 0.7), BAR.format(0, 1, 0.6), BAR.format(0, 2, 0.6)]
    bars.append("Eval stage of global_step 1: 100%|####| 3/3 [00:00<00:00, 9.0it/s, eval_loss=0.5, acc_mean=0.7]")
    rows = rows_of("\n".join(bars))
    assert [(row["step"], "eval_loss" in row) for row in rows] == [(1, False), (2, False), (2, True)]


def test_dpo_is_known_by_rewards_that_start_at_zero(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(
        "".join(
            f"\rTrain step of epoch 0:  8%|# | {at}/4 [00:01<00:02, 1.0it/s, loss={loss}, acc=0.5, "
            f"chosen_reward={reward}, reject_reward={-reward}, lr=1e-6, grad_norm=1]"
            for at, loss, reward in ((0, 0.693, 0), (1, 0.68, 0.01), (2, 0.66, 0.02))
        )
    )
    run = read_run(log)
    assert run.method.value == "dpo"
    assert list(run.columns["reward_chosen"].values) == [0.0, 0.01, 0.02]


def test_beneath_ray(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text(
        "".join(
            "\x1b[36m(PPOTrainer pid=11)\x1b[0m INFO 01-02 03:04:05 ppo_trainer.py:551] ✨ Global step "
            f"{step}: {{'policy_loss': 1e-06, 'reward': {step / 4}, 'ppo_kl': nan}}\n"
            for step in (1, 2)
        )
    )
    run = read_run(log)
    assert list(run.columns["score_mean"].values) == [0.25, 0.5]
    assert run.columns["approx_kl"].finite() == []
