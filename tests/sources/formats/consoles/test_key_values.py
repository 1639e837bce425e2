"""What hand-written loops print, read by eye; and what is no log, which must be left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from logged import series_of

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.catalogue import SOURCES
from barograph.sources.formats.consoles.base import clean_lines
from barograph.sources.formats.consoles.key_values import KEY_VALUES
from barograph.sources.runs import How, read_each, read_run


def rows_of(text: str) -> list[dict[str, object]]:
    parser = KEY_VALUES.parser()
    return [row for line in clean_lines(text) for row in parser.line(line)]


def log(tmp_path: Path, text: str, name: str = "train.log") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("Epoch:[1/1](20/4292), loss: 0.66, aux_loss: 0.0000, epoch_time: 9.000min",
         {"step": 20, "epoch": 1.0, "loss": "0.66", "aux_loss": "0.0000", "epoch_time": "9.000"}),
        ("Epoch:[1/1](1/500), Reward: 0.3846, KL_ref: -0.0004, Avg Len: 129",
         {"step": 1, "epoch": 1.0, "Reward": "0.3846", "KL_ref": "-0.0004", "Avg Len": "129"}),
        ("train_accuracy=0.5, optimizer.param_groups[0]['lr']=2.9e-06, x.get_last_lr()=[2.9e-06], update=9",
         {"step": 9, "train_accuracy": "0.5", "optimizer.param_groups[0]['lr']": "2.9e-06",
          "x.get_last_lr()": "2.9e-06"}),
        ("step: 1,000/20,000, loss: 0.5, tokens: 1,234,567.5",
         {"step": 1000, "loss": "0.5", "tokens": "1234567.5"}),
        (" iteration    10/  500 | consumed samples:  160 | elapsed time per iteration (ms): 512.5 | loss: 6.0E-01 |",
         {"step": 10, "consumed samples": "160", "elapsed time per iteration (ms)": "512.5", "loss": "6.0E-01"}),
        ("step 100 | loss 0.51 | lr 1e-5 | grad_norm: 1.2",
         {"step": 100, "loss": "0.51", "lr": "1e-5", "grad_norm": "1.2"}),
        ("[2024-01-01 12:00:00] step=10 loss=0.4", {"step": 10, "loss": "0.4"}),
        ("2024-01-01 12:00:00,123 INFO trainer.py:45 - step=10 loss=nan kl=-inf",
         {"step": 10, "loss": "nan", "kl": "-inf"}),
        ("INFO:root:step 10: loss 0.5", {"step": 10, "loss": "0.5"}),
        ("[2024-01-01 12:00:00,1][root][WARNING] - global_step: 7, reward: 1.5", {"step": 7, "reward": "1.5"}),
        ("iter 10: loss 2.3, time 12.5ms, mfu 3.25%", {"step": 10, "loss": "2.3", "time": "12.5", "mfu": "3.25%"}),
        ("step 1000: train loss 1.23, val loss 1.34", {"step": 1000, "train loss": "1.23", "val loss": "1.34"}),
        ("step    1/19560 | loss 11.009 (+nanz)| norm 15.3 (-1.2z)| lr 8.57e-07 | 3056.36 ms | 42.6% bf16 MFU",
         {"step": 1, "loss": "11.009", "norm": "15.3", "lr": "8.57e-07"}),
        ("Epoch 3/10 - loss: 0.4 - accuracy: 0.81 - val_loss: 0.5",
         {"epoch": 3.0, "loss": "0.4", "accuracy": "0.81", "val_loss": "0.5"}),
        ("[Step   250 | Epoch 0.50] Loss: 0.4523 LR: 1.80e-05 | Eval Loss: 0.4201 Acc: 0.8234 F1: 0.8156",
         {"step": 250, "epoch": 0.5, "Loss": "0.4523", "LR": "1.80e-05", "Eval Loss": "0.4201", "eval Acc": "0.8234",
          "eval F1": "0.8156"}),
        ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 0.58", {"step": 640, "epoch": 1.0, "Loss": "0.58"}),
        ("Epoch 0:  50%|#####     | 50/100 [00:10<00:10,  5.00it/s, loss=0.5, acc=45.5%]",
         {"step": 50, "epoch": 0.0, "loss": "0.5", "acc": "45.5%"}),
        ("step 5: {'loss': 0.5, 'kl': np.float64(0.1)}", {"step": 5, "loss": "0.5", "kl": "0.1"}),
        ("Iteration 5/100: reward = 1.25, tokens: 1.5M", {"step": 5, "reward": "1.25", "tokens": "1500000.0"}),
        ("step=3, loss=tensor(0.51, device='cuda:0')", {"step": 3, "loss": "0.51"}),
    ],
)  # fmt: skip
def test_ways_of_printing(line: str, row: dict[str, object]) -> None:
    assert rows_of(line) == [row]


@pytest.mark.parametrize(
    "line",
    [
        "GET / 200 12ms",
        "Model Params: 30.03M",
        "trainable params: 4,194,304 || all params: 6,742,609,920 || trainable%: 0.0622",
        "Args(exp_name='reward', lr=5e-06, beta=0.1, num_updates=1450, seed=1)",
        "Namespace(loss=0.5, reward=1.0, step=3)",
        "The loss at step 100 was 0.5 which is lower than 0.6 at step 50",
        "lr: 1e-5, batch_size: 64, epochs: 3",
        '  File "/usr/lib/x.py", line 10, in f',
        "status=200 time=12ms size=1234",
        "Processed prompts: 100%|##| 8/8 [00:05<00:00, est. speed input: 20.5 toks/s, output: 150 toks/s]",
        "Downloading: 100%|##########| 1.2G/1.2G [00:10<00:00, 120MB/s]",
        "Map:  50%|#####     | 500/1000 [00:01<00:01, 500.00 examples/s]",
        "loss: low, reward: high",
        "Saving checkpoint at step 500 to out/step-500",
        "Step 250:",
    ],
)
def test_lines_that_are_no_metrics(line: str) -> None:
    assert rows_of(line) == []


def test_steps_that_begin_anew_in_each_epoch_follow_each_other() -> None:
    lines = [f"Epoch:[{epoch}/2]({at}/50), loss: 0.5, kl: 0.1" for epoch in (1, 2) for at in (20, 40, 50)]
    assert [row["step"] for row in rows_of("\n".join(lines))] == [20, 40, 50, 70, 90, 100]
    bars = [f"Epoch {epoch}: 50%|##| {at}/50 [00:10<00:10, 5.00it/s, loss=0.5]" for epoch in (0, 1) for at in (25, 50)]
    assert [row["step"] for row in rows_of("\n".join(bars))] == [25, 50, 75, 100]


def test_steps_that_go_on_through_the_epochs_stay_what_they_are(tmp_path: Path) -> None:
    text = "".join(f"Epoch [{1 + at // 60}/2], Step [{at}/100], loss: 0.5\n" for at in range(10, 101, 10))
    run = read_run(log(tmp_path, text), "dpo")
    assert run.steps.tolist() == list(range(10, 101, 10))
    assert run.config["max_steps"] == 100


def test_how_many_steps_are_planned(tmp_path: Path) -> None:
    text = "Epoch:[1/3](20/50), loss: 0.5, kl: 0.1\n"
    assert read_run(log(tmp_path, text), "dpo").config["max_steps"] == 150
    assert "max_steps" not in read_run(log(tmp_path, "step: 20, loss: 0.5\n"), "dpo").config


def test_a_second_run_in_the_same_file(tmp_path: Path) -> None:
    once = "".join(f"Epoch:[{e}/2]({at}/20), loss: 0.{at}\n" for e in (1, 2) for at in range(1, 21))
    runs = [run for run in read_each(log(tmp_path, once * 2), How("dpo")) if isinstance(run, Run)]
    assert [run.steps.tolist() for run in runs] == [list(range(1, 41))] * 2


def test_keras_says_the_epoch_on_a_line_of_its_own() -> None:
    text = "Epoch 1/2\n100/100 [====] - 3s 27ms/step - loss: 0.4 - val_loss: 0.5\n"
    text += "Epoch 2/2\n100/100 \u2501\u2501 3s 27ms/step - loss: 0.3\n"
    assert [(row["step"], row["loss"]) for row in rows_of(text)] == [(100, "0.4"), (200, "0.3")]


def test_settings_in_a_dump_are_settings_and_no_rows(tmp_path: Path) -> None:
    text = "Args(\n\u2502   exp_name='reward',\n\u2502   lr=5e-06, beta=0.2,\n\u2502   batch_size=64,\n"
    text += "\u2502   task=Task(\n\u2502   \u2502   temperature=0.01\n\u2502   ),\n)\nstep=1, loss=0.5\n"
    run = read_run(log(tmp_path, text), "dpo")
    assert (run.config["learning_rate"], run.config["beta"], run.config["batch_size"]) == (5e-06, 0.2, 64)
    assert series_of(run) == {"loss": [(1, 0.5)]}


def test_a_dump_that_never_ends_hides_no_metrics(tmp_path: Path) -> None:
    assert len(read_run(log(tmp_path, "Args(\n  a=1,\nstep=1, loss=0.5\nstep=2, loss=0.5\n"), "dpo")) == 2


def test_the_metrics_log_of_a_classifier(tmp_path: Path) -> None:
    text = """[Step   250 | Epoch 0.50] Loss: 0.4523 LR: 1.80e-05 | Eval Loss: 0.4201 Acc: 0.8234 F1: 0.8156
[Step   500 | Epoch 1.00] Loss: 0.3891 LR: 1.60e-05 | Eval Loss: 0.3756 Acc: 0.8512 F1: 0.8445
"""
    log(tmp_path, text, "metrics.log")
    run = read_run(tmp_path)
    assert run.method.value in {"classifier", "prm"}
    assert run.latest("eval.cls_accuracy") == 0.8512
    assert run.latest("eval.cls_f1") == 0.8445
    assert (run.latest("loss"), run.latest("eval.loss")) == (0.3891, 0.3756)
    assert run.steps.tolist() == [250, 500]


def test_shares_in_percent_and_evaluations_on_lines_of_their_own(tmp_path: Path) -> None:
    text = "step 10 | loss 0.5 | accuracy 45.5%\nval_loss: 0.7, val_accuracy: 0.25\nstep 20 | loss 0.4 | accuracy 50%\n"
    run = read_run(log(tmp_path, text), "classifier")
    assert series_of(run)["accuracy"] == [(10, 0.455), (20, 0.5)]
    assert series_of(run)["val_loss"] == [(10, 0.7)]


NO_LOGS = {
    "README.md": "# Training\n\nRun it:\n\n```\nStep 50:   Loss: 0.6234, Acc: 0.6523\n"
                 "Step 100:  Loss: 0.55, Acc: 0.72\n```\n",
    "requirements.txt": "torch==2.1.0\ntransformers>=4.46\nnumpy<2  # loss: 1, reward: 2\n",
    "pip.log": "Collecting torch==2.1.0\n  Downloading torch-2.1.0-cp311.whl (670.2 MB)\n"
               "     \u2501\u2501\u2501\u2501 670.2/670.2 MB 2.1 MB/s eta 0:00:00\nSuccessfully installed x-2.1.0\n",
    "error.txt": 'Traceback (most recent call last):\n  File "train.py", line 10, in <module>\n    loss = model(x)\n'
                 "RuntimeError: size mismatch, got 10, expected 20\n",
    "access.log": '10.0.0.1 - - [01/Jan/2024:10:00:00 +0000] "GET / HTTP/1.1" 200 12\n'
                  "GET / 200 12ms\nGET /x 404 3ms\n",
    "logfmt.log": "time=2024-01-01T10:00:00Z level=info status=200 duration=12ms size=77\n" * 5,
    "vocab.txt": "[PAD]\n[UNK]\nthe\nloss\nreward\nstep\n1\n2\n",
    "build.log": "Step 1/10 : FROM python:3.8\n ---> 1234\nStep 2/10 : FROM python:3.9\n ---> 4321\nStep 3/10 : x\n",
    "config.txt": "lr: 1e-5\nbeta: 0.1\nloss: 0.5\nbatch_size: 64\n",
    "system.log": "Jan  1 10:00:00 host kernel: [    0.000000] cpu: 1, mem: 20\n" * 3,
    "prose.txt": "After 3 epochs the loss was 0.5 and the reward 1.2.\nAt step 10, the KL is about 0.1.\n" * 3,
    "top.txt": "%Cpu(s):  1.2 us,  0.3 sy,  0.0 ni, 98.0 id\nMiB Mem :  15921.1 total,   1234.5 free\n" * 3,
}  # fmt: skip


@pytest.mark.parametrize("name", NO_LOGS)
def test_ordinary_text_is_no_log(tmp_path: Path, name: str) -> None:
    path = log(tmp_path, NO_LOGS[name], name)
    claimants = [source.name for source in SOURCES if source.recognises(str(path), path.read_bytes())]
    assert [name for name in claimants if name in {"key_values", "hugging_face", "verl"}] == []


def test_a_folder_of_ordinary_text_holds_no_run(tmp_path: Path) -> None:
    for name, text in NO_LOGS.items():
        log(tmp_path, text, name)
    with pytest.raises(UnreadableRun):
        read_run(tmp_path)


def test_long_hostile_lines_take_no_time() -> None:
    hostile = ["a" * 9_999, "1" * 9_999, "a:" * 4_999, "a " * 4_999, "loss=" + "1" * 9_000 + "x", "[(" * 4_999,
               "2024-01-01 " * 900 + "x", " " * 9_999 + "x", "step " * 1_999, "loss=np.f(" * 999,
               "\u2502" * 9_999]  # fmt: skip
    assert rows_of("\n".join(hostile)) == []
