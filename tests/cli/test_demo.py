"""`barograph demo`: what a newcomer sees, and that it says what `check` says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from barograph.cli.demo import demo as command
from barograph.core.finding import Diagnosis, Severity, Verdict
from barograph.monitor import check
from barograph.recipes.recorded import HEALTHY, SICK, recording

CAUSE = "pairs too alike: likelihood displacement"
SILENT = {**os.environ, "NO_COLOR": "1"}
#: Starts the command as if nothing were installed but what barograph depends on.
BARE = """
import sys
sys.modules |= dict.fromkeys(["torch", "transformers", "trl", "datasets", "accelerate", "peft", "matplotlib", "rich",
                              "pandas", "pyarrow", "yaml"])
from barograph.cli.main import main
main()
"""


def demo(*arguments: object, bare: bool = False) -> subprocess.CompletedProcess[str]:
    start = [sys.executable, "-c", BARE] if bare else [sys.executable, "-m", "barograph"]
    return subprocess.run(
        [*start, "demo", "--fast", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60,
        env=SILENT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both runs, played and kept."""
    folder = tmp_path_factory.mktemp("demo") / "kept"
    done = demo("both", "--keep", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "waiting" not in done.stdout  # For a log that is being made there.
    (folder.parent / "said").write_text(done.stdout, encoding="utf-8")
    return folder


def barograph(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "barograph", *map(str, arguments)], capture_output=True, text=True, check=False,
        timeout=60, env=SILENT,
    )  # fmt: skip


# What is seen


def test_the_sick_run_is_named_with_its_cause_while_loss_and_margin_look_well() -> None:
    done = demo()
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "HEALTHY" in next(line for line in lines if line.startswith("demo-sick (dpo): step "))
    first, then = (index for index, line in enumerate(lines) if " LIK01 chosen-and-rejected-falling: " in line)
    assert ": warning " in lines[first]
    assert ": critical " in lines[then]
    end = next(index for index, line in enumerate(lines) if line.startswith("the run has ended: UNHEALTHY"))
    assert first < then < end
    assert lines[end + 1] == f"likeliest cause: {CAUSE}"
    assert "is 0.58, and 0 answers in 100 are right." in done.stdout
    assert "barograph demo healthy" in done.stdout
    assert "barograph demo both --keep" in done.stdout


def test_its_twin_is_silent_from_beginning_to_end() -> None:
    done = demo(HEALTHY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the run has ended: HEALTHY" in done.stdout
    for word in ("warning", "critical", "WATCH", "UNHEALTHY", "likeliest cause"):
        assert word not in done.stdout
    assert "is 0.17, and 94 answers in 100 are right." in done.stdout


def test_both_are_compared_and_the_better_margin_does_not_win(kept: Path) -> None:
    said = (kept.parent / "said").read_text(encoding="utf-8")
    assert "To be preferred: healthy." in said
    row = next(line.split() for line in said.splitlines() if line.startswith("  Reward margin (eval), end"))
    assert float(row[-1]) > 3 * float(row[-2])  # The columns: healthy, sick.
    assert (kept / "comparison.html").stat().st_size > 10_000


# What is said of it is true


def nats_of_the_chosen() -> Iterator[tuple[int, float]]:
    """What the chosen answers of the sick run have lost, in nats: their reward divided by beta."""
    for step, row in recording(SICK).rows:
        if "rewards/chosen" in row:
            yield step, row["rewards/chosen"] / 0.01


def reached_for_good(nats: float) -> int:
    """The first step from which on every row lies below."""
    return 1 + max(step for step, lost in nats_of_the_chosen() if lost >= nats)


def lik01(diagnosis: Diagnosis) -> tuple[Severity, int, int]:
    (found,) = [one for one in diagnosis.findings if one.severity > Severity.INFO and one.follows is None]
    assert found.code == "LIK01"
    return found.severity, found.step, found.last_step


def test_the_finding_stands_at_the_step_that_the_numbers_say(kept: Path) -> None:
    # By hand: the chosen answers lie below -1 nat from step 7 on; the rule wants a tenth of the run, 15 steps, of it,
    # by an average over the last seven or so.
    assert reached_for_good(-1) == 7
    severity, step, last = lik01(check(kept / SICK))
    assert severity is Severity.CRITICAL
    assert 7 + 15 - 1 <= step <= 7 + 15 - 1 + 7
    assert last == 150
    told = [json.loads(line) for line in (kept / SICK / "logs/findings.jsonl").read_text().splitlines()]
    at = {one["severity"]: one["at"] for one in told if one["code"] == "LIK01"}
    # A warning is for 20 nats: below them for good from step 32 on, and by an average a few steps later.
    assert reached_for_good(-20) == 32
    assert 32 <= at["warning"] <= 32 + 7
    # Critical is for 100 nats: seven rows in a row first lie below them in the mean at step 79.
    lost = [nats for _, nats in nats_of_the_chosen()]
    assert next(step for step in range(7, 151) if sum(lost[step - 7 : step]) / 7 < -100) == 79
    assert 79 <= at["critical"] <= 79 + 7


def test_check_names_the_cause_and_says_nothing_of_the_twin(kept: Path) -> None:
    sick, healthy = check(kept / SICK), check(kept / HEALTHY)
    assert (sick.verdict, healthy.verdict) == (Verdict.UNHEALTHY, Verdict.HEALTHY)
    assert sick.causes[0].name == CAUSE
    assert healthy.causes == []
    assert {one.severity for one in healthy.findings} == {Severity.INFO}
    codes = [barograph("check", kept / name, "--quiet").returncode for name in (SICK, HEALTHY)]
    assert codes == [3, 0]


def test_the_report_and_the_plots_say_the_same(kept: Path) -> None:
    for name, words in ((SICK, "LIK01 chosen-and-rejected-falling"), (HEALTHY, "Healthy: nothing to worry about")):
        text = (kept / name / "report.html").read_text(encoding="utf-8")
        assert words in text
        assert barograph("report", kept / name, "-o", kept / name / "again.html").returncode == 0
        assert words in (kept / name / "again.html").read_text(encoding="utf-8")
    assert "LIK01" not in (kept / HEALTHY / "report.html").read_text(encoding="utf-8")


def test_the_plots_are_drawn_where_that_is_possible(kept: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the `plot` extra")
    for name in (SICK, HEALTHY):
        assert (kept / name / "metrics/plots/training_progress.png").read_bytes().startswith(b"\x89PNG")
        assert barograph("plot", kept / name, "-o", kept.parent / name).returncode == 0
        assert (kept.parent / name / "overview.png").read_bytes().startswith(b"\x89PNG")


def test_what_is_kept_is_what_was_recorded(kept: Path) -> None:
    for name in (SICK, HEALTHY):
        text = (kept / name / "logs/training_metrics.jsonl").read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.splitlines()]
        assert tuple((row.pop("step"), row) for row in rows) == recording(name).rows
        about = json.loads((kept / name / "run.json").read_text(encoding="utf-8"))
        assert (about["state"], about["config"]) == ("finished", recording(name).config)


# How it behaves


@pytest.mark.parametrize("what", [SICK, HEALTHY, "both"])
def test_it_needs_nothing_but_the_core(tmp_path: Path, what: str) -> None:
    done = demo(what, "--keep", tmp_path / "kept", bare=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the run has ended" in done.stdout
    home = tmp_path / "kept" / SICK if what == "both" else tmp_path / "kept"
    assert (home / "report.html").is_file()
    assert not (home / "metrics/plots").exists()


def test_nothing_is_left_where_no_folder_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "barograph", "demo", "both", "--fast"], capture_output=True, text=True, check=False,
        timeout=60, cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path), "MPLCONFIGDIR": str(tmp_path.parent)},
    )  # fmt: skip
    assert done.returncode == 0
    assert str(tmp_path) not in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", [SICK, HEALTHY, "both", "dpo"])
def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, what: str) -> None:
    (tmp_path / "mine").write_text("precious")
    done = demo(what, "--keep", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"barograph: {tmp_path}: is there already and not empty; name a folder that is not\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(("arguments", "least", "most"), [((), 15, 20), (("--fast",), 0, 1)])
def test_it_takes_its_time_or_none(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], least: float, most: float
) -> None:
    clock = SimpleNamespace(now=0.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    slept = SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep)
    monkeypatch.setattr("barograph.cli.demo.time", slept)
    monkeypatch.setattr("barograph.cli.watch.time", slept)
    done = CliRunner().invoke(command, [SICK, *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    assert least <= clock.now <= most


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_ctrl_c_keeps_what_was_played(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    log = folder / "logs/training_metrics.jsonl"
    with subprocess.Popen(
        [sys.executable, "-m", "barograph", "demo", "--keep", str(folder)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=SILENT,
    ) as playing:  # fmt: skip
        while playing.poll() is None and not (log.is_file() and log.read_text().count("\n") >= 3):
            time.sleep(0.05)
        playing.send_signal(signal.SIGINT)
        _, told = playing.communicate(timeout=30)
    assert playing.returncode == 130
    assert told == f"barograph: interrupted; what was played so far is kept: barograph check {folder}\n"
    assert json.loads((folder / "run.json").read_text())["state"] == "interrupted"
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert 3 <= len(rows) < 150
    assert tuple((row.pop("step"), row) for row in rows) == recording(SICK).rows[: len(rows)]


@pytest.mark.train
def test_a_tiny_model_learns_and_its_run_is_kept(tmp_path: Path) -> None:
    for library in ("torch", "transformers", "trl", "datasets"):
        pytest.importorskip(library, reason="needs the `train` extra")
    done = subprocess.run(
        [sys.executable, "-m", "barograph", "demo", "dpo"], capture_output=True, text=True, check=False, timeout=110,
        cwd=tmp_path, env=SILENT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("dpo: Of two answers, the chosen one against the rejected one.\n")
    assert "dpo, 150 steps: healthy" in done.stdout
    assert "runs/demo-dpo/metrics/plots" in done.stdout
    assert "the report:  runs/demo-dpo/report.html" in done.stdout
    assert "Healthy: nothing to worry about" in (tmp_path / "runs/demo-dpo/report.html").read_text(encoding="utf-8")
    assert check(tmp_path / "runs/demo-dpo").verdict is Verdict.HEALTHY


def test_a_word_that_is_none_is_a_mistake_of_usage() -> None:
    done = demo("dop")
    assert done.returncode == 2
    assert "'dop' is not one of 'sick', 'healthy', 'both', 'kto', 'dpo', 'reward', 'prm'" in done.stderr


def test_it_is_shown_as_a_page_until_ctrl_c() -> None:
    command = [sys.executable, "-u", "-m", "barograph", "demo", "--fast", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = next(line for line in process.stdout if line.startswith("The page: "))
        address = said.split()[-1]
        assert any("stays until" in line for line in process.stdout)
        with urllib.request.urlopen(f"{address}api/run?run=demo-sick") as answer:
            told = json.load(answer)["diagnosis"]
        assert (told["verdict"], told["last_step"]) == ("unhealthy", 150)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address)
