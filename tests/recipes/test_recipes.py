"""Each recipe on the tiny model: it reaches its goal, resumes exactly, and says what is wrong before it trains."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "transformers", "trl", "datasets"):
    pytest.importorskip(library, reason="needs the `train` extra")

import torch
from datasets import Dataset

from barograph.core.errors import ConfigurationError
from barograph.recipes import prm, tasks
from barograph.recipes.course import Finished
from barograph.recipes.examples import PAIRS, PROMPTS, STEPS, UNPAIRED, Form, split_of
from barograph.recipes.kto import weights_of
from barograph.recipes.options import METHODS, Options

pytestmark = [pytest.mark.train, pytest.mark.timeout(300), pytest.mark.filterwarnings("default")]


def trained(method: str, **options: Any) -> Finished:
    finished: Finished = import_module(f"barograph.recipes.{method}").run(METHODS[method].made(options))
    return finished


def rows_of(folder: str | Path) -> list[dict[str, Any]]:
    return [json.loads(row) for row in (Path(folder) / "logs/training_metrics.jsonl").read_text().splitlines()]


# Goals


def test_kto_raises_the_margin() -> None:
    done = trained("kto")
    margins = [row["rewards/margins"] for row in rows_of(done.folder) if "rewards/margins" in row]
    assert sum(margins[-20:]) > sum(margins[:20])
    assert done.after["held-out margin"] > 0
    assert done.verdict == "healthy"
    assert (Path(done.folder) / "final_model" / "model.safetensors").is_file()


def test_dpo_unlearns_sycophancy() -> None:
    done = trained("dpo")
    assert done.after["held-out accuracy"] >= 0.8
    assert done.after["agrees with false claims"] <= done.before["agrees with false claims"] / 2
    assert done.after["agrees with true claims"] > done.before["agrees with true claims"]  # It did not learn to say no.
    assert done.after["answers right"] > done.before["answers right"]
    assert done.verdict == "healthy"


def test_a_reward_model_tells_good_from_bad() -> None:
    done = trained("reward")
    assert done.after["held-out accuracy"] >= 0.85


def test_a_classifier_writes_what_the_guide_names() -> None:
    done = trained("reward", kind="labels")
    assert done.after["held-out f1"] >= 0.83
    folder = Path(done.folder)
    for name in ("metrics.log", "metrics_history.json", "predictions.log", "prediction_samples.json"):
        assert (folder / name).is_file(), name
    assert "Confusion Matrix" in (folder / "predictions.log").read_text()


def test_a_step_model_reaches_the_targets_of_the_guide() -> None:
    done = trained("prm")
    assert done.after["held-out accuracy"] >= 0.85
    assert done.after["held-out f1"] >= 0.83
    assert done.after["train-eval gap"] < 0.05
    assert done.after["solution right, best of 8"] > done.before["solution right, picked at random"] + 0.2
    # A third of the steps is wrong: saying that all are right would score 0.65, and find none of them.
    assert done.after["held-out specificity"] > 0.7


def test_grpo_raises_the_reward() -> None:
    done = trained("grpo")
    assert done.after["mean reward"] > done.before["mean reward"] + 0.15
    assert any("kl" in row for row in rows_of(done.folder))


def test_ppo_raises_the_reward_and_stays_near_the_start() -> None:
    done = trained("ppo", max_steps=40)
    assert done.after["mean reward"] > done.before["mean reward"] + 0.15
    assert all(-0.05 < row["objective/kl"] < 10 for row in rows_of(done.folder))
    assert (Path(done.folder) / "final_model" / "model.safetensors").is_file()


# Going on


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_was_cut_goes_on_as_if_it_had_not_been(method: str) -> None:
    """A checkpoint of a run of 12 steps, gone on with in another folder, gives rows 7 to 12 to the last digit.

    Nothing is said again but the checkpoint: data, rate and all else are as the run was told.
    """
    short = {"max_steps": 12, "save_steps": 6, "eval_steps": 6, "batch_size": 8, "guard": "advise"}
    whole = trained(method, output_dir="whole", learning_rate=1e-4, seed=7, **short)
    trained(method, output_dir="again", resume_from=f"{whole.folder}/checkpoint-6")

    def late(folder: str) -> list[dict[str, Any]]:
        # Not what is learned, but how long it took; and TRL counts tokens anew after a resume.
        clocks = ("time", "runtime", "per_second", "num_tokens", "eps")
        return [
            {key: value for key, value in row.items() if not key.endswith(clocks)}
            for row in rows_of(folder)
            if row["step"] > 6
        ]

    assert late("again") == late("whole")
    assert len(late("whole")) >= 6


def test_another_rate_counts_from_where_the_run_goes_on() -> None:
    short = {"max_steps": 12, "save_steps": 6, "eval_steps": 6, "schedule": "constant", "warmup": 0.0}
    first = trained("dpo", learning_rate=4e-4, **short)
    again = trained("dpo", resume_from=f"{first.folder}/checkpoint-6", learning_rate=1e-4, **short)
    assert again.folder == first.folder  # A run that is resumed stays where it is.
    rates = {row["step"]: row["learning_rate"] for row in rows_of(again.folder) if "learning_rate" in row}
    assert [rates[step] for step in (5, 6, 7, 12)] == [4e-4, 4e-4, 1e-4, 1e-4]
    # Whoever goes on once more says nothing of the rate, and it is that of the checkpoint: not cut a second time.
    third = trained("dpo", resume_from=f"{first.folder}/checkpoint-12", max_steps=14)
    assert rows_of(third.folder)[-2]["learning_rate"] == pytest.approx(1e-4)


def test_a_second_run_does_not_write_over_the_first() -> None:
    short = {"max_steps": 2, "save_steps": 2, "eval_steps": 2}
    assert [trained("dpo", **short).folder for _ in range(2)] == ["runs/dpo", "runs/dpo-2"]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way")
@pytest.mark.parametrize(("method", "mark"), [("dpo", "trainer_state.json"), ("ppo", "ppo.pt")])
def test_ctrl_c_keeps_the_state_and_says_how_to_go_on(method: str, mark: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "barograph", "train", method, "--max-steps", "100000", "--save-steps", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, text=True) as child:
        log = tmp_path / f"runs/{method}/logs/training_metrics.jsonl"
        until = time.monotonic() + 120
        while (not log.is_file() or log.read_bytes().count(b"\n") < 10) and time.monotonic() < until:
            time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in said
    command = said.strip().splitlines()[-1].partition("to go on: ")[2].split()
    assert command[:4] == ["barograph", "train", method, "--resume-from"]
    assert (tmp_path / command[4] / mark).is_file()
    assert json.loads((tmp_path / f"runs/{method}/run.json").read_text())["state"] == "interrupted"


def test_two_processes_train_together_and_one_tells(tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29533"]
    command = [
        *torchrun,
        "-m",
        "barograph",
        "train",
        "dpo",
        "--max-steps",
        "6",
        "--eval-steps",
        "6",
        "--batch-size",
        "8",
    ]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [*command, "--output-dir", "two"], capture_output=True, text=True, check=False, cwd=tmp_path, env=alone
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert done.stdout.count("dpo, 6 steps:") == 1
    rows = [row for row in rows_of(tmp_path / "two") if "loss" in row]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    # Each step took eight examples on each of two processes, so its tokens are those of a batch of sixteen.
    single = trained("dpo", max_steps=1, eval_steps=1, save_steps=1, batch_size=16)
    assert rows[0]["num_tokens"] == rows_of(single.folder)[0]["num_tokens"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=alone)
    assert refused.returncode != 0
    assert "name --output-dir" in refused.stderr


# What is wrong is said before anything is trained


def written(rows: list[dict[str, Any]], name: str = "data.jsonl") -> str:
    Path(name).write_text("".join(json.dumps(row) + os.linesep for row in rows))
    return name


PAIR = {"prompt": "a", "chosen": " b", "rejected": " c"}


@pytest.mark.parametrize(
    ("form", "rows", "sentence"),
    [
        (PAIRS, [{"prompt": "a", "choosen": "b", "rejected": "c"}], "has no column 'chosen'.*did you mean 'choosen'"),
        (PAIRS, [PAIR, {**PAIR, "chosen": ""}], "row 2: chosen is empty"),
        (
            UNPAIRED,
            [{"prompt": "a", "completion": "b", "label": "good"}],
            "label = 'good', where true or false belongs",
        ),
        (UNPAIRED, [{"prompt": "a", "completion": "b", "label": 2}], "label = 2, where true or false belongs"),
        (STEPS, [{"prompt": "a", "completions": ["b", "c"], "labels": [True]}], "row 1: 2 steps and 1 labels"),
        (PROMPTS, [{"question": "a"}], "has no column 'prompt'"),
        (PAIRS, [PAIR], "1 examples leave 0 of them to be held out"),
    ],
)
def test_examples_that_will_not_do(form: Form, rows: list[dict[str, Any]], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        split_of(Options(data=written(rows), eval_share=0.1, seed=1), form)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("missing.jsonl", "no such file"),
        ("empty.jsonl", "empty.jsonl: "),
        ("broken.jsonl", "cannot be read as examples"),
        ("notes.txt", "is no .jsonl"),
        ("empty", "holds no .jsonl"),
    ],
)
def test_files_that_will_not_do(data: str, sentence: str) -> None:
    Path("empty.jsonl").touch()
    Path("broken.jsonl").write_text('{"prompt": "a"')
    Path("notes.txt").touch()
    Path("empty").mkdir()
    with pytest.raises(ConfigurationError, match=sentence):
        split_of(Options(data=data, eval_share=0.1), PAIRS)


def test_pairs_will_do_for_kto_and_are_mixed() -> None:
    path = written([{**PAIR, "prompt": f"p{number}"} for number in range(50)])
    split = split_of(Options(data=path, eval_share=0.1, seed=1), UNPAIRED)
    labels = [*split.train["label"], *split.held_out["label"]]
    assert (len(labels), sum(labels)) == (100, 50)
    assert split.train["label"] != sorted(split.train["label"], reverse=True)


def test_what_is_held_out_is_not_trained_on() -> None:
    split = split_of(Options(eval_share=0.25, seed=3), PAIRS)
    assert (len(split.train), len(split.held_out)) == (900, 300)
    again = split_of(Options(eval_share=0.25, seed=3), PAIRS)
    assert again.held_out["prompt"] == split.held_out["prompt"]


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("dpo", {"model": "./nowhere"}, "there is no such model folder"),
        ("dpo", {"quantize": "4bit"}, "weights in few bits cannot be trained; add --lora"),
        ("dpo", {"resume_from": "nowhere"}, "is no checkpoint of this method"),
        ("kto", {"batch_size": 2}, "at least 4 belong in one"),
        ("grpo", {"reward": "nowhere.py:f"}, "there is no file nowhere.py"),
        ("grpo", {"reward": "f"}, "FILE.py:NAME or MODULE:NAME belongs there"),
    ],
)
def test_options_that_will_not_do(method: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        trained(method, **options)
    assert not Path("runs").exists()  # What never began takes no name from what comes.


@pytest.mark.parametrize("method", METHODS)
def test_an_adapter_is_trained_instead_of_all_weights(method: str) -> None:
    done = trained(method, lora=True, max_steps=3, eval_steps=3, save_steps=3, batch_size=8)
    assert (Path(done.folder) / "final_model" / "adapter_model.safetensors").is_file()
    config = json.loads((Path(done.folder) / "run.json").read_text())["config"]
    assert config["lora_r"] == 16
    assert config["trainable_parameters"] < config["parameters"]


@pytest.mark.parametrize("method", ["kto", "dpo"])
def test_a_reference_that_is_asked_once_says_the_same(method: str) -> None:
    short = {"max_steps": 6, "eval_steps": 6, "save_steps": 6, "batch_size": 8, "guard": "advise"}
    kept = trained(method, output_dir="kept", **short)
    asked = trained(method, output_dir="asked", keep_reference=False, **short)
    for one, other in zip(rows_of(kept.folder), rows_of(asked.folder), strict=True):
        assert one["loss" if "loss" in one else "eval_loss"] == pytest.approx(
            other["loss" if "loss" in other else "eval_loss"], rel=1e-4
        )


def test_no_memory_is_one_sentence_with_a_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr("transformers.Trainer.training_step", full)
    with pytest.raises(ConfigurationError, match="not enough memory for batches of 16: halve --batch-size"):
        trained("dpo", max_steps=2)


def test_a_reward_of_ones_own() -> None:
    Path("mine.py").write_text("def short(answer, said):\n    return -float(len(answer.split())) + 0 * said\n")
    done = trained("grpo", reward="mine.py:short", max_steps=3, batch_size=16)
    assert all(row["reward"] < 0 for row in rows_of(done.folder) if "reward" in row)


# The parts


def test_both_kinds_of_answers_weigh_alike() -> None:
    for good, bad in ((10, 10), (10, 40), (90, 30)):
        one, other = weights_of(good, bad)
        assert good * one == bad * other
        assert min(one, other) == 1.0
    with pytest.raises(ConfigurationError, match="only good answers"):
        weights_of(5, 0)


def test_labels_stand_at_the_last_token_of_each_step() -> None:
    class Letters:
        def __call__(self, text: str, **_: Any) -> dict[str, list[int]]:
            return {"input_ids": [ord(letter) for letter in text]}

    row = {"prompt": "pq", "completions": ["abc", "d"], "labels": [True, False]}
    made = prm.encoded(Letters(), row, 100)
    assert made["input_ids"] == [ord(letter) for letter in "pqabcd"]
    assert made["labels"] == [-100, -100, -100, -100, 1, 0]
    assert prm.encoded(Letters(), row, 4)["labels"] == [-100] * 4


def test_the_labels_of_tokens_stay_numbers_on_their_way_to_the_trainer() -> None:
    """Labels of steps are truth values, and `-100` as one of those would be a step that is right."""
    rows = tasks.solutions(1, 40)
    wrong = sum(not label for row in rows for label in row["labels"])
    path = written(rows)
    done = trained("prm", data=path, max_steps=2, eval_steps=2, save_steps=2, eval_share=0.5)
    evaluated = next(row for row in rows_of(done.folder) if "eval_true_positives" in row)
    cells = [
        evaluated[f"eval_{cell}"] for cell in ("true_positives", "true_negatives", "false_positives", "false_negatives")
    ]
    assert sum(cells) == 20 * 3
    assert 0 < evaluated["eval_true_negatives"] + evaluated["eval_false_positives"] <= wrong


def test_a_model_of_steps_can_be_taken_from_where_it_was_saved() -> None:
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    done = trained("prm", max_steps=60)
    folder = f"{done.folder}/final_model"
    model, words = AutoModelForTokenClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    row = tasks.solutions(9, 1)[0]
    scores = prm.step_scores(model, words, row, 64)
    assert len(scores) == 3
    assert all(0 <= one <= 1 for one in scores)
    assert Dataset.from_list([row]).column_names  # as they lie in a file
