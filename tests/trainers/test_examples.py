"""What the callback keeps of each example, beside a full log that is worked out by other means.

The log asks the model itself, just before each loss, and knows an example by what it says: so it depends neither on
what TRL computes nor on how rows are numbered.
"""

# ruff: noqa: E402 - what trains is imported only where it is there

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

for library in ("torch", "transformers", "trl", "datasets"):
    pytest.importorskip(library, reason="needs the `train` extra")

import tiny_preferences
import torch
from datasets import Dataset
from transformers import (
    AutoModelForTokenClassification,
    DataCollatorForTokenClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

import barograph
from barograph.data.kept import FILE
from barograph.data.looks import Looks
from barograph.data.map import map_of
from barograph.data.suspects import report_of_run
from barograph.trainers import examples, trl_compat
from barograph.trainers.callback import BarographCallback

pytestmark = [pytest.mark.train, pytest.mark.timeout(300), pytest.mark.filterwarnings("default")]

#: So many are held out by `tiny_preferences`, so many are trained on, and so many where something has to be learned.
HELD, TRAINED, MANY = 64, 72, 400


def different_pairs(seed: int, noise: float = 0.1, count: int = HELD + TRAINED) -> list[dict[str, str]]:
    """Pairs of which no two have the same prompt, so that each is known by what it says."""
    rows = {row["prompt"]: row for row in ORIGINAL(seed, noise, 2_000)}
    return list(rows.values())[:count]


ORIGINAL = tiny_preferences.pairs


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiny_preferences, "pairs", different_pairs)


def said(ids: torch.Tensor, words: Any) -> str:
    return " ".join(words.decode(ids, skip_special_tokens=True).split())


class FullLog:
    """Every look of a training: the margin of what was said, asked of the model before its loss is computed."""

    def __init__(self, trainer: Any, method: str) -> None:
        self.trainer, self.method = trainer, method
        self.words = trainer.processing_class
        self.margins: dict[str, list[float]] = {}
        compute_loss = trainer.compute_loss

        def noting(model: Any, inputs: Any, *arguments: Any, **named: Any) -> Any:
            assert not any(key.startswith("barograph") for key in inputs)  # The trainer sees its own batch.
            with torch.no_grad():
                for example, margin in zip(*self.looks(model, inputs), strict=True):
                    self.margins.setdefault(example, []).append(float(margin))
            return compute_loss(model, inputs, *arguments, **named)

        trainer.compute_loss = noting

    def looks(self, model: Any, inputs: Any) -> tuple[list[str], Any]:
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        texts = [said(one, self.words) for one in ids]
        half = len(texts) // 2
        if self.method in {"dpo", "kto"}:
            reference = self.trainer.ref_model
            gain = logps(model, inputs) - logps(reference, inputs)
            reward = self.trainer.args.beta * gain
            if self.method == "dpo":
                return texts[:half], reward[:half] - reward[half:]
            return texts, torch.where(inputs["label"].bool(), reward, -reward)
        logits = model(input_ids=ids, attention_mask=mask).logits
        if self.method == "reward":
            return texts[:half], (logits[:half] - logits[half:]).squeeze(-1)
        sign = 2 * inputs["labels"] - 1  # Of two classes, the odds are the difference of their logits.
        odds = sign * (logits[..., 1] - logits[..., 0])
        if self.method == "classifier":
            return texts, odds
        return texts, [odds[row][inputs["labels"][row] != -100].min() for row in range(len(texts))]


def logps(model: Any, inputs: Any) -> Any:
    """How likely each answer is, in nats."""
    ids = inputs["input_ids"]
    logits = model(input_ids=ids, attention_mask=inputs["attention_mask"]).logits[:, :-1].log_softmax(-1)
    told = logits.gather(-1, ids[:, 1:, None]).squeeze(-1)
    return (told * inputs["completion_mask"][:, 1:]).sum(-1)


def make(method: str, base: Path, folder: Path, *callbacks: Any, **more: Any) -> Any:
    if method != "prm":
        return tiny_preferences.make(method, base, folder, *callbacks, **more)
    tiny_preferences.quiet()
    words, rows = tiny_preferences.tokenizer(), []
    for row in different_pairs(1)[:TRAINED]:
        prompt, first, second = (words(row[side])["input_ids"] for side in ("prompt", "chosen", "rejected"))
        ids = [*prompt, *first, *second]
        labels = [-100] * len(prompt) + [-100] * (len(first) - 1) + [1] + [-100] * (len(second) - 1) + [0]
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels})
    torch.manual_seed(1)
    model = AutoModelForTokenClassification.from_pretrained(base, num_labels=2)
    model.dropout.p = 0.0  # The head drops a tenth at random, another one each time that it is asked.
    return Trainer(
        model=model,
        args=tiny_preferences.arguments(TrainingArguments, "classifier", folder, **more),
        train_dataset=Dataset.from_list(rows), processing_class=words,
        data_collator=DataCollatorForTokenClassification(words), callbacks=list(callbacks),
    )  # fmt: skip


def examples_of(trainer: Any, method: str) -> list[str]:
    """What the full log knows each example by, in the order of the data."""
    rows = list(trainer.train_dataset)
    words = trainer.processing_class
    if method == "dpo":
        texts = [row["prompt"] + row["chosen"] for row in rows]
    elif method == "reward":
        texts = [words.decode(row["chosen_ids"], skip_special_tokens=True) for row in rows]
    elif method == "kto":
        texts = [row["prompt"] + row["completion"] for row in rows]
    else:
        texts = [words.decode(row["input_ids"], skip_special_tokens=True) for row in rows]
    texts = [" ".join(text.replace("<eos>", "").split()) for text in texts]
    assert len(set(texts)) == len(texts)
    return texts


EPOCHS = {"steps": -1, "num_train_epochs": 2, "gradient_accumulation_steps": 2, "per_device_train_batch_size": 8}


@pytest.mark.parametrize("method", ["dpo", "kto", "reward", "classifier", "prm"])
def test_what_is_kept_equals_a_full_log(method: str, base: Path, tmp_path: Path) -> None:
    callback = BarographCallback(console=False, method="prm" if method == "prm" else None)
    trainer = make(method, base, tmp_path / "run", callback, **EPOCHS)
    log = FullLog(trainer, method)
    trainer.train()
    looks = Looks.read(tmp_path / "run" / FILE)
    texts = examples_of(trainer, method)
    assert looks.examples == len(texts) == len(log.margins)
    for row, text in enumerate(texts):
        margins = log.margins[text]
        assert len(margins) == looks.kept["count"][row] == 2
        assert looks.kept["last"][row] == pytest.approx(margins[-1], abs=2e-4)
        if method == "kto":  # Beside the middle of all at that time, of which this log knows nothing.
            continue
        assert looks.kept["mean"][row] == pytest.approx(statistics.fmean(margins), abs=2e-4)
        assert map_of(looks).spread[row] == pytest.approx(statistics.pstdev(margins), abs=2e-4)
        if min(map(abs, margins)) > 1e-3:
            assert looks.kept["right"][row] == sum(margin > 0 for margin in margins)
            assert looks.kept["forgotten"][row] == (margins[0] > 0 > margins[1])
    assert vars(trainer).get("compute_loss").__name__ == "noting"  # As it was before.
    assert not vars(trainer.accelerator).keys() & {"gather", "gather_for_metrics"}


@pytest.mark.parametrize("method", ["dpo", "kto", "reward", "classifier", "prm"])
def test_the_training_is_the_same_to_the_last_digit(method: str, base: Path, tmp_path: Path) -> None:
    seen = []
    for name in ("alone", "watched"):
        named = {"method": "prm"} if method == "prm" else {}
        callbacks = [BarographCallback(console=False, **named)] if name == "watched" else []
        evaluated = {} if method == "prm" else {"eval_strategy": "steps", "eval_steps": 3}
        trainer = make(method, base, tmp_path / name, *callbacks, **EPOCHS, **evaluated)
        if method == "prm":
            trainer.model.dropout.p = 0.1  # What is drawn at random is drawn alike.
        trainer.train()
        losses = [(row["step"], row.get("loss"), row.get("eval_loss")) for row in trainer.state.log_history]
        seen.append((losses, [weight.detach().clone() for weight in trainer.model.parameters()]))
    (losses, weights), (watched_losses, watched_weights) = seen
    assert Looks.read(tmp_path / "watched" / FILE).kept["count"].min() == 2
    assert losses == watched_losses
    assert all(torch.equal(one, other) for one, other in zip(weights, watched_weights, strict=True))


def test_labels_that_were_turned_stand_first_with_what_they_say(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # From a handful of pairs nothing is learned that would speak against a label.
    monkeypatch.setattr(tiny_preferences, "pairs", lambda seed: different_pairs(seed, count=HELD + MANY))
    trainer = make("dpo", base, tmp_path / "run", BarographCallback(console=False), steps=-1, num_train_epochs=4)
    trainer.train()
    rows = different_pairs(1, count=HELD + MANY)[HELD:]
    wrong = {place for place, row in enumerate(rows) if ("yes" in row["chosen"]) != is_true(row["prompt"])}
    assert 0.05 * MANY < len(wrong) < 0.15 * MANY  # One in ten, by a dice.
    file = tmp_path / "pairs.jsonl"
    shuffled = [{"id": 1, "prompt": "another", "chosen": "a", "rejected": "b"}, *reversed(rows)]
    file.write_text("".join(json.dumps(row) + "\n" for row in shuffled))
    report = report_of_run(tmp_path / "run", data=str(file), top=len(wrong))
    found = {one.row - 1 for one in report.suspects}
    assert len(found & wrong) >= 0.7 * len(wrong)  # By chance it would be one in ten.
    for one in report.suspects:
        row = rows[one.row - 1]
        assert one.texts["chosen"] == row["chosen"].strip()
        assert one.file_row is not None
        assert shuffled[one.file_row - 1] == row


def is_true(prompt: str) -> bool:
    words = prompt.split()
    return int(words[2]) + int(words[4]) == int(words[6])


@pytest.mark.parametrize("method", ["kto", "reward"])
def test_rows_are_found_in_the_file_of_pairs_they_come_from(method: str, base: Path, tmp_path: Path) -> None:
    trainer = make(method, base, tmp_path / "run", BarographCallback(console=False), steps=4)
    trainer.train()
    rows = different_pairs(1)
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = report_of_run(tmp_path / "run", data=str(file), top=5)
    side = "completion" if method == "kto" else "chosen"
    for one in report.suspects:
        assert one.file_row is not None
        row = rows[one.file_row - 1]
        assert one.texts["prompt"] == row["prompt"]
        assert one.texts[side] in {row["chosen"].strip(), row["rejected"].strip()}


def test_nothing_is_kept_where_nobody_wants_it(base: Path, tmp_path: Path) -> None:
    trainer = make("dpo", base, tmp_path / "run", BarographCallback(console=False, examples=False), steps=2)
    trainer.train()
    assert not (tmp_path / "run" / FILE).exists()
    assert "compute_loss" not in vars(trainer)


def test_answers_that_a_model_makes_itself_have_no_labels(base: Path, tmp_path: Path) -> None:
    make("grpo", base, tmp_path / "run", BarographCallback(console=False), steps=1).train()
    with pytest.raises(barograph.core.errors.UnreadableRun, match="there is no label to be wrong"):
        report_of_run(tmp_path / "run")


class Stops(TrainerCallback):
    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 5:
            raise KeyboardInterrupt


def test_after_an_interruption_all_looks_are_there(base: Path, tmp_path: Path) -> None:
    trainer = make("dpo", base, tmp_path / "run", BarographCallback(console=False), Stops(), steps=9)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert Looks.read(tmp_path / "run" / FILE).kept["count"].sum() >= 4 * 16
    assert report_of_run(tmp_path / "run").suspects[0].texts["prompt"].startswith("i think")


def test_of_a_killed_process_little_is_lost(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "EVERY", 4)
    monkeypatch.setattr(examples, "SECONDS", 0.0)
    monkeypatch.setattr(examples, "MOST_OF_TIME", 1e9)
    written: list[int] = []

    class Reads(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            path = tmp_path / "run" / FILE
            if path.is_file():
                written.append(int(Looks.read(path).kept["count"].sum()))

    make("reward", base, tmp_path / "run", BarographCallback(console=False), Reads(), steps=10).train()
    # After 4 steps of 16 the file is there, and after 8, when 72 + 48 were seen; what waits to be worked in is not.
    assert [count for count in written if count >= 64]
    assert max(written) <= 120
    assert Looks.read(tmp_path / "run" / FILE).kept["count"].sum() == 2 * TRAINED


def test_a_loss_that_tells_nothing_is_said_once_and_the_training_goes_on(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trl_compat, "REWARDS", (("renamed", "since"),))
    told: list[str] = []

    class Telling(BarographCallback):
        def tell(self, sentence: str) -> None:
            told.append(sentence)

    trainer = make("dpo", base, tmp_path / "run", Telling(console=False), steps=3)
    trainer.train()
    assert trainer.state.global_step == 3
    assert [one for one in told if "DPOTrainer tells no rewards of single examples here" in one] == told


def test_a_run_that_goes_on_in_another_process_goes_on_with_its_examples(base: Path, tmp_path: Path) -> None:
    how = {"save_strategy": "steps", "save_steps": 4}
    make("reward", base, tmp_path / "run", BarographCallback(console=False), steps=4, **how).train()
    before = int(Looks.read(tmp_path / "run" / FILE).kept["count"].sum())
    trainer = make("reward", base, tmp_path / "run", BarographCallback(console=False), steps=6, **how)
    trainer.train(resume_from_checkpoint=str(tmp_path / "run/checkpoint-4"))
    after = Looks.read(tmp_path / "run" / FILE)
    # 72 examples in batches of 16: the fourth is whole, the fifth is the rest of 8, the sixth begins anew.
    assert (before, int(after.kept["count"].sum())) == (64, 64 + 8 + 16)
    assert after.kept["count"].max() == 2


def test_a_stream_is_trained_on_and_nothing_is_kept(base: Path, tmp_path: Path) -> None:
    trainer = make("classifier", base, tmp_path / "run", BarographCallback(console=False), steps=2)
    trainer.train_dataset = trainer.train_dataset.to_iterable_dataset()
    trainer.train()
    assert trainer.state.global_step == 2
    assert not (tmp_path / "run" / FILE).exists()


def test_workers_of_a_loader_number_their_rows(base: Path, tmp_path: Path) -> None:
    trainer = make(
        "reward", base, tmp_path / "run", BarographCallback(console=False), steps=-1, num_train_epochs=1,
        dataloader_num_workers=2,
    )  # fmt: skip
    trainer.train()
    assert Looks.read(tmp_path / "run" / FILE).kept["count"].tolist() == [1] * TRAINED


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {helpers!r})
import test_examples
from barograph.trainers.callback import BarographCallback

test_examples.tiny_preferences.pairs = test_examples.different_pairs
base, folder = Path(sys.argv[1]), Path(sys.argv[2])
how = dict(test_examples.EPOCHS, per_device_train_batch_size=6, ddp_backend="gloo")
test_examples.make("dpo", base, folder / "run", BarographCallback(console=False), **how).train()
"""


@pytest.mark.slow
def test_two_processes_keep_what_both_have_seen(base: Path, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.format(helpers=str(Path(__file__).parent)))
    environment = {
        **os.environ, "PYTHONPATH": str(Path(barograph.__file__).parent.parent), "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script), str(base),
        str(tmp_path),
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    # 72 examples in batches of 6 for two processes: none is left over, so none comes twice in an epoch.
    assert Looks.read(tmp_path / "run" / FILE).kept["count"].tolist() == [2] * TRAINED
