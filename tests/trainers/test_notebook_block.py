"""A run in a notebook: one block, shown once, then changed in place. The shell and its messages are IPython's own."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("IPython", reason="what is shown in a notebook is shown by IPython")

from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import barograph
from barograph.console.live import LiveConsole
from barograph.core.errors import ConfigurationError
from barograph.core.listener import Listener
from barograph.monitor.live import Monitor
from barograph.trainers.consoles import consoles, is_notebook
from barograph.trainers.notebook_block import NotebookBlock


class ZMQInteractiveShell(InteractiveShell):
    """Called as that of ipykernel, whose place it takes."""


class Shell(ZMQInteractiveShell):
    """Called as that of Colab."""


class SpyderShell(ZMQInteractiveShell):
    """Called as that of Spyder, which shows text."""


class TerminalInteractiveShell(InteractiveShell):
    """Called as that of IPython in a terminal."""


def opened(kind: type[InteractiveShell], home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("IPYTHONDIR", str(home))
    shell = kind.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.display_pub = CapturingDisplayPublisher(parent=shell)
    yield shell
    shell.restore_sys_module_state()
    kind.clear_instance()


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A notebook; its `display_pub.outputs` are the messages that a browser would get."""
    yield from opened(ZMQInteractiveShell, tmp_path / "ipython", monkeypatch)


def shown(shell: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = shell.display_pub.outputs
    return messages


def html_of(message: dict[str, Any]) -> str:
    text: str = message["data"]["text/html"]
    return text


def row(step: int, **more: float) -> dict[str, float]:
    dice, margin = random.Random(step), min(1.0, step / 100)
    return {
        "loss": 0.69 - 0.2 * margin + dice.gauss(0, 0.01), "rewards/chosen": margin / 2,
        "rewards/rejected": -margin / 2, "rewards/margins": margin + dice.gauss(0, 0.02), "grad_norm": 2.0,
        "learning_rate": 5e-7 * min(1.0, step / 10), **more,
    }  # fmt: skip


class Clock:
    """It goes on by itself by a little each time that it is read, and otherwise when it is told to."""

    def __init__(self, each: float = 0.0) -> None:
        self.now, self.each = 0.0, each

    def __call__(self) -> float:
        self.now += self.each
        return self.now


def monitored(folder: Path, clock: Clock, **more: Any) -> tuple[Monitor, NotebookBlock]:
    block = NotebookBlock(Listener(), timer=clock)
    return Monitor(folder, method="dpo", config={"max_steps": 100}, listeners=[block], **more), block


def test_it_is_shown_once_and_changed_in_place(tmp_path: Path, shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with barograph.start(tmp_path / "run", "dpo", {"max_steps": 40}) as run:
        assert "waiting for the first row" in html_of(shown(shell)[0])
        for step in range(1, 41):
            run.log(step, row(step))
    first, *others = shown(shell)
    assert not first["update"]
    assert others
    assert all(one["update"] for one in others)
    assert len({one["transient"]["display_id"] for one in shown(shell)}) == 1
    last = html_of(others[-1])
    assert "Healthy: nothing to worry about" in last
    assert "step 40 of 40" in last
    assert last.count("<figure>") == 4
    assert f"barograph.check(&#x27;{tmp_path / 'run'}&#x27;)" in last
    assert others[-1]["data"]["text/plain"].startswith("barograph: Healthy: nothing to worry about (dpo,")
    assert capsys.readouterr().out == ""


def test_a_sick_run_shows_what_was_found_and_where_and_what_the_guard_did(tmp_path: Path, shell: Any) -> None:
    with barograph.start(tmp_path, "dpo", {"max_steps": 100}, guard="stop") as run:
        for step in range(1, 101):
            run.log(step, row(step, **({"loss": math.nan} if step >= 30 else {})))
            if run.should_stop:
                break
        while_it_runs = html_of(shown(shell)[-1])
    for html in (while_it_runs, html_of(shown(shell)[-1])):
        assert "critical: NUM01 loss-not-finite, since step 30" in html
        assert 'class="mark critical"' in html
        assert "Likeliest cause: <strong>" in html
        assert "Guard, step 30: " in html
        assert "now no number" in html
    assert 'class="unhealthy">Unhealthy<' in while_it_runs
    assert 'class="unhealthy">Unhealthy: something is wrong<' in html_of(shown(shell)[-1])


def test_it_is_drawn_at_most_twice_a_second(tmp_path: Path, shell: Any) -> None:
    clock = Clock()
    monitor, _ = monitored(tmp_path, clock)
    for step in range(1, 101):
        clock.now += 0.1
        monitor.log(step, row(step))
    assert 18 <= len(shown(shell)) <= 21  # ten seconds
    assert monitor.mistakes == 0


def test_drawing_takes_a_small_share_of_the_time_however_long_it_takes(tmp_path: Path, shell: Any) -> None:
    clock = Clock(each=0.02)  # From its beginning to its end, a drawing takes 0.02 seconds.
    monitor, _ = monitored(tmp_path, clock)
    for step in range(1, 5_001):
        monitor.log(step, row(step % 100))
    assert len(shown(shell)) * 0.02 <= 0.03 * clock.now
    assert len(shown(shell)) > 50


def test_what_must_not_wait_is_drawn_at_once_but_not_without_end(tmp_path: Path, shell: Any) -> None:
    clock = Clock(each=0.01)
    monitor, block = monitored(tmp_path, clock)
    before = len(shown(shell))
    monitor.tell("the disk is full")
    assert len(shown(shell)) == before + 1
    assert "the disk is full" in html_of(shown(shell)[-1])
    for number in range(200):
        block.told(f"remark {number}")
    assert len(shown(shell)) - before < 30
    clock.now += 1_000
    monitor.log(1, row(1))
    assert "remark 199" in html_of(shown(shell)[-1])


def test_rows_that_are_gone_back_on_are_drawn_no_more(tmp_path: Path, shell: Any) -> None:
    clock = Clock()
    monitor, _ = monitored(tmp_path, clock)
    for step in range(1, 41):
        monitor.log(step, row(step, **({"loss": math.nan} if step >= 30 else {})))
    assert "NUM01" in html_of(shown(shell)[-1])
    monitor.went_back(20)
    clock.now += 1_000
    monitor.log(21, row(21))
    assert "NUM01 loss-not-finite, since" not in html_of(shown(shell)[-1])
    assert "step 21 of 100" in html_of(shown(shell)[-1])


def test_a_run_that_is_gone_on_with_shows_its_earlier_rows(tmp_path: Path, shell: Any) -> None:
    with barograph.start(tmp_path, "dpo", console=False) as run:
        for step in range(1, 31):
            run.log(step, row(step))
    with barograph.start(tmp_path) as run:
        run.log(31, row(31))
    assert "Loss" in html_of(shown(shell)[-1])
    assert "fell from" in html_of(shown(shell)[-1])
    assert "at step 1 to" in html_of(shown(shell)[-1])


def test_hostile_names_stay_text(tmp_path: Path, shell: Any) -> None:
    name = "<style><script>alert(1)"
    with barograph.start(tmp_path / "<script>", "grpo") as run:
        for step in range(1, 9):
            run.log(step, {f"rewards/{name}/mean": float(step), f"{name}/text": name})
    last = html_of(shown(shell)[-1])
    assert "<script" not in last
    assert last.count("<style>") == 1
    assert "Reward: &lt;style&gt;&lt;script&gt;alert(1)" in last
    assert "the metric &#x27;&lt;style&gt;&lt;script&gt;" in last


def test_a_display_that_breaks_is_told_once_and_lines_follow(
    tmp_path: Path, shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = barograph.start(tmp_path, "dpo", {"max_steps": 100})
    for step in range(1, 101):
        if step == 20:
            monkeypatch.setattr(shell.display_pub, "publish", lambda **_: 1 / 0)
        if step == 30:  # What is found is heard, though the block cannot show it.
            monkeypatch.setattr(NotebookBlock, "logged", lambda *_: None)
        run.log(step, row(step, **({"loss": math.nan} if step >= 30 else {})))
    diagnosis = run.finish()
    said = capsys.readouterr().out
    assert said.count("barograph made a mistake (ZeroDivisionError") == 1
    assert "NUM01 loss-not-finite" in said
    assert "UNHEALTHY" in said
    assert run.monitor is not None
    assert run.monitor.mistakes == 1
    assert diagnosis is not None
    assert diagnosis.rows == 100


def test_a_display_that_never_worked_breaks_nothing(
    tmp_path: Path, shell: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shell.display_pub, "publish", lambda **_: 1 / 0)
    with barograph.start(tmp_path, "dpo") as run:
        for step in range(1, 11):
            run.log(step, row(step))
    assert "Step" in capsys.readouterr().out
    assert len((tmp_path / "logs/training_metrics.jsonl").read_text().splitlines()) == 10


def test_lines_may_be_asked_for(tmp_path: Path, shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for console in ("text", False):
        with barograph.start(tmp_path, "dpo", console=console) as run:
            run.log(1, row(1))
        assert ("Step" in capsys.readouterr().out) is bool(console)
    assert shown(shell) == []
    with pytest.raises(ConfigurationError, match="unknown console 'txt': it is True, False or 'text'"):
        barograph.start(tmp_path, "dpo", console="txt")


@pytest.mark.parametrize(
    ("kind", "is_one"),
    [(ZMQInteractiveShell, True), (Shell, True), (SpyderShell, False), (TerminalInteractiveShell, False)],
)
def test_a_notebook_is_known_by_its_shell(
    kind: type[InteractiveShell], is_one: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in opened(kind, tmp_path, monkeypatch):
        assert is_notebook() is is_one
        assert [type(one) for one in consoles(asked=True)] == [NotebookBlock if is_one else LiveConsole]


def test_in_a_copy_of_the_notebooks_process_there_are_lines(shell: Any) -> None:
    shell.display_pub.session = SimpleNamespace(pid=-1)
    assert not is_notebook()


def test_elsewhere_nothing_is_loaded_for_it(tmp_path: Path) -> None:
    code = f"""
import sys, barograph
run = barograph.start({str(tmp_path)!r}, "dpo")
run.log(1, {{"loss": 0.5}})
run.finish()
print("LOADED", *{{"IPython", "numpy", "barograph.charts"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "no rows" not in done.stdout
    assert done.stdout.rstrip().endswith("LOADED")


@pytest.mark.train
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("default")  # The libraries warn of each other.
def test_a_training_in_a_notebook(
    tmp_path: Path, shell: Any, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    for library in ("torch", "transformers", "trl"):
        pytest.importorskip(library, reason="needs the `train` extra")
    from tiny_preferences import make, quiet

    from barograph.trainers.callback import BarographCallback

    quiet()
    with pytest.raises(ConfigurationError, match="unknown console 'txt'"):
        BarographCallback(console="txt")
    callback = BarographCallback()
    base: Path = request.getfixturevalue("base")  # Trains, so that the libraries must be there.
    make("dpo", base, tmp_path / "run", callback, steps=8, eval_strategy="steps", eval_steps=4).train()
    messages = [one for one in shown(shell) if "barograph" in one["data"].get("text/html", "")]
    assert [one["update"] for one in messages] == [False] + [True] * (len(messages) - 1)
    assert "step 8 of 8" in html_of(messages[-1])
    assert "Rewards of chosen and rejected" in html_of(messages[-1])
    assert str(tmp_path / "run") in html_of(messages[-1])
    assert callback.monitor is not None
    assert callback.monitor.mistakes == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "finished"
    assert "Step" not in capsys.readouterr().out
