"""Each recipe on the tiny model: it reaches its goal, resumes exactly, and says what is wrong before it trains."""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import errno
import inspect
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

for library in ("torch", "transformers", "trl", "datasets"):
    pytest.importorskip(library, reason="needs the `train` extra")

import torch
from datasets import Dataset
from trl import DPOTrainer

from barograph.core.errors import BarographError, ConfigurationError
from barograph.recipes import prm, tasks
from barograph.recipes.course import prepare
from barograph.recipes.disk import says_when_full
from barograph.recipes.examples import PAIRS, PROMPTS, STEPS, UNPAIRED, Form, Room, split_of
from barograph.recipes.kto import weights_of
from barograph.recipes.options import LOSSES, METHODS, Options
from barograph.recipes.result import Finished
from barograph.recipes.weights import causal, tokenizer
from barograph.sources.samples import samples_of

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
    said = samples_of(done.folder)
    assert said is not None
    assert said.columns == ("step", "prompt", "completion", "score")
    assert list(said.steps) == [row["step"] for row in rows_of(done.folder) if "reward" in row]
    first, last = (fmean(float(str(row["score"])) for step in steps for row in said.rows(step)) for steps in (
        said.steps[:20], said.steps[-20:],
    ))  # fmt: skip
    assert last > first


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
        ("dpo", {"batch_size": 0}, "batch_size = 0: a number from 1 on belongs there"),
        ("dpo", {"label_smoothing": 0.6}, "label_smoothing = 0.6: a number from 0 to 0.5 belongs there"),
        ("dpo", {"report_to": "nobody"}, "nobody is not supported, only"),
        (
            "dpo",
            {"loss_type": "sigmoi"},
            "loss_type = 'sigmoi': it is one of sigmoid, hinge, .* did you mean 'sigmoid'",
        ),
        ("grpo", {"generations": 3}, "must be divisible by the number of generations"),
        ("prm", {"save_steps": 3, "eval_steps": 2}, r"save_steps = 3: .* a multiple of eval_steps = 2 belongs there"),
    ],
)
def test_options_that_will_not_do(method: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        trained(method, **options)
    assert not Path("runs").exists()  # What never began takes no name from what comes.


def test_the_losses_are_those_of_trl() -> None:
    source = inspect.getsource(DPOTrainer._compute_loss)
    assert set(re.findall(r"loss_type == \"(\w+)\"", source)) == set(LOSSES)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains(loss: str) -> None:
    short = {"max_steps": 2, "eval_steps": 2, "save_steps": 2, "batch_size": 8, "sft_weight": 0.0}
    if loss == "exo_pair":
        with pytest.raises(ConfigurationError, match="needs --label-smoothing above 0"):
            trained("dpo", loss_type=loss, **short)
        short["label_smoothing"] = 0.001
    done = trained("dpo", loss_type=loss, **short)
    assert done.steps == 2
    assert all(math.isfinite(row["loss"]) for row in rows_of(done.folder) if "loss" in row)


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
    kept = trained(method, output_dir="kept", keep_reference=True, **short)
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


# Lengths, and room on the disk.


LONG = " ".join(["3"] * 70)


@pytest.mark.parametrize(
    ("method", "row", "sentence"),
    [
        (
            "dpo",
            {"prompt": LONG, "chosen": " 4", "rejected": " 5"},
            r"row 2 \('3 3 .*the prompt takes 70 tokens, .* 63",
        ),
        (
            "kto",
            {"prompt": LONG, "completion": " 4", "label": True},
            "the prompt takes 70 tokens, and there is room for 63",
        ),
        ("prm", {"prompt": LONG, "completions": [" 4"], "labels": [True]}, "the prompt takes 70 tokens"),
        (
            "reward",
            {"prompt": "3", "chosen": f" {LONG}", "rejected": " 5"},
            "the example takes 71 tokens, and .* room for 64",
        ),
        ("ppo", {"prompt": LONG, "a": 1, "b": 1, "said": 2}, "the prompt takes 70 tokens, and there is room for 56"),
        ("grpo", {"prompt": LONG, "a": 1, "b": 1, "said": 2}, "the prompt takes 70 tokens, and there is room for 56"),
    ],
)
def test_what_is_too_long_is_said_before_the_training(method: str, row: dict[str, Any], sentence: str) -> None:
    short = {name: "3" if LONG in str(value) else value for name, value in row.items()}
    data = written([short, row, *[short] * 38])
    reward = {"reward": f"{Path(tasks.__file__)}:reward"} if method in {"ppo", "grpo"} else {}
    with pytest.raises(ConfigurationError, match=sentence) as said:
        trained(method, data=data, **reward)
    assert "1 of 40 rows: raise --max-length, or leave them out by --drop-long" in str(said.value)
    assert not Path("runs").exists()


def test_what_is_too_long_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{**PAIR, "prompt": "3"}] * 40
    data = written([*rows, {**PAIR, "prompt": LONG}])
    split = split_of(Options(data=data, eval_share=0.1, seed=1, drop_long=True), PAIRS, Room(tokenizer(Options()), 63))
    assert len(split.train) + len(split.held_out) == 40
    assert "1 of 41 examples take more than 63 tokens: left out" in capsys.readouterr().err


def test_where_all_are_too_long_none_can_be_left_out() -> None:
    data = written([{**PAIR, "prompt": LONG}] * 4)
    with pytest.raises(ConfigurationError, match=r"4 of 4 rows: raise --max-length$"):
        split_of(Options(data=data, drop_long=True), PAIRS, Room(tokenizer(Options()), 63))


def test_talks_are_as_long_as_their_template_makes_them() -> None:
    words = tokenizer(Options())
    talk = [{"role": "user", "content": LONG}]
    data = written([{"prompt": talk, "chosen": talk, "rejected": talk}] * 4)
    with pytest.raises(ConfigurationError, match="the tokenizer has no chat template"):
        split_of(Options(data=data), PAIRS, Room(words, 63))
    words.chat_template = "{% for one in messages %}? {{ one['content'] }} .{% endfor %}"
    with pytest.raises(ConfigurationError, match="the prompt takes 72 tokens"):
        split_of(Options(data=data), PAIRS, Room(words, 63))


def test_a_model_takes_no_more_tokens_than_it_can() -> None:
    with pytest.raises(ConfigurationError, match=r"max_length = 100: .* takes 64 tokens at most"):
        trained("dpo", max_length=100)
    causal(Options()).save_pretrained("copy")
    tokenizer(Options()).save_pretrained("copy")
    # Nothing said: what is usual for a real model, 1,024, gives way.
    assert prepare(Options(model="copy", output_dir="here"), "dpo").max_length == 64


def test_no_room_for_checkpoints_is_said_before_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    causal(Options()).save_pretrained("copy")
    tokenizer(Options()).save_pretrained("copy")
    weights = causal(Options()).num_parameters()
    # Two checkpoints of weights and two averages, and the weights once more: seven numbers of four bytes for each.
    for free, fits in ((28 * weights - 1, False), (28 * weights, True)):
        monkeypatch.setattr("barograph.recipes.disk._free", lambda folder, free=free: free)
        if fits:
            prepare(Options(model="copy", output_dir="here"), "dpo")
        else:
            with pytest.raises(ConfigurationError, match="are free there, and two checkpoints"):
                prepare(Options(model="copy", output_dir="here"), "dpo")


@pytest.mark.parametrize(
    ("error", "free", "is_full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 1 << 40, True),
        (OSError(errno.EACCES, "Permission denied"), 0, False),
        (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 139904 vs 139792"), 0, True),
        (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 139904 vs 139792"), 1 << 40, False),
        (ValueError("Error while serializing: I/O error: No space left on device (os error 28)"), 1 << 40, True),
        (ValueError("something else"), 0, False),
    ],
)
def test_a_full_disk_is_one_sentence_and_tells_where_to_go_on(
    error: Exception, free: int, is_full: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("barograph.recipes.disk._free", lambda folder: free)
    for step, last in ((50, "trainer_state.json"), (100, "trainer_state.json"), (150, "model.safetensors")):
        Path(f"run/checkpoint-{step}").mkdir(parents=True)
        Path(f"run/checkpoint-{step}", last).touch()
    expected = (
        "run: there is no room left on this disk; make some, then go on: barograph train kto --resume-from run/check"
    )
    with pytest.raises(BarographError if is_full else type(error)) as said, says_when_full(Path("run"), "kto"):
        raise error
    assert str(said.value) == (f"{expected}point-100" if is_full else str(error))


@pytest.mark.parametrize("method", ["dpo", "ppo"])
def test_only_the_newest_checkpoints_are_kept(method: str) -> None:
    done = trained(method, max_steps=4, save_steps=1, eval_steps=4, keep_checkpoints=2, batch_size=4, guard="advise")
    assert sorted(path.name for path in Path(done.folder).glob("checkpoint-*")) == ["checkpoint-3", "checkpoint-4"]


def test_at_the_end_there_is_nothing_to_go_on_to() -> None:
    short = {"max_steps": 2, "save_steps": 2, "eval_steps": 2, "batch_size": 8}
    done = trained("dpo", **short)
    with pytest.raises(ConfigurationError, match="is the end of its run of 2 steps; name more --max-steps"):
        trained("dpo", resume_from=f"{done.folder}/checkpoint-2")
