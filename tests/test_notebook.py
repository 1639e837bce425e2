"""What a notebook shows: the page of what it is given, in a frame where nothing can run."""

from __future__ import annotations

import html
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import barograph
from barograph.core.errors import ConfigurationError
from barograph.core.finding import Diagnosis
from barograph.core.run import Run
from barograph.notebook import register


class Formatter:
    """As much of IPython's as we use."""

    def __init__(self) -> None:
        self.known: dict[type, Any] = {}

    def for_type(self, kind: type, show: Any) -> None:
        self.known[kind] = show


class Shell:
    def __init__(self) -> None:
        self.html = Formatter()
        self.display_formatter = self
        self.formatters = {"text/html": self.html}

    def shown(self, thing: object) -> str | None:
        text: str | None = self.html.known[type(thing)](thing)
        return text


@pytest.fixture
def shell() -> Shell:
    made = Shell()
    register(made)
    return made


def written(folder: Path, name: str, slope: float) -> str:
    rows = [{"step": step, "loss": 0.7 - slope * step, "rewards/margins": 0.01 * step} for step in range(1, 40)]
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder / name)


def inside(frame: str) -> str:
    """The document within a frame, which runs nothing."""
    assert frame.startswith('<iframe sandbox="" srcdoc="')
    return html.unescape(frame.split('srcdoc="')[1].split('"', maxsplit=1)[0])


def test_a_diagnosis_a_run_and_a_comparison_show_their_pages(tmp_path: Path, shell: Shell) -> None:
    first, second = written(tmp_path, "a.jsonl", 0.002), written(tmp_path, "b.jsonl", 0.004)
    for thing in (barograph.check(first, method="dpo"), barograph.read(first, method="dpo")):
        document = inside(shell.shown(thing) or "")
        assert document.startswith("<!doctype html>")
        assert "Reward margin" in document
        assert "a.jsonl" in document
    document = inside(shell.shown(barograph.compare(first, second)) or "")
    assert "2 runs compared" in document


def test_a_diagnosis_whose_log_is_gone_is_printed_as_ever(tmp_path: Path, shell: Shell) -> None:
    log = written(tmp_path, "a.jsonl", 0.002)
    diagnosis = barograph.check(log)
    Path(log).unlink()
    assert shell.shown(diagnosis) is None


def test_elsewhere_each_is_told_in_a_line_however_long_its_log(tmp_path: Path) -> None:
    first, second = written(tmp_path, "a.jsonl", 0.002), written(tmp_path, "b.jsonl", 0.004)
    assert repr(barograph.read(first, method="dpo")) == f"<Run {first}: dpo, 39 rows, steps 1 to 39, 2 series>"
    diagnosis = barograph.check(first, method="dpo")
    assert repr(diagnosis).startswith(f"<Diagnosis of {first}: {diagnosis.verdict.value}")
    comparison = barograph.compare(first, second)
    assert all(f"{one.name} ({one.diagnosis.verdict.value})" in repr(comparison) for one in comparison.contestants)
    assert len(repr(comparison)) < 200
    assert "\n" not in repr(diagnosis) + repr(comparison)


def test_one_run_is_no_comparison(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="two or more can be compared"):
        barograph.compare(written(tmp_path, "a.jsonl", 0.002))


def test_a_notebook_is_taught_when_it_first_asks() -> None:
    code = """
import sys, types
taught = []
class Formatter:
    def for_type(self, kind, show): taught.append(kind.__name__)
shell = types.SimpleNamespace(display_formatter=types.SimpleNamespace(formatters={"text/html": Formatter()}))
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: shell)
import barograph
assert taught == [] and "numpy" not in sys.modules
barograph.check, barograph.check, barograph.read
print(taught)
"""
    class_names = [kind.__name__ for kind in (Diagnosis, Run)]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([*class_names, "Comparison"])


def test_a_terminal_is_taught_nothing() -> None:
    code = """
import sys, types
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: None)
import barograph
barograph.check
print("barograph.notebook" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
