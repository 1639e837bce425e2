"""A recipe for each combination of values: what they are, that nothing is trained twice, what is told at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from barograph.cli.sweep import side_by_side, sweep
from barograph.core.errors import BarographError, ConfigurationError, Interrupted
from barograph.recipes.options import DPOOptions, KTOOptions, Options, settled
from barograph.recipes.result import TOLD, Finished
from barograph.recipes.sweep import Trial, outcomes, trials

SHORT = ["--max-steps", "4", "--eval-steps", "4", "--save-steps", "2", "--batch-size", "8"]


def ended(options: Options, **after: float) -> Finished:
    """What a recipe would leave of a run that it trained."""
    folder = Path(str(options.output_dir))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TOLD).write_text(json.dumps(settled(options).said()))
    return Finished("dpo", str(folder), 4, "healthy", {"right": 0.5}, after).kept()


def silent(trial: Trial, number: int) -> None:
    pass


def test_every_combination_in_the_order_it_is_said() -> None:
    made = trials(DPOOptions, [{"max_steps": 4}], {"beta": ["0.1", "0.5"], "seed": ["1", "2"]}, Path("runs/s"))
    assert [trial.name for trial in made] == [
        "beta 0.1, seed 1", "beta 0.1, seed 2", "beta 0.5, seed 1", "beta 0.5, seed 2",
    ]  # fmt: skip
    assert [(trial.options.beta, trial.options.seed) for trial in made] == [(0.1, 1), (0.1, 2), (0.5, 1), (0.5, 2)]
    assert {trial.options.max_steps for trial in made} == {4}
    assert len({trial.folder for trial in made}) == 4
    assert made[0].folder == Path("runs/s/beta=0.1_seed=1")


def test_one_run_is_a_sweep_too() -> None:
    (only,) = trials(DPOOptions, [], {}, Path("s"))
    assert (only.name, only.folder) == ("as usual", Path("s/usual"))


@pytest.mark.parametrize(
    ("varied", "sentence"),
    [
        ({"beta": ["0.1", "many"]}, "beta = 'many': a number belongs there"),
        ({"beta": ["0.1", "0.1"]}, "beta: 0.1, 0.1 holds a value twice"),
        ({"beta": ["0.1", ""]}, "beta = '': a number belongs there"),
        ({"schedule": ["linear", "cosin"]}, "did you mean 'cosine'"),
    ],
)
def test_what_cannot_be_is_said_before_the_first_run(varied: dict[str, list[str]], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        trials(DPOOptions, [], varied, Path("s"))


def test_what_has_ended_is_not_trained_again() -> None:
    runs = trials(DPOOptions, [], {"beta": ["0.1", "0.5"]}, Path("s"))
    asked = list[Any]()

    def train(options: Options) -> Finished:
        asked.append(options.said()["beta"])
        return ended(options, right=0.9)

    first = list(outcomes(runs[:1], train, begins=silent))
    both = list(outcomes(runs, train, begins=silent))
    assert asked == [0.1, 0.5]
    assert both[0] == first[0]


def test_a_folder_with_other_settings_is_left_alone() -> None:
    (run,) = trials(DPOOptions, [{"learning_rate": 1e-3}], {"beta": ["0.1"]}, Path("s"))
    list(outcomes([run], ended, begins=silent))
    (other,) = trials(DPOOptions, [{"learning_rate": 2e-3}], {"beta": ["0.1"]}, Path("s"))
    with pytest.raises(ConfigurationError, match="holds a run with another learning_rate; name another --output-dir"):
        list(outcomes([other], ended, begins=silent))


def test_what_was_chosen_for_the_run_is_no_other_setting() -> None:
    (run,) = trials(DPOOptions, [{"learning_rate": 1e-3}], {"beta": ["0.1"]}, Path("s"))
    list(outcomes([run], ended, begins=silent))
    told = json.loads((run.folder / TOLD).read_text())
    # As a profile and a rescue leave it.
    chosen = {"batch_size": 2, "lora": True, "learning_rate": 5e-4, "resume_from": "s/beta=0.1/checkpoint-5"}
    (run.folder / TOLD).write_text(json.dumps(told | chosen))
    asked = list[Options]()
    ((_, outcome),) = outcomes([run], asked.append, begins=silent)  # type: ignore[arg-type]
    assert isinstance(outcome, Finished)
    assert asked == []


def test_values_that_would_share_a_folder_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="would share a folder"):
        trials(DPOOptions, [], {"model": ["a/b", "a-b"]}, Path("s"))


def test_what_was_interrupted_goes_on_from_its_newest_checkpoint() -> None:
    (run,) = trials(DPOOptions, [{"max_steps": 30}], {"beta": ["0.1"]}, Path("s"))
    for name in ("checkpoint-5", "checkpoint-20", "checkpoint-30", "checkpoint-25.part", "checkpoint-20-set-aside"):
        (run.folder / name).mkdir(parents=True)
    (run.folder / TOLD).write_text(json.dumps(settled(run.options).said()))
    asked = list[Options]()

    def train(options: Options) -> Finished:
        asked.append(options)
        return ended(run.options)

    list(outcomes([run], train, begins=silent))
    # Not from 30, which is the end: there is nothing left to train from there.
    assert asked[0].said() == {"output_dir": str(run.folder), "resume_from": str(run.folder / "checkpoint-20")}


def test_one_that_cannot_be_trained_does_not_keep_the_others_from_it() -> None:
    runs = trials(KTOOptions, [], {"batch_size": ["2", "8"]}, Path("s"))

    def train(options: Options) -> Finished:
        if options.batch_size == 2:
            raise ConfigurationError("batches of two")
        return ended(options)

    (_, first), (_, second) = outcomes(runs, train, begins=silent)
    assert isinstance(first, BarographError)
    assert isinstance(second, Finished)


def test_an_interruption_ends_them_all() -> None:
    def train(options: Options) -> Finished:
        raise Interrupted("interrupted")

    with pytest.raises(Interrupted):
        list(outcomes(trials(DPOOptions, [], {"beta": ["0.1", "0.5"]}, Path("s")), train, begins=silent))


def test_side_by_side_in_as_many_blocks_as_the_terminal_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    runs = trials(DPOOptions, [], {"beta": [f"0.{digit}" for digit in range(1, 9)]}, Path("s"))
    lines = list(
        side_by_side([(run, Finished("dpo", "s", 4, "watch", {"right": 0.5}, {"right": 0.25})) for run in runs])
    )
    assert all(len(line) <= 60 for line in lines)
    assert " ".join(lines).count("0.250") == 8
    assert sum("verdict" in line for line in lines) == 2
    failed = list(side_by_side([(runs[0], ConfigurationError("no such data"))]))
    assert failed == ["\nbeta 0.1: no such data"]


@pytest.mark.train
@pytest.mark.filterwarnings("default")
class TestCommand:
    @pytest.fixture(autouse=True)
    def libraries(self) -> None:
        for library in ("torch", "transformers", "trl", "datasets"):
            pytest.importorskip(library, reason="needs the `train` extra")

    def test_beta_is_compared_by_one_command(self) -> None:
        done = CliRunner().invoke(sweep, ["dpo", "--beta", "0.01,0.5", *SHORT, "--json"])
        assert done.exit_code == 0, done.output
        runs = json.loads(done.stdout)["runs"]
        assert [run["differs"] for run in runs] == [{"beta": "0.01"}, {"beta": "0.5"}]
        # A margin is beta times nats; in so few steps both have moved about as far.
        for run in runs:
            margin = run["after"]["held-out margin"]
            assert margin == pytest.approx(float(run["differs"]["beta"]) * run["after"]["held-out margin in nats"])
            assert Path(run["folder"], "final_model", "config.json").is_file()
        assert runs[0]["before"] == runs[1]["before"]
        curves = Path("runs/sweep-dpo/comparison.html").read_text(encoding="utf-8")
        assert "Reward margin" in curves
        assert "nats per sequence" in curves

    def test_failures_are_told_and_counted(self) -> None:
        done = CliRunner().invoke(sweep, ["kto", "--batch-size", "2,8", "--seeds", "1", *SHORT[:-2]])
        assert done.exit_code == 1
        assert "batch_size 2, seed 1: batch_size = 2: KTO compares" in done.stdout
        assert "batch_size 8, seed 1" in done.stdout

    @pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way")
    def test_ctrl_c_says_how_to_go_on(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "barograph", "sweep", "dpo", "--beta", "0.1,0.5", "--max-steps", "400"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
        ) as child:
            log = tmp_path / "runs/sweep-dpo/beta=0.1/logs/training_metrics.jsonl"
            until = time.monotonic() + 120
            while (not log.is_file() or log.read_bytes().count(b"\n") < 60) and time.monotonic() < until:
                time.sleep(0.05)
            child.send_signal(signal.SIGINT)
            _, said = child.communicate(timeout=60)
        assert child.returncode == 130
        assert said.endswith(
            "barograph: interrupted after 0 of 2 runs; to go on, say the same with --output-dir runs/sweep-dpo\n"
        )
        assert list((tmp_path / "runs/sweep-dpo/beta=0.1").glob("checkpoint-*/trainer_state.json"))
