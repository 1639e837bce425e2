"""`barograph data RUN` as a person or a script uses it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from barograph.cli.main import cli

sys.path.insert(0, str(Path(__file__).parent.parent / "data"))
from made_runs import made_run

ROWS = [{"prompt": f"Say {n}.", "chosen": f"It is {n}.", "rejected": f"No {n}."} for n in range(200)]


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner(env={"NO_COLOR": "1", "COLUMNS": "80", **environment}).invoke(
        cli, ["data", *map(str, arguments)], standalone_mode=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The first tenth of the labels was never held with; the next one wavered."""
    margins = [
        [-2.0 - n / 100 if n < 20 else (1.0, -1.0)[epoch % 2] if n < 40 else 2.0 + n % 7 / 10 for n in range(200)]
        for epoch in range(4)
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in reversed(ROWS)))
    return made_run(tmp_path / "run", ROWS, margins, data=str(file))


def test_what_a_person_reads(folder: Path) -> None:
    done = run(folder, "--top", 20)
    assert done.exit_code == 0
    text = " ".join(done.stdout.split())
    assert "200 of 200 examples were looked at, 4.0 times each on average." in text
    assert "20 examples stand apart from the rest" in text
    assert "never learned 20 10.0%" in text
    assert "held with at 0 of 4 looks prompt Say 1" in text
    assert "row 181 margin -2.19, held with at 0 of 4 looks prompt Say 19. chosen It is 19. rejected No 19." in text
    assert "lost again 2 times" in text
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_only_as_many_as_asked_for_and_all_of_those_that_wavered_by_v(folder: Path) -> None:
    assert run(folder, "--top", 3).stdout.count("held with at 0 of 4") == 3
    assert run(folder, "--top", 3).stdout.count("held with at 2 of 4") == 1
    assert run(folder, "--top", 3, "-v").stdout.count("held with at 2 of 4") == 3


def test_json(folder: Path) -> None:
    answer = json.loads(run(folder, "--json", "--top", 20).stdout)
    assert answer["schema"] == 1
    told = answer["run"]
    assert (told["method"], told["examples"], told["apart"]) == ("dpo", 200, 20)
    assert sorted(one["file_row"] for one in told["suspects"]) == list(range(181, 201))


def test_a_terminal_that_knows_ascii_only(folder: Path) -> None:
    from barograph.cli.data_run import run_lines
    from barograph.console.terminal import Terminal
    from barograph.data.suspects import report_of_run

    assert "\n".join(run_lines(report_of_run(folder), Terminal(unicode=False))).isascii()


def test_options_that_have_no_say_are_refused(folder: Path) -> None:
    assert "--eval is for data sets" in str(run(folder, "--eval", "x.jsonl").exception)
    file = folder.parent / "pairs.jsonl"
    assert "--top is for runs" in str(run(file, "--top", 3).exception)


def test_a_run_without_labels(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"method": "grpo"}')
    assert "there is no label to be wrong" in str(run(tmp_path).exception)


def test_check_names_this_command_where_margins_were_kept_and_nowhere_else(folder: Path, tmp_path: Path) -> None:
    row = {"loss": 0.69, "rewards/margins": 0.0}

    def said(where: Path) -> str:
        (where / "logs").mkdir(parents=True, exist_ok=True)
        log = "".join(json.dumps({"step": step, **row}) + "\n" for step in range(1, 9))
        (where / "logs/training_metrics.jsonl").write_text(log)
        return CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"}).invoke(cli, ["check", str(where)]).stdout

    hint = "lists labels that are likely wrong"
    assert f"barograph data {folder} {hint}" in said(folder)
    assert hint not in said(tmp_path / "other")
