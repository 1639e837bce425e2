"""Real logs that nobody of this project wrote: silent on the healthy, no crash on any."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from barograph.core.errors import UnreadableRun
from barograph.core.finding import Diagnosis, Severity
from barograph.engine.judge import judge
from barograph.sources.runs import read_run


@pytest.fixture(scope="module")
def judged(request: pytest.FixtureRequest) -> dict[str, tuple[dict[str, str], Diagnosis | str]]:
    """Every run of the index with its diagnosis, or the sentence that refuses it."""
    shared: Path = request.getfixturevalue("shared_runs")
    answers: dict[str, tuple[dict[str, str], Diagnosis | str]] = {}
    with (shared / "INDEX.tsv").open(encoding="utf-8") as file:
        for entry in csv.DictReader(file, delimiter="\t"):
            try:
                answers[entry["id"]] = (entry, judge(read_run(shared / entry["id"] / entry["file"])))
            except UnreadableRun as error:
                answers[entry["id"]] = (entry, str(error))
    return answers


def test_every_run_is_read(judged: dict[str, tuple[dict[str, str], Diagnosis | str]]) -> None:
    refused = {name: answer for name, (_, answer) in judged.items() if isinstance(answer, str)}
    assert refused == {}
    assert len(judged) == 34


def test_healthy_runs_raise_nothing(judged: dict[str, tuple[dict[str, str], Diagnosis | str]]) -> None:
    alarms = {
        name: [finding.code for finding in answer.findings if finding.severity > Severity.INFO]
        for name, (entry, answer) in judged.items()
        if entry["label"] == "healthy" and isinstance(answer, Diagnosis)
    }
    assert len(alarms) >= 10
    assert not any(alarms.values()), alarms


def test_unhealthy_runs_are_noticed(judged: dict[str, tuple[dict[str, str], Diagnosis | str]]) -> None:
    unnoticed = [
        name
        for name, (entry, answer) in judged.items()
        if entry["label"] == "unhealthy" and isinstance(answer, Diagnosis) and answer.worst in {None, Severity.INFO}
    ]
    assert unnoticed == []


def test_methods_are_recognised(judged: dict[str, tuple[dict[str, str], Diagnosis | str]]) -> None:
    names = {"DPO": "dpo", "KTO": "kto", "GRPO": "grpo", "PPO": "ppo", "CLS": "classifier", "PMPO": "unknown",
             "RM": "reward"}  # fmt: skip
    wrong = {
        name: answer.method
        for name, (entry, answer) in judged.items()
        if isinstance(answer, Diagnosis) and answer.method != names[entry["algorithm"]]
    }
    assert wrong == {}
