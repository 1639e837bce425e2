"""torchtune: what its loggers wrote, beside what they were given."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from logged import SAMPLES, expected_of, must_agree, series_of

from barograph.core.errors import UnreadableRun
from barograph.sources.formats.consoles.torchtune import TORCHTUNE
from barograph.sources.runs import How, read_each, read_run

FOLDER = SAMPLES / "torchtune"


@pytest.mark.parametrize("log", ["console.log", "logs/log_1754129472.txt", "logs"])
def test_every_value_of_dpo(log: str) -> None:
    run = read_run(FOLDER / log)
    read, logged = series_of(run), expected_of(FOLDER / "expected.json")
    for key in set(logged) - set(run.unknown_keys):
        must_agree(read[key], logged[key], precision=1e-15)
    assert (run.source, run.method.value, run.first_step, run.last_step) == ("torchtune", "dpo", 1, 20)
    assert set(run.unknown_keys) == {"peak_memory_active", "peak_memory_alloc", "peak_memory_reserved"}


def test_every_value_of_ppo() -> None:
    run = read_run(FOLDER / "logs_ppo")
    read, logged = series_of(run), expected_of(FOLDER / "expected_ppo.json")
    for key, points in logged.items():
        must_agree(read["kl_per_answer" if key == "kl" else key], points, precision=1e-15)
    assert run.method.value == "ppo"


def test_what_ppo_means() -> None:
    """Its `kl` is a sum over the answer, some nats large, and no KL per token."""
    run = read_run(FOLDER / "logs_ppo")
    raws = {name: column.raw for name, column in run.columns.items()}
    assert (
        raws.items()
        >= {
            "kl_ref_sequence": "kl_per_answer",
            "approx_kl": "approx_policy_kl",
            "score_mean": "scores",
            "reward_total": "rlhf_reward",
            "ratio_mean": "ratios",
            "clip_frac": "clipfrac",
            "len_mean": "response_lengths",
            "eos_count": "num_stop_tokens",
        }.items()
    )
    assert "kl_ref" not in run.columns


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("Step 3 | loss:0.65 lr:1e-05 ", {"step": 3, "loss": "0.65", "lr": "1e-05"}),
        ("Step 3 | loss:nan", {"step": 3, "loss": "nan"}),
        ("1|12|Loss: 0.65:  5%|5 | 1/20 [00:01<00:19]Step 3 | loss:0.65 ", {"step": 3, "loss": "0.65"}),
        ("Step 3 | loss:tensor(0.65, device='cuda:0') lr:1 ", {"step": 3, "loss": "0.65", "lr": "1"}),
        ("Step 3 | Time: 12.41s | Loss: 0.5", None),
        ("Step 3 |", None),
        ("MyStep 3 | loss:1", None),
    ],
)
def test_lines(line: str, row: dict[str, object] | None) -> None:
    assert list(TORCHTUNE.parser().line(line)) == ([row] if row else [])


def test_every_start_is_a_run_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("log_1754129472.txt", "log_1754129999.txt"):
        shutil.copy(FOLDER / "logs" / "log_1754129472.txt", tmp_path / "logs" / name)
    (tmp_path / "logs" / "log_of_mine.txt").write_text("hello")
    assert len(list(read_each(tmp_path, How()))) == 2
    with pytest.raises(UnreadableRun, match="holds 2 runs"):
        read_run(tmp_path)
