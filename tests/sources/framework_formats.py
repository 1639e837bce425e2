"""What frameworks print and log after each step, written by what is known of their print statements.

Where a framework has names of its own for what a logical row holds, those are written; what it never tells is left out.
"""

from __future__ import annotations

import json
import pprint
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Rows = list[Row]

#: A process of Ray in front of a line, and its colours.
RAY = "\x1b[36m(TrainRayActor pid=2310)\x1b[0m "


def metrics_of(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "step"}


def renamed(row: Row, names: dict[str, str]) -> Row:
    """What a row tells of the things that have a name in a framework, under those names."""
    return {name: row[key] for key, name in names.items() if key in row}


def as_torchtune(rows: Rows) -> str:
    """torchtune's DiskLogger: `f"{name}:{data} "` for each metric."""
    text = ""
    for row in rows:
        pairs = "".join(f"{key}:{value} " for key, value in metrics_of(row).items())
        text += f"Step {row.get('step', 0)} | {pairs}\n"
    return text


def as_openrlhf(rows: Rows) -> str:
    """OpenRLHF's logger; the first line stands behind a bar that has not ended its own."""
    text = "Episode [1/1]:   0%|          | 0/320 [00:00<?, ?it/s]"
    for row in rows:
        text += f"INFO 01-02 03:04:05 ppo_trainer.py:551] ✨ Global step {row.get('step', 0)}: {metrics_of(row)}\n"
    return text


def as_skyrl(rows: Rows) -> str:
    """SkyRL's tracking: loguru's line, and `pprint.pformat` of numbers that are texts of four decimals."""
    lines = ["2026-01-02 03:04:05.678 | INFO     | skyrl.train.entrypoints:main:41 - Starting\n"]
    for row in rows:
        printed = {key: f"{value:.4f}" if isinstance(value, float) else value for key, value in metrics_of(row).items()}
        colours = "\x1b[32m2026-01-02 03:04:05.678\x1b[0m | \x1b[1m\x1b[32mINFO    \x1b[0m | "
        place = "\x1b[36mskyrl.train.utils.tracking\x1b[0m:\x1b[36mlog\x1b[0m:\x1b[36m189\x1b[0m"
        shown = f"{colours}{place} - \x1b[1m\x1b[32mStep {row.get('step', 0)}: \n{pprint.pformat(printed)}\x1b[0m"
        lines += [f"{RAY}{line}\n" for line in shown.split("\n")]
    return "".join(lines)


def as_slime(rows: Rows) -> str:
    """slime's trainer behind Ray: a dict whose keys begin with `train/`."""
    text = "[2026-01-02 03:04:05] arguments.py:1402 - args: Namespace(advantage_estimator='grpo')\n"
    for row in rows:
        told = {f"train/{'lr-pg_0' if key == 'lr' else key}": value for key, value in metrics_of(row).items()}
        text += f"{RAY}[2026-01-02 03:04:05 rank 0] model.py:680 - step {row['step']}: {told}\n"
    return text


def as_areal(rows: Rows) -> str:
    """AReaL's StatsLogger: four pairs side by side in a table without a header, with five digits."""
    text, total = "", max(row["step"] for row in rows)
    front = "\x1b[92m\x1b[1;38;2;180;140;80m(AReaL)\x1b[0m \x1b[92m20260102-03:04:05.678 StatsLogger INFO: "
    for row in rows:
        step = row["step"]
        text += f"{front}Epoch 1/1 Step {step}/{total} Train step {step}/{total} done.\x1b[0m\n"
        text += f"{front}Stats (1/1):\x1b[0m\n{front}\n"
        told = [cell for key, value in metrics_of(row).items() for cell in (key, f"{value:.4e}")]
        grid = [told[at : at + 8] for at in range(0, len(told), 8)]
        wide = max((len(line) for line in grid), default=2)
        cells = ["│ " + " │ ".join(f"{cell:>12}" for cell in line + [""] * (wide - len(line))) + " │" for line in grid]
        dashes = ["═" * 14] * wide
        between = "\n├" + "┼".join(["─" * 14] * wide) + "┤\n"
        text += f"╒{'╤'.join(dashes)}╕\n{between.join(cells)}\n╘{'╧'.join(dashes)}╛\x1b[0m\n"
    return text


def as_nemo_rl(rows: Rows) -> str:
    """NeMo-RL's algorithms: what was validated stands before what was trained, below one header."""
    text, total = "", max(row["step"] for row in rows)
    text += f"\n{'=' * 25} Epoch 1/1 {'=' * 25}\n"
    for trained, validated in _with_validation(rows):
        step = (trained or validated)["step"]
        text += f"\n{'=' * 25} Step {step}/{total} {'=' * 25}\n▶ Preparing batch...\n▶ Training policy...\n"
        if validated:
            text += f"\n📊 Validation Results:\n    • Validation loss: {validated['eval_loss']:.4f}\n"
            text += "\n  ⏱️  Validation Timing:\n    • Total validation time: 6.20s\n"
        if "loss" in trained:
            text += f"\n📊 Training Results:\n  • Loss: {trained['loss']:.4f}\n"
        text += "\n⏱️  Timing:\n  • policy_training: 30.11s (49.2%)\n"
    return text


def _with_validation(rows: Rows) -> Iterator[tuple[Row, Row]]:
    """Every row of training with the row of evaluation behind it, if that is of the same step; either may be empty."""
    waiting: Row = {}
    for row in rows:
        if "eval_loss" not in row:
            if waiting:
                yield waiting, {}
            waiting = row
        elif waiting and waiting["step"] == row["step"]:
            yield waiting, row
            waiting = {}
        else:
            if waiting:
                yield waiting, {}
            yield {}, row
            waiting = {}
    if waiting:
        yield waiting, {}


def as_prime_rl_console(rows: Rows) -> str:
    """prime-rl's trainer: loguru's colours, parts between bars, four decimals. A step of minutes tells no seconds."""
    text = "\x1b[2m03:04:05\x1b[0m \x1b[1m   INFO\x1b[0m \x1b[1m\x1b[22mStarting trainer\x1b[0m\x1b[0m\n"
    for row in rows:
        forms = {"loss": "Loss {:.4f}", "eval_loss": "Val. Loss {:.4f}", "grad_norm": "Grad. Norm {:.4f}",
                 "lr": "LR {:.2e}"}  # fmt: skip
        parts = [form.format(row[key]) for key, form in forms.items() if key in row]
        message = " | ".join([f"Step {row['step']} |   2.07m", *parts, "Peak Mem. 61.2 GiB"])
        text += f"\x1b[2m03:04:05\x1b[0m \x1b[32m\x1b[1mSUCCESS\x1b[0m \x1b[32m\x1b[1m\x1b[22m{message}\x1b[0m\x1b[0m\n"
    return text


def as_prime_rl_metrics(rows: Rows) -> str:
    """prime-rl's FileMonitor: several rows for each step, each with the time, without what is not finite."""
    lines: Rows = []
    for number, row in enumerate(rows):
        front = {"step": row["step"], "time": 1754129484.5 + number}
        lines.append(front | {"progress/total_problems": 512 * number})
        lines.append(front | renamed(row, {"lr": "optim/lr", "grad_norm": "optim/grad_norm"}))
        lines.append(front | renamed(row, {"loss": "loss/mean", "eval_loss": "val/loss"}))
    return "".join(json.dumps(line) + "\n" for line in lines)


#: What tinker-cookbook's supervised training calls the logical keys; what an evaluator tells is named by its author.
_TINKER = {"loss": "train_mean_nll", "lr": "learning_rate"}


def write_tinker(path: Path, rows: Rows) -> None:
    """tinker-cookbook's JsonLogger, with the settings beside it."""
    path.write_text("".join(json.dumps({_TINKER.get(key, key): row[key] for key in row}) + "\n" for row in rows))
    settings = {"model_name": "Qwen/Qwen3-4B", "learning_rate": 1e-05, "log_path": ".", "lora_rank": 32}
    (path.parent / "config.json").write_text(json.dumps(settings, indent=2))


def as_tinker_console(rows: Rows) -> str:
    """tinker-cookbook's PrettyPrintLogger: rich's table below a title, with six decimals."""
    text = "root:791 [\x1b[92mINFO\x1b[0m] Command line invocation: train.py\n"
    for row in rows:
        told = {_TINKER.get(key, key): value for key, value in metrics_of(row).items()}
        shown = {key: f"{told[key]:.6f}" if isinstance(told[key], float) else str(told[key]) for key in sorted(told)}
        left, right = max(map(len, [*shown, "Metric"])), max(map(len, [*shown.values(), "Value"]))

        bars = ["━" * (left + 2), "━" * (right + 2)]
        text += "tinker_cookbook.utils.ml_log:236 [\x1b[92mINFO\x1b[0m] Wrote metrics to ./metrics.jsonl\n"
        text += "tinker_cookbook.utils.ml_log:317 [\x1b[92mINFO\x1b[0m] \n"
        text += f"{'Step ' + str(row.get('step', 0)):^{left + right + 7}}\n" + f"┏{'┳'.join(bars)}┓\n"
        text += f"┃ {'Metric':{left}} ┃ {'Value':{right}} ┃\n" + f"┡{'╇'.join(bars)}┩\n"
        text += "".join(f"│ {key:{left}} │ {value:{right}} │\n" for key, value in shown.items())
        text += f"└{'─' * (left + 2)}┴{'─' * (right + 2)}┘\n"
    return text


def write_llama_factory(path: Path, rows: Rows) -> None:
    """LLaMA-Factory's LogCallback: a few keys of its own, and how far the run is."""
    total = max(int(float(row.get("step", 0))) for row in rows) or 1
    names = {"loss": "loss", "eval_loss": "eval_loss", "lr": "lr"}
    text = ""
    for row in rows:
        share = float(row.get("step", 0)) / total
        line = {"current_steps": row.get("step", 0), "total_steps": total, **renamed(row, names), "epoch": share,
                "percentage": round(100 * share, 2), "elapsed_time": "0:00:12",
                "remaining_time": "1 day, 2:03:04"}  # fmt: skip
        text += json.dumps(line) + "\n"
    path.write_text(text)


def write_llama_factory_with_state(path: Path, rows: Rows) -> None:
    """The same, and the Trainer's state, which a resumed run has from its checkpoint and goes on with."""
    write_llama_factory(path, rows)
    history: Rows = []
    for row in rows:
        step = row.get("step", 0)
        if history and step < history[-1]["step"]:  # Resumed from the checkpoint right before.
            history = [one for one in history if one["step"] < step]
        named = {"learning_rate" if key == "lr" else key: value for key, value in row.items()}
        history.append({**named, "step": step})
    state = {"epoch": 1.0, "global_step": history[-1]["step"], "log_history": history}
    (path.parent / "trainer_state.json").write_text(json.dumps(state, indent=2))
