"""Other tools on the logs of the benchmark: how they are asked, what is kept, what the page tells. None is needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "diagnosis"
sys.path.insert(0, str(BENCHMARK))

import asking  # noqa: E402 - as above
import beside  # noqa: E402 - as above
import recorded  # noqa: E402 - as above
import rivals  # noqa: E402 - as above
import rivals_live  # noqa: E402 - as above
import scenarios  # noqa: E402 - as above
from judging import Said  # noqa: E402 - as above
from page import page  # noqa: E402 - as above
from scoring import Score  # noqa: E402 - as above

BY_NAME = {scenario.name: scenario for scenario in scenarios.SCENARIOS}


# Asking. ------------------------------------------------------------------------------------------------------------ #

ROWS = [
    {"step": 1, "objective/kl": 0.5, "objective/scores": 0.1, "grad_norm": 1.0},
    {"step": 2, "objective/kl": 7.0, "objective/scores": 0.2, "grad_norm": "NaN"},
    {"step": 2, "eval_kl": 9.0},
]

#: Stand-ins for those that are fed: they say what they were given.
RLWATCH = """
class Alert:
    def __init__(self, severity, message): self.severity, self.message = severity, message
class Monitor:
    def log_step(self, step, **given):
        return [Alert("warning" if given["kl_divergence"] > 1 else "info", f"{step} {sorted(given)}")]
def attach(framework, run_id): return Monitor()
"""
RLPROBE = """
import json
class Recorder:
    def __init__(self, run, capture_env): self.rows = []
    def __enter__(self): return self
    def log_step(self, step, **given): self.rows.append(given)
    def __exit__(self, *_): json.dump(self.rows, open("rows.json", "w"))
"""
DOCTOR = """
import json
class Finding:
    def __init__(self, row): self.row = row
    def model_dump(self): return {"severity": "critical", "explanation": self.row}
def diagnose(run): return [Finding(row) for row in json.load(open("rows.json"))]
"""
PROVENIR = """
import json, pathlib
class TrackingConfig:
    def __init__(self, name, capture_env): pass
class ProvenirRun:
    def __init__(self, config): self.rows = []
    def __enter__(self): return self
    def log_step(self, given): self.rows.append({"severity": "warn", "detail": given})
    def __exit__(self, *_):
        folder = pathlib.Path("artifacts/provenir")
        folder.mkdir(parents=True)
        (folder / "flight_recorder.json").write_text(json.dumps({"anomalies": self.rows}))
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for modules that a Python finds."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def said_by(rival: str, rows: list[dict[str, Any]]) -> list[str] | None:
    return rivals.answers(Path(sys.executable), [rival], rows)[rival]


def test_one_that_watches_live_is_fed_the_rows_of_the_training_by_its_own_names(installed: Path) -> None:
    (installed / "rlwatch.py").write_text(RLWATCH)
    assert said_by("rlwatch", ROWS) == [
        '{"severity": "warning", "message": "2 [\'grad_norm\', \'kl_divergence\', \'reward_mean\']"}'
    ]


def test_a_recorder_is_given_numbers_and_the_count_of_what_is_none(installed: Path) -> None:
    (installed / "rlprobe" / "doctor").mkdir(parents=True)
    (installed / "rlprobe" / "__init__.py").write_text("")
    (installed / "rlprobe" / "recorder.py").write_text(RLPROBE)
    (installed / "rlprobe" / "doctor" / "__init__.py").write_text(DOCTOR)
    first, second = said_by("rlprobe", ROWS) or []
    assert '"nan_count": 0' in first
    assert '"grad_norm": 1.0' in first
    assert '"nan_count": 1' in second
    assert "grad_norm" not in second


def test_a_spread_that_is_not_logged_is_no_collapse(installed: Path) -> None:
    (installed / "provenir.py").write_text(PROVENIR)
    (said,) = said_by("provenir", [{"step": 1, "reward": 0.5, "reward_std": 0.0}]) or []
    assert '"reward_std": 0.0' in said
    assert '"advantage_std": 1.0' in said


def test_one_that_breaks_down_has_said_nothing_rather_than_that_all_is_well(installed: Path) -> None:
    (installed / "rlwatch.py").write_text("raise SystemExit(1)")
    assert said_by("rlwatch", ROWS) is None


def test_the_first_name_that_the_log_has_is_taken() -> None:
    both = {"kl": 0.25, "objective/kl": 4.0, "entropy": None, "policy/entropy_avg": 0.75}
    assert rivals_live.known("provenir", both) == {"kl": 0.25, "entropy": 0.75}


def test_every_rival_has_a_command_or_is_fed() -> None:
    assert {name for name, rival in rivals.RIVALS.items() if rival.arguments is None} == set(rivals_live.LIVE)
    assert set(rivals_live.KNOWN) == set(rivals_live.LIVE)


# Keeping. ----------------------------------------------------------------------------------------------------------- #

ENTRIES = {"dpo-plain--healthy": {"rows": {"1": 120}}, "dpo-plain--rate-too-high": {"rows": {"1": 120, "2": 120}}}
EVERY_LOG = [
    "dpo-plain--healthy-seed1", "dpo-plain--rate-too-high-seed1", "dpo-plain--rate-too-high-seed2",
]  # fmt: skip


class Asked:
    """Rivals of these versions, each of which says the same of every log; and what they were asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, texts: dict[str, list[str] | None]) -> None:
        self.versions = dict.fromkeys(texts, "1.0")
        self.texts = texts
        self.of: list[list[str]] = []
        monkeypatch.setattr(rivals, "versions", lambda _: dict(self.versions))
        monkeypatch.setattr(rivals, "answers", self.answers)

    def answers(self, _: Path, asked: list[str], __: Any) -> dict[str, list[str] | None]:
        self.of.append(list(asked))
        return {name: self.texts[name] for name in asked}

    def now(self, path: Path) -> asking.Answers:
        self.of.clear()
        asking.ask(Path("python"), recorded.Manifest(ENTRIES), path)
        return asking.Answers.read(path)


def test_what_is_known_is_not_asked_again_but_in_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, path = Asked(monkeypatch, {"rlwatch": ["the loss diverges"], "losslint": None}), tmp_path / "rivals.json"
    kept = asked.now(path)
    assert asked.of == [["rlwatch", "losslint"]] * 3
    assert sorted(kept.answers) == EVERY_LOG
    # The fault has a word for it; a healthy log has no fault to name; and what broke down is no answer.
    assert kept.answers["dpo-plain--rate-too-high-seed2"] == {
        "rlwatch": {"alarm": True, "named": True},
        "losslint": None,
    }
    assert kept.answers["dpo-plain--healthy-seed1"]["rlwatch"] == {"alarm": True, "named": False}
    assert asked.now(path).answers == kept.answers
    assert asked.of == []
    asked.versions["losslint"] = "1.1"
    asked.texts["losslint"] = []
    newer = asked.now(path)
    assert asked.of == [["losslint"]] * 3
    assert newer.versions == {"losslint": "1.1", "rlwatch": "1.0"}
    assert newer.answers["dpo-plain--healthy-seed1"]["losslint"] == {"alarm": False, "named": False}


def test_what_was_said_before_it_was_stopped_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "KEEP_EVERY", 1)
    asked, path = Asked(monkeypatch, {"rlwatch": []}), tmp_path / "rivals.json"
    given = asked.answers

    def stopped(*question: Any) -> Any:
        if len(asked.of) == 2:
            raise KeyboardInterrupt
        return given(*question)

    monkeypatch.setattr(rivals, "answers", stopped)
    with pytest.raises(KeyboardInterrupt):
        asked.now(path)
    assert sorted(asking.Answers.read(path).answers) == EVERY_LOG[:2]
    monkeypatch.setattr(rivals, "answers", given)
    assert sorted(asked.now(path).answers) == EVERY_LOG
    assert len(asked.of) == 1


# The page. ---------------------------------------------------------------------------------------------------------- #


def scored(name: str, *, alarmed: bool, named: bool = False) -> Score:
    said = Said("watch" if alarmed else "healthy", (), (), (), ())
    return Score(BY_NAME[name], 1, said, alarmed, named, False, False, None, None, None, ())


SCORES = [
    scored("dpo-plain--healthy", alarmed=False),
    scored("kto-plain--rate-too-high", alarmed=True, named=True),
    scored("ppo-adaptive--rate-too-high", alarmed=True, named=False),
    scored("ppo-plain--healthy", alarmed=True),
]
YES, NO, ALARM = {"alarm": True, "named": True}, {"alarm": False, "named": False}, {"alarm": True, "named": False}
ANSWERS = {
    "versions": {"losslint": "0.4.1", "rlwatch": "0.5.1"},
    "answers": {
        "dpo-plain--healthy-seed1": {"losslint": NO, "rlwatch": ALARM},
        "kto-plain--rate-too-high-seed1": {"losslint": YES, "rlwatch": YES},
        "ppo-adaptive--rate-too-high-seed1": {"losslint": None, "rlwatch": ALARM},
        "ppo-plain--healthy-seed1": {"losslint": NO},
    },
}


def test_a_log_counts_once_every_rival_was_asked_about_it() -> None:
    assert [one.scenario.name for one in beside.common(SCORES, ANSWERS)] == [
        "dpo-plain--healthy", "kto-plain--rate-too-high", "ppo-adaptive--rate-too-high",
    ]  # fmt: skip


def test_rivals_stand_beside_us_with_their_versions() -> None:
    """One healthy run and two faulty ones; losslint breaks down on one of these."""
    rows = {str(row[0]): [str(cell).split(" (")[0] for cell in row[1:]] for row in beside.rows(SCORES, ANSWERS)}
    assert rows == {
        "barograph": ["1/1 = 100%", "2/2 = 100%", "1/2 = 50%", "-"],
        "barograph, held out alone": ["-", "-", "-", "-"],
        "losslint 0.4.1": ["1/1 = 100%", "1/2 = 50%", "1/2 = 50%", "1"],
        "rlwatch 0.5.1": ["0/1 = 0%", "2/2 = 100%", "1/2 = 50%", "0"],
    }


def test_what_is_held_out_has_a_row_of_its_own() -> None:
    name = next(name for name, scenario in BY_NAME.items() if scenario.is_held_out and scenario.fault is None)
    held_out = scored(name, alarmed=True)
    answers = {**ANSWERS["answers"], f"{name}-seed1": {"losslint": NO, "rlwatch": NO}}
    rows = {row[0]: str(row[1]) for row in beside.rows([*SCORES, held_out], {**ANSWERS, "answers": answers})}
    assert rows["barograph"].startswith("1/2 ")
    assert rows["barograph, held out alone"].startswith("0/1 ")
    assert rows["losslint 0.4.1"].startswith("2/2 ")


def test_each_family_of_methods_has_its_own_false_alarms_and_names() -> None:
    rows = {row[0]: row[1:] for row in beside.by_family(SCORES, ANSWERS)}
    assert rows["barograph"] == ["0/1 = 0%", "1/1 = 100%", "-", "-", "-", "0/1 = 0%"]
    assert rows["rlwatch 0.5.1"] == ["1/1 = 100%", "1/1 = 100%", "-", "-", "-", "0/1 = 0%"]


def test_every_method_is_in_one_family() -> None:
    methods = [method for family in beside.FAMILIES.values() for method in family]
    assert sorted(methods) == sorted({setting.method for setting in scenarios.SETTINGS})


def test_the_page_tells_what_rivals_say_and_says_so_where_none_was_asked() -> None:
    told = page(SCORES, ANSWERS).partition("## Beside other tools")[2]
    assert "3 of the logs" in told
    assert told.count("| rlwatch 0.5.1 |") == 2
    assert "None was installed" in page(SCORES, {})
