from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from barograph.cli.export import export
from barograph.core.errors import ConfigurationError, MissingExtra
from barograph.core.methods import Method
from barograph.sources.runs import read_run

LOG = [
    {"step": 1, "loss": 0.69, "rewards/margins": 0.0, "grad_norm": "NaN", "my/key": 3},
    {"step": 2, "loss": 0.6, "rewards/margins": 0.1, "grad_norm": "Infinity"},
    {"step": 2, "eval_loss": 0.65, "eval_rewards/margins": 0.2},
    {"step": 3, "loss": 0.5, "rewards/margins": 0.3, "grad_norm": "-Infinity"},
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "dpo.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in LOG), "utf-8")
    return path


def exported(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(export, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_json_lines_by_default_under_canonical_names(log: Path) -> None:
    rows = [json.loads(line) for line in exported(log).stdout.splitlines()]
    assert rows == [
        {"step": 1, "loss": 0.69, "reward_margin": 0.0, "grad_norm": "NaN"},
        {"step": 2, "loss": 0.6, "reward_margin": 0.1, "grad_norm": "Infinity"},
        {"step": 2, "eval.loss": 0.65, "eval.reward_margin": 0.2},
        {"step": 3, "loss": 0.5, "reward_margin": 0.3, "grad_norm": "-Infinity"},
    ]


def test_raw_names(log: Path) -> None:
    rows = [json.loads(line) for line in exported(log, "--raw").stdout.splitlines()]
    assert [{key: value for key, value in row.items() if key != "my/key"} for row in LOG] == rows


def test_csv(log: Path) -> None:
    header, *rows = csv.reader(exported(log, "--format", "csv").stdout.splitlines())
    assert header == ["step", "loss", "reward_margin", "grad_norm", "eval.loss", "eval.reward_margin"]
    assert rows[0] == ["1", "0.69", "0.0", "nan", "", ""]
    assert rows[1][3] == "inf"
    assert rows[2] == ["2", "", "", "", "0.65", "0.2"]
    assert rows[3][3] == "-inf"


def test_json(log: Path) -> None:
    text = exported(log, "--format", "json").stdout
    assert json.loads(text) == [json.loads(line) for line in exported(log).stdout.splitlines()]


def test_a_split(log: Path) -> None:
    rows = [json.loads(line) for line in exported(log, "--split", "eval").stdout.splitlines()]
    assert rows == [{"step": 2, "eval.loss": 0.65, "eval.reward_margin": 0.2}]
    with pytest.raises(ConfigurationError, match=r"no split 'evl'; did you mean 'eval'\?; it has train, eval"):
        exported(log, "--split", "evl")


def test_to_a_file_by_its_ending(log: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    result = exported(log, "--to", target)
    assert result.stdout == ""
    assert "4 rows of 5 metrics (dpo) written to" in result.stderr
    assert "my/key" in result.stderr
    assert target.read_text("utf-8").startswith("step,loss,")
    exported(log, "--to", target, "--format", "json")
    assert target.read_text("utf-8").startswith("[")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dpo.jsonl", "out.csv"]


@pytest.mark.parametrize("name", ["out.txt", "out"])
def test_an_ending_that_names_no_format(log: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the ending names no format; take one of .jsonl, .csv"):
        exported(log, "--to", tmp_path / name)


def test_the_log_itself_is_never_written_over(log: Path, tmp_path: Path) -> None:
    before = log.read_bytes()
    (tmp_path / "link.jsonl").symlink_to(log)
    (tmp_path / "same.jsonl").hardlink_to(log)
    for target in (log, tmp_path / "link.jsonl", tmp_path / "same.jsonl"):
        with pytest.raises(ConfigurationError, match="is the log that is being read"):
            exported(log, "--to", target)
    assert log.read_bytes() == before


def test_nor_is_the_log_in_a_folder(tmp_path: Path) -> None:
    state = tmp_path / "checkpoint-5" / "trainer_state.json"
    state.parent.mkdir()
    state.write_text(json.dumps({"global_step": 5, "log_history": [{"step": 5, "loss": 0.5}]}), "utf-8")
    with pytest.raises(ConfigurationError, match="is the log that is being read"):
        exported(tmp_path, "--to", state)


def test_a_place_where_no_file_can_be(log: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no folder"):
        exported(log, "--to", tmp_path / "not" / "there.csv")
    with pytest.raises(ConfigurationError, match="is a folder"):
        exported(log, "--to", tmp_path, "--format", "csv")


def test_parquet_needs_a_file(log: Path) -> None:
    with pytest.raises(ConfigurationError, match="name a file with --to"):
        exported(log, "--format", "parquet")


def test_parquet_without_its_library(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'barograph\[parquet\]'"):
        exported(log, "--to", tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["dpo.jsonl"]


def test_names_of_ones_own(log: Path, tmp_path: Path) -> None:
    settings = tmp_path / "own.toml"
    settings.write_text('[metrics]\n"my/key" = "entropy"\n', "utf-8")
    first = json.loads(exported(log, "--config", settings).stdout.splitlines()[0])
    assert first["entropy"] == 3.0


@pytest.mark.parametrize("form", ["jsonl", "csv", "json"])
def test_what_was_written_is_read_back(log: Path, tmp_path: Path, form: str) -> None:
    target = tmp_path / f"again.{form}"
    exported(log, "--to", target)
    run, again = read_run(log), read_run(target, method=Method.DPO)
    assert set(again.columns) == set(run.columns)
    for key, column in run.columns.items():
        assert list(map(repr, again.columns[key].values)) == list(map(repr, column.values))
    twice = tmp_path / f"twice.{form}"
    exported(target, "--to", twice)
    assert twice.read_bytes() == target.read_bytes()


def test_as_a_program(log: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "barograph", "export"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    piped = subprocess.run(
        [*command, "-"], input=log.read_bytes(), capture_output=True, check=False, timeout=60, env=environment
    )
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert piped.stdout == exported(log).stdout_bytes
    absent = subprocess.run([*command, str(tmp_path / "absent")], capture_output=True, check=False, timeout=60)
    assert (absent.returncode, absent.stdout) == (1, b"")
    assert len(absent.stderr.splitlines()) == 1
    wrong = subprocess.run([*command, str(log), "--split", "x"], capture_output=True, check=False, timeout=60)
    assert wrong.returncode == 2


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="there is no /dev/null here")
def test_a_device_is_written_to_and_stays_one(log: Path) -> None:
    exported(log, "--to", "/dev/null", "--format", "csv")
    assert not Path("/dev/null").is_file()


def test_of_runs_that_follow_each_other_it_says_which_one_is_written(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rows = [f'{{"step": {step}, "loss": {attempt}}}\n' for attempt in (1, 2) for step in range(1, 31)]
    log.write_text("".join(rows))
    done = CliRunner().invoke(export, [str(log)])
    assert "this is the last" in done.stderr
    assert "log.jsonl#2" in done.stderr
    assert len(done.stdout.splitlines()) == 30
