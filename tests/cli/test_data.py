"""`barograph data` as a person or a script uses it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from barograph.cli.data_report import data_lines
from barograph.cli.main import cli
from barograph.console.terminal import Terminal
from barograph.data.judge import judge
from barograph.data.reading import open_data

SENTENCES = ("The river is wide.", "A candle burns at noon.", "Nobody saw the ticket.", "Engines need a doctor.")


def rows(count: int = 60) -> list[dict[str, Any]]:
    return [
        {"prompt": f"Say number {n}.", "chosen": SENTENCES[n % 4], "rejected": SENTENCES[(n + 1 + n // 4 % 3) % 4]}
        for n in range(count)
    ]


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner(env={"NO_COLOR": "1", "COLUMNS": "80", **environment}).invoke(
        cli, ["data", *map(str, arguments)], standalone_mode=False
    )


def code_of(result: Result) -> int:
    return result.return_value if isinstance(result.return_value, int) else result.exit_code


@pytest.fixture
def well(tmp_path: Path) -> Path:
    return write(tmp_path / "well.jsonl", rows())


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Rows 7 and 8 of 60 have the same text on both sides."""
    lines = rows()
    for number in (7, 8):
        lines[number - 1]["rejected"] = lines[number - 1]["chosen"]
    return write(tmp_path / "faulty.jsonl", lines)


def test_what_is_well_is_left_in_peace(well: Path) -> None:
    result = run(well)
    assert result.output.startswith("HEALTHY: nothing to mend before the training")
    assert code_of(result) == 0


def test_the_verdict_comes_first_and_rows_are_shown(faulty: Path) -> None:
    result = run(faulty)
    output = result.output
    assert output.startswith("WATCH: worth a look before the training")
    told = ("60 rows, read as JSON lines", "! DATA04 identical-pair  warning, 3% of 60", "row 7  prompt: Say number 6.",
            "also row 8", "Do:  Leave these pairs out",
            "--clean OUT writes a copy without 2 of these 60 rows.")  # fmt: skip
    assert sorted(told, key=output.index) == list(told)
    assert code_of(result) == 3
    assert "Why: " not in output
    assert "Why: their margin is zero" in run(faulty, "-v").output


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(faulty: Path, width: int) -> None:
    lines = list(data_lines(judge(*open_data(str(faulty))), Terminal(width=width)))
    assert max(map(len, (line for line in lines if str(faulty) not in line))) <= width


def test_a_terminal_of_ascii_gets_ascii(faulty: Path) -> None:
    report = judge(*open_data(str(faulty)))
    assert "\n".join(data_lines(report, Terminal(unicode=False), verbose=True)).isascii()


def test_an_escape_sequence_never_reaches_the_terminal(tmp_path: Path) -> None:
    lines = rows()
    lines[2]["chosen"] = lines[2]["rejected"] = "\x1b[31mred"
    assert "\x1b" not in run(write(tmp_path / "a.jsonl", lines)).output


@pytest.mark.parametrize(("fail_on", "code"), [("warning", 3), ("critical", 0), ("never", 0)])
def test_what_makes_it_fail_can_be_chosen(faulty: Path, fail_on: str, code: int) -> None:
    assert code_of(run(faulty, "--fail-on", fail_on)) == code


def test_checks_can_be_chosen(faulty: Path) -> None:
    assert "DATA04" not in run(faulty, "--ignore", "identical-pair").output
    assert "1 of 1 checks" in run(faulty, "--select", "DATA04").output


def test_json_is_one_object(faulty: Path) -> None:
    answer = json.loads(run(faulty, "--json").output)
    assert answer["schema"] == 1
    assert {"path", "kind", "rows", "verdict", "findings", "not_judged", "figures"} <= answer["data"].keys()
    told = next(one for one in answer["data"]["findings"] if one["code"] == "DATA04")
    assert (told["count"], told["of"], told["drops"], told["severity"]) == (2, 60, 2, "warning")
    assert [one["row"] for one in told["examples"]] == [7, 8]
    assert told["rows"] == [7, 8]


def test_a_cleaned_copy(faulty: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = run(faulty, "--clean", out)
    assert f"Written: {out} with 58 rows; 2 were left out" in result.output
    kept = [row for number, row in enumerate(faulty.read_text().splitlines(), 1) if number not in {7, 8}]
    assert out.read_text().splitlines() == kept
    assert code_of(run(out)) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--select", "DATA4x"], "no check is called 'DATA4x'"),
        (["--set", "DATA04"], "--set 'DATA04': write it as DATA03.warns_from=0.01"),
        (["--set", "DATA04.warn_from=1"], "DATA04 has no number 'warn_from'; did you mean 'warns_from'?"),
        (["--set", "DATA99.x=1"], "--set: no check is called 'DATA99'"),
        (["--kind", "unpaired"], "has no column 'completion', which a data set of kind 'unpaired' needs"),
        (["--tokenizer", "nowhere"], "--tokenizer nowhere: there is no such file or folder; name one on disk"),
        (["--clean", "{path}"], "is there already, and nothing is written over"),
    ],
)
def test_a_wrong_command_is_one_sentence(arguments: list[str], says: str, well: Path) -> None:
    pytest.importorskip("transformers", reason="needs the `train` extra") if "--tokenizer" in arguments else None
    result = run(well, *(word.format(path=well) for word in arguments))
    assert says in str(result.exception)


def whole(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "barograph", "data", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_exit_codes_of_the_program(well: Path, faulty: Path, tmp_path: Path) -> None:
    assert whole(well).returncode == 0
    assert whole(faulty).returncode == 3
    assert whole(well, "--kind", "unpaired").returncode == 2
    gone = whole(tmp_path / "gone.jsonl")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr.count("\n") == 1
    assert "there is no such file or folder" in gone.stderr


def test_a_check_is_explained() -> None:
    def said(*words: str) -> str:
        return CliRunner(env={"NO_COLOR": "1"}).invoke(cli, ["explain", *words], standalone_mode=False).output

    assert said("DATA04").startswith("DATA04  identical-pair")
    assert said("identical-pair") == said("data04") == said("DATA04")
    assert "DATA36" in said("DATA")
    assert json.loads(said("DATA04", "--json"))["explained"][0]["kind"] == "check"


def test_one_row_is_written_out_and_all_of_them_with_verbose(tmp_path: Path) -> None:
    lines = rows()
    for line in lines[10:15]:
        line["rejected"] = line["chosen"]
    path = write(tmp_path / "a.jsonl", lines)
    assert "  row 11  prompt: Say number 10." in (short := run(path).output)
    assert "  also rows 12, 13 and 2 more" in short
    assert "row 12  prompt:" not in short
    assert "  row 13  prompt: Say number 12." in run(path, "-v").output


def test_sides_are_shown_from_where_they_part(tmp_path: Path) -> None:
    long = "The same words again and again, which nobody wants to read twice. " * 3
    lines = [*rows(), {"prompt": "Why?", "chosen": f"{long}It is 3.", "rejected": f"{long}It is 4."}]
    output = run(write(tmp_path / "a.jsonl", lines)).output
    assert "It is 3." in output
    assert "It is 4." in output


def test_figures_of_a_faultless_set_are_told(well: Path) -> None:
    assert '"longer wins" is right in ' in run(well).output


def test_columns_that_nobody_asks_for_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [{**line, "source": "x", "length": 3} for line in rows()])
    assert "Note: not looked at: source, length" in run(path).output


def test_data_may_come_through_a_pipe(faulty: Path) -> None:
    result = CliRunner(env={"NO_COLOR": "1"}).invoke(cli, ["data", "-"], input=faulty.read_bytes())
    assert result.output.startswith("WATCH: worth a look before the training  standard input")
    assert result.exit_code == 3


def test_a_copy_that_cannot_be_written_is_refused_before_anything_is_read(
    well: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("barograph.data.judge.judge", lambda *_, **__: pytest.fail("it was read all the same"))
    assert "is there already, and nothing is written over" in str(run(well, "--clean", well).exception)
    monkeypatch.setattr("os.access", lambda *_: False)
    said = str(run(well, "--clean", tmp_path / "out.jsonl").exception)
    assert said == f"{tmp_path}: nothing may be written there; name another folder"


def test_a_disk_that_fails_is_one_sentence_and_leaves_nothing(
    well: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("barograph.data.formats.lines.LinesFile.copy", fail)
    out = tmp_path / "out.jsonl"
    assert str(run(well, "--clean", out).exception) == f"{out}: No space left on device"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["well.jsonl"]


def test_a_person_sees_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("barograph.cli.progress.AFTER", 0.0)
    monkeypatch.setattr("barograph.cli.progress.Line.show", lambda _, text: shown.append(text))
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    path = write(tmp_path / "a.jsonl", rows(60) * 20)
    run(path)
    assert shown == [f"reading {str(path)[:50]}: 1,024 rows, {shown[0].rsplit(' ', 1)[1]}"]
    assert 80 < float(shown[0].rsplit(" ", 1)[1].rstrip("%")) <= 100


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["-"], ["{path}", "--clean", "{folder}/out.jsonl"]], ids=["waiting", "reading"])
def test_an_interrupt_ends_it_and_leaves_nothing(arguments: list[str], tmp_path: Path) -> None:
    path = write(tmp_path / "many.jsonl", rows(60) * 2_000)
    command = [sys.executable, "-m", "barograph", "data"]
    command += [word.format(path=path, folder=tmp_path) for word in arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        output, said = process.communicate(timeout=30)
    assert (process.returncode, output) == (130, b"")
    assert b"Traceback" not in said
    assert sorted(one.name for one in tmp_path.iterdir()) == ["many.jsonl"]
