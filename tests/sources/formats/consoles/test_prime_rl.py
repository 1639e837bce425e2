"""prime-rl: a sample that its messages were followed for, and the lines of its orchestrator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from logged import SAMPLES, expected_of, series_of

from barograph.sources.base import Document
from barograph.sources.catalogue import recognise
from barograph.sources.formats.consoles.prime_rl import PRIME_RL
from barograph.sources.runs import read_run

FOLDER = SAMPLES / "prime_rl"
OLDER = (
    "10:12:05 SUCCESS [trainer] Step 5 | Time: 12.41s | Loss: 0.0003 | Entropy: 0.4 | Mismatch KL: 0.001 | "
    "Grad. Norm: nan | LR: 1.00e-06 | Throughput: 21034 tokens/s | MFU: 31.0% | Peak Mem.: 61.2 GiB"
)
ORCHESTRATOR = (
    "10:12:05 SUCCESS Step {} | 12.41s | Reward 0.4125 | Trainable 120/128 (93.8%) | Seq. Length 812.4 tokens/sample | "
    "Error 0.8% | Cancelled 0.0% | Truncation 1.6%"
)


def row_of(line: str) -> dict[str, object]:
    return next(iter(PRIME_RL.parser().line(line)))


def test_every_value_of_the_trainer() -> None:
    run = read_run(FOLDER / "trainer.log")
    read = series_of(run)
    for key, points in expected_of(FOLDER / "expected_trainer.json").items():
        assert read[key] == [(step, pytest.approx(value, abs=5.1e-5, nan_ok=True)) for step, value in points]
    assert (run.source, run.method.value, run.first_step, run.last_step) == ("prime_rl_console", "grpo", 1, 20)
    assert run.latest("lr") == 1e-6
    raws = {name: column.raw for name, column in run.columns.items()}
    assert raws.items() >= {"kl_infer": "Mismatch KL", "grad_norm": "Grad. Norm", "loss": "Loss"}.items()


def test_older_versions_write_colons() -> None:
    row = row_of(OLDER)
    assert row["step"] == 5
    assert (row["Loss"], row["Grad. Norm"], row["LR"], row["step_time"]) == ("0.0003", "nan", "1.00e-06", "12.41")
    assert (row["Throughput"], row["MFU %"]) == ("21034", "31.0")


def test_shares_of_the_orchestrator(tmp_path: Path) -> None:
    log = tmp_path / "orchestrator.log"
    log.write_text("\n".join(ORCHESTRATOR.format(step) for step in (0, 1, 2)) + "\n")
    run = read_run(log)
    assert run.method.value == "grpo"
    assert run.latest("score_mean") == 0.4125
    assert run.latest("zero_std_frac") == pytest.approx(1 - 0.938)
    assert run.latest("truncated_frac") == pytest.approx(0.016)
    assert run.latest("error_frac") == pytest.approx(0.008)
    assert run.latest("aborted_frac") == 0.0


def test_records_written_as_json(tmp_path: Path) -> None:
    lines = [
        json.dumps({"timestamp": "2026-08-02T10:12:05", "level": "SUCCESS", "message": OLDER.split("] ")[1]}),
        json.dumps({"timestamp": "2026-08-02T10:12:06", "level": "INFO", "message": "saved"}),
    ]
    log = tmp_path / "trainer.log"
    log.write_text("\n".join(lines) + "\n")
    assert recognise(Document(str(log))) is PRIME_RL
    assert read_run(log).latest("kl_infer") == 0.001


def test_micro_steps_are_no_steps() -> None:
    line = "10:12:05   DEBUG Micro Step 1/8 | 1.2s | Loss: 0.5 | Entropy: 0.4"
    assert list(PRIME_RL.parser().line(line)) == []
