"""SkyRL: what its tracking printed, beside what it was given."""

from __future__ import annotations

import pytest
from logged import SAMPLES, expected_of, series_of

from barograph.sources.formats.consoles.decimals import LOST
from barograph.sources.formats.consoles.skyrl import SKYRL
from barograph.sources.runs import read_run

FOLDER = SAMPLES / "skyrl"


def rows_of(text: str) -> list[dict[str, object]]:
    parser = SKYRL.parser()
    return [row for line in text.splitlines() for row in parser.line(line)] + list(parser.end())


@pytest.mark.parametrize("name", ["console", "console_nocolor", "console_ray"])
def test_every_value_at_its_step(name: str) -> None:
    """As far as four decimals go, which is not far enough for a learning rate of 1e-06."""
    run = read_run(FOLDER / f"{name}.log")
    read, logged = series_of(run), expected_of(FOLDER / "expected.json")
    for key in set(logged) & set(read):
        assert read[key] == [(step, pytest.approx(value, abs=5.1e-5, nan_ok=True)) for step, value in logged[key]]
    assert len(set(logged) & set(read)) >= 18
    assert "lr" not in run.columns
    assert LOST in run.notes
    assert (run.source, run.method.value, run.first_step, run.last_step) == ("skyrl", "grpo", 0, 16)


def test_what_it_means() -> None:
    raws = {name: column.raw for name, column in read_run(FOLDER / "console.log").columns.items()}
    assert (
        raws.items()
        >= {
            "score_mean": "reward/avg_raw_reward",
            "reward_total": "loss/avg_final_rewards",
            "kl_ref": "policy/policy_kl",
            "clip_frac": "policy/loss_metrics/clip_ratio",
            "entropy": "policy/policy_entropy",
            "len_mean": "generate/avg_num_tokens",
            "logp_diff_mean": "policy/rollout_train_logprobs_abs_diff_mean",
            "loss": "policy/final_loss",
            "eval.score_mean": "eval/all/avg_score",
            "eval/openai_gsm8k.score_mean": "eval/openai_gsm8k/avg_score",
            "eval/openai_gsm8k.task_accuracy": "eval/openai_gsm8k/pass_at_1",
        }.items()
    )


def test_numbers_of_numpy_and_a_dict_on_one_line() -> None:
    assert rows_of("x - Step 3: \n{'a': np.float32(0.25), 'b': np.int64(7), 'c': 'nan'}\n") == [
        {"step": 3, "a": "0.25", "b": "7", "c": "nan"}
    ]


def test_lines_of_other_processes_in_between() -> None:
    rows = rows_of("x - Step 3: \n{'a': '1.0',\nWARNING cache is full\n 'b': '2.0'}\n")
    assert rows == [{"step": 3, "a": "1.0", "b": "2.0"}]


def test_a_dict_that_never_ends_is_given_up() -> None:
    assert rows_of("x - Step 3: \n{'a': '1.0',\n" + "hello\n" * 200 + " 'b': '2.0'}\n") == []
    assert rows_of("x - Step 3: \n{'a': '1.0',\nx - Step 4: \n{'a': '2.0'}\n") == [{"step": 4, "a": "2.0"}]


def test_a_rate_that_has_decimals_is_kept() -> None:
    assert rows_of("x - Step 3: \n{'policy/policy_lr': '0.0010'}\n") == [{"step": 3, "policy/policy_lr": "0.0010"}]
