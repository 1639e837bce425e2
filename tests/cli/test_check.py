"""`barograph check` as a person or a script uses it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import barograph
from barograph.cli.main import cli
from barograph.core.finding import Verdict

SICK = [(5, 0.650, -0.045, 0.033, -0.078), (10, 0.720, -0.112, 0.089, -0.201), (25, 0.850, -0.234, 0.198, -0.432)]
WELL = [
    (5, 0.650, -0.045, 0.033, -0.078),
    (10, 0.620, 0.012, -0.015, 0.027),
    (25, 0.580, 0.089, -0.112, 0.201),
    (50, 0.520, 0.234, -0.189, 0.423),
    (100, 0.450, 0.512, -0.298, 0.810),
    (145, 0.420, 0.678, -0.445, 1.123),
]
KEYS = ("step", "loss", "rewards/chosen", "rewards/rejected", "rewards/margins")


def write(path: Path, rows: list[tuple[float, ...]], **more: float) -> Path:
    path.write_text("".join(json.dumps({**dict(zip(KEYS, row, strict=True)), **more}) + "\n" for row in rows))
    return path


@pytest.fixture
def sick(tmp_path: Path) -> Path:
    return write(tmp_path / "kto-sick.jsonl", SICK, kl=0.1)


@pytest.fixture
def well(tmp_path: Path) -> Path:
    return write(tmp_path / "kto-well.jsonl", WELL, kl=0.1)


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner(env={"NO_COLOR": "1", "COLUMNS": "90", **environment}).invoke(
        cli, ["check", *map(str, arguments)], standalone_mode=False
    )


def exit_code(result: Result) -> int:
    """Without click's own standalone mode, an exit code is the value returned or the `Exit` raised."""
    return result.return_value if isinstance(result.return_value, int) else result.exit_code


def process(*arguments: object, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[str]:
    """The whole program, as installed."""
    return subprocess.run(
        [sys.executable, "-m", "barograph", *map(str, arguments)],
        input=stdin.decode(),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "BAROGRAPH_CACHE": "off", **environment},
    )


def test_the_verdict_comes_first(sick: Path) -> None:
    output = run(sick).output
    assert output.startswith("UNHEALTHY")
    told = ("Likeliest cause: learning rate too high", "Start again with half the learning rate", "speaks for it: ",
            "Less likely: chosen and rejected swapped", "PREF03 margin-inverted  critical")  # fmt: skip
    assert sorted(told, key=output.index) == list(told)
    assert output.count("Start again") == 1  # What else may be done is told where everything is asked for.
    assert "Do:  Stop the run" in run(sick, "-v").output


def test_a_healthy_run_is_left_in_peace(well: Path) -> None:
    result = run(well)
    assert exit_code(result) == 0
    assert result.output.startswith("HEALTHY")
    assert "Likeliest cause" not in result.output


@pytest.mark.parametrize(
    ("fail_on", "expected"), [("warning", 3), ("critical", 3), ("never", 0)], ids=["warning", "critical", "never"]
)
def test_exit_code_follows_fail_on(sick: Path, fail_on: str, expected: int) -> None:
    assert exit_code(run(sick, "--fail-on", fail_on)) == expected


def test_a_warning_passes_when_only_critical_findings_fail(tmp_path: Path) -> None:
    flat = [(step, 0.6931, 0.0001, 0.0, 0.0001 * (step % 2)) for step in range(1, 60)]
    log = write(tmp_path / "kto.jsonl", flat, grad_norm=5.0)
    assert exit_code(run(log, "--method", "dpo", "--select", "PREF04")) == 3
    assert exit_code(run(log, "--method", "dpo", "--select", "PREF04", "--fail-on", "critical")) == 0


def test_json_is_the_documented_object(sick: Path, well: Path) -> None:
    result = run(sick, well, "--json")
    answer = json.loads(result.output, parse_constant=lambda token: pytest.fail(f"{token} is not JSON"))
    assert answer["schema"] == 1
    first, second = answer["runs"]
    assert {"path", "source", "method", "rows", "first_step", "last_step", "verdict", "findings"} <= first.keys()
    assert {"causes", "not_judged", "stages", "notes"} <= first.keys()
    assert (first["verdict"], second["verdict"]) == ("unhealthy", "healthy")
    assert (first["method"], first["rows"], first["first_step"], first["last_step"]) == ("kto", 3, 5, 25)
    finding = next(finding for finding in first["findings"] if finding["code"] == "PREF03")
    assert finding["severity"] == "critical"
    assert finding["metric"] == "reward_margin"
    assert finding["action"] == "stop"
    assert finding["evidence"]["value"] == -0.432
    assert [stage["stage"] for stage in first["stages"]] == ["start", "early"]


def test_the_prescription_is_there_as_numbers(tmp_path: Path, project: Path) -> None:
    """The margin falls from step 60 on; checkpoints lie there every 25 steps, and the configuration says the rate."""
    (tmp_path / "logs").mkdir()
    log = (project / "examples" / "kto-sick.jsonl").read_text()
    (tmp_path / "logs" / "training_metrics.jsonl").write_text(log)
    config = {"learning_rate": 5e-5, "lora": False, "max_steps": 145}
    (tmp_path / "run.json").write_text(json.dumps({"method": "kto", "config": config, "state": "finished"}))
    for step in (25, 50, 75, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
    (judged,) = json.loads(run(tmp_path, "--json").output)["runs"]
    first = judged["causes"][0]
    assert first["name"] == "learning rate too high"
    says = "Resume from checkpoint-50 with learning_rate 5e-6 (now 5e-5; 5e-6 is the most that is usual for kto)"
    changes = {"learning_rate": {"now": 5e-5, "to": 5e-6}}
    assert first["prescription"] == {"says": says, "changes": changes, "resume_from": 50}
    assert first["advice"] == [says]
    (loss,) = (one for one in first["for"] if one["code"] == "LOSS02")
    assert (loss["kind"], loss["says"], loss["weight"] > 0) == ("finding", "loss-rising", True)
    rate = "the learning rate is 5e-5, 10 times the most: 5e-7 to 5e-6 is usual for kto"
    assert {"kind": "setting", "code": None, "says": rate, "weight": None} in first["for"]
    assert {"kind": "silence", "code": "GRAD01", "says": "gradient-explosion", "weight": None} in first["against"]
    assert set(first["codes"]) <= set(first["explains"])
    # PREF05 is a consequence of the inverted margin.
    assert "PREF05" in first["explains"]


def test_a_forecast_is_one_dim_line_and_no_finding(tmp_path: Path) -> None:
    """The loss falls by a fiftieth a step, to 0.01 at step 212: some 92 steps after the last."""
    rows = "".join(f'{{"step": {step}, "loss": {0.7 * math.exp(-0.02 * step)}}}\n' for step in range(1, 121))
    log = tmp_path / "falling.jsonl"
    log.write_text(rows, "utf-8")
    (line,) = (line for line in run(log, "--method", "dpo").stdout.splitlines() if line.startswith("Forecast"))
    assert "in about 92 steps (3" in line
    (judged,) = json.loads(run(log, "--method", "dpo", "--json").stdout)["runs"]
    assert [(one["code"], one["steps"]) for one in judged["forecasts"]] == [("LOSS04", 92)]
    assert "LOSS04" not in {finding["code"] for finding in judged["findings"]}


def test_non_finite_numbers_never_make_invalid_json(tmp_path: Path) -> None:
    log = tmp_path / "nan.jsonl"
    log.write_text('{"step": 1, "loss": 0.7}\n{"step": 2, "loss": NaN}\n{"step": 3, "loss": Infinity}\n')
    result = run(log, "--json", "--method", "dpo")
    answer = json.loads(result.output, parse_constant=lambda token: pytest.fail(f"{token} is not JSON"))
    (finding,) = (f for f in answer["runs"][0]["findings"] if f["code"] == "NUM01")
    assert finding["step"] == 2


def test_several_runs_are_listed_worst_first(sick: Path, well: Path) -> None:
    lines = run(well, sick, "--quiet").output.splitlines()
    assert [line.split()[0] for line in lines] == ["UNHEALTHY", "HEALTHY"]
    assert lines[0].endswith("(kto) learning rate too high: margin-inverted, loss-rising")


def test_a_glob_is_expanded(sick: Path, well: Path) -> None:
    assert len(run(str(sick.parent / "kto-*.jsonl"), "-q").output.splitlines()) == 2


def test_one_broken_log_hides_no_other(sick: Path, tmp_path: Path) -> None:
    broken = tmp_path / "empty.jsonl"
    broken.touch()
    done = process("check", sick, broken, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["runs"][0]["verdict"] == "unhealthy"
    assert json.loads(done.stdout)["errors"][0]["path"].endswith("empty.jsonl")
    assert done.stderr.count("\n") == 1


def test_select_and_ignore(sick: Path) -> None:
    only = json.loads(run(sick, "--json", "--select", "LOSS").output)["runs"][0]
    assert {finding["code"] for finding in only["findings"]} == {"LOSS02"}
    without = json.loads(run(sick, "--json", "--ignore", "margin-inverted").output)["runs"][0]
    assert "PREF03" not in {finding["code"] for finding in without["findings"]}


def test_an_unknown_rule_gets_a_suggestion(sick: Path) -> None:
    done = process("check", sick, "--select", "PERF03")
    assert done.returncode == 2
    assert "PREF03" in done.stderr
    assert done.stderr.count("\n") == 1


def test_settings_of_a_file_hold(sick: Path, tmp_path: Path) -> None:
    config = tmp_path / "mine.toml"
    config.write_text("[rules.PREF03]\npatience = 500\n")
    codes = {f["code"] for f in json.loads(run(sick, "--json", "--config", config).output)["runs"][0]["findings"]}
    assert "PREF03" not in codes
    assert "LOSS02" in codes


def test_metrics_of_unknown_names_can_be_mapped(tmp_path: Path) -> None:
    log = tmp_path / "own.jsonl"
    log.write_text(
        "".join(json.dumps({"step": s, "loss": 0.6, "my_gap": -0.5 - 0.01 * s}) + "\n" for s in range(1, 40))
    )
    config = tmp_path / "mine.toml"
    config.write_text('[metrics]\nmy_gap = "reward_margin"\n')
    before = json.loads(run(log, "--json", "--method", "dpo").output)["runs"][0]
    after = json.loads(run(log, "--json", "--method", "dpo", "--config", config).output)["runs"][0]
    assert "PREF03" not in {f["code"] for f in before["findings"]}
    assert "PREF03" in {f["code"] for f in after["findings"]}


def test_standard_input(sick: Path) -> None:
    done = process("check", "-", "--json", stdin=sick.read_bytes())
    assert done.returncode == 3
    assert json.loads(done.stdout)["runs"][0]["verdict"] == "unhealthy"


def test_ascii_where_the_terminal_has_nothing_else(sick: Path) -> None:
    done = process("check", sick, PYTHONIOENCODING="ascii")
    assert done.returncode == 3, done.stderr
    assert done.stdout.isascii()


def test_colour_only_when_asked_for(sick: Path) -> None:
    assert "\x1b" not in process("check", sick).stdout
    assert "\x1b[" in process("check", sick, NO_COLOR="", FORCE_COLOR="1").stdout


def test_a_reader_that_goes_away_is_no_error(sick: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m barograph check {sick} {sick} {sick} | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("UNHEALTHY")


def test_escapes_in_names_and_values_never_reach_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "evil\x1b[31m.jsonl"
    row = {"loss": math.nan, "loss\x1b]0;owned\x07": 1.0, "note": "\x1b[2J", "evil\nkey": 2.0}
    log.write_text("".join(json.dumps({"step": step, **row}) + "\n" for step in range(1, 5)))
    for arguments in ((log,), (log, "-v"), (log, "-q"), (str(log) + "x",)):
        done = process("check", *arguments)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\x07" not in done.stdout + done.stderr


BAD = {
    "empty": b"",
    "blank": b"\n \n\n",
    "truncated": b'{"log_history": [{"step": 1, "loss": 0.5}, {"step": 2, "lo',
    "binary": bytes(range(256)) * 40,
    "text-metric": b'{"step": 1, "loss": "high"}\n{"step": 2, "loss": "low"}\n',
    "fraction": b'{"step": 0.5, "loss": 1.0}\n{"step": 1.5, "loss": 0.9}\n',
    "negative": b'{"step": -5, "loss": 1.0}\n{"step": -4, "loss": 0.9}\n',
    "prose": b"Dear diary,\ntoday the loss went down.\n",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(tmp_path: Path, name: str) -> None:
    log = tmp_path / f"{name}.jsonl"
    log.write_bytes(BAD[name])
    done = process("check", log)
    assert done.returncode == 1, done.stdout
    assert done.stdout == ""
    assert done.stderr.startswith("barograph: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_path_and_an_empty_folder_are_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        done = process("check", path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr


def test_a_table_of_a_million_columns_is_refused_quickly(tmp_path: Path) -> None:
    log = tmp_path / "wide.csv"
    log.write_text(",".join(f"c{i}" for i in range(10**6)) + "\n" + ",".join("1" for _ in range(10**6)) + "\n")
    done = process("check", log)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_whole_steps_written_as_floats_are_fine(tmp_path: Path) -> None:
    log = tmp_path / "floats.jsonl"
    log.write_text("".join(json.dumps({"step": float(s), "loss": 0.69 - s / 200}) + "\n" for s in range(1, 30)))
    assert barograph.check(log, method="dpo").last_step == 29


def test_no_arguments_is_a_usage_error() -> None:
    done = process("check")
    assert done.returncode == 2
    assert "Usage" in done.stderr


def test_the_python_interface_gives_the_same_answer(sick: Path, well: Path) -> None:
    assert barograph.check(sick).verdict is Verdict.UNHEALTHY
    assert barograph.check(well).verdict is Verdict.HEALTHY
    assert barograph.read(sick).latest("reward_margin") == -0.432
