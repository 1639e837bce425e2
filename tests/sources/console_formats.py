"""What programs print while they train, by what is known of each way of printing, and the notebooks they run in."""

from __future__ import annotations

import html
import json
from typing import Any

Rows = list[dict[str, Any]]


def bar(at: int, total: int) -> str:
    """tqdm's line; it ends where the next begins, at a carriage return."""
    share = at / total
    return f"\r{share:4.0%}|{'#' * int(10 * share):10}| {at}/{total} [00:{at % 60:02}<01:00,  1.00it/s]"


def as_trainer_console(rows: Rows, total: int = 100_000) -> str:
    """transformers: what is printed through the bar takes it away for a moment, and then the bar is drawn anew."""
    text = ""
    for row in rows:
        printed = repr({key: value for key, value in row.items() if key != "step"}) + "\n"
        if "step" not in row:
            text += printed
            continue
        drawn = bar(int(row["step"]), total)
        text += drawn + "\r" + " " * len(drawn) + "\r" + printed + drawn
    return text


def as_verl_console(rows: Rows) -> str:
    """verl behind Ray: colours, the process, and numpy's way of printing a number."""
    text = ""
    for row in rows:
        pairs = [f"{key}:np.float64({value!r})" for key, value in row.items() if key != "step"]
        text += f"\x1b[36m(TaskRunner pid=77)\x1b[0m step:{row['step']} - {' - '.join(pairs)}\n"
    return text


def as_key_values(rows: Rows) -> str:
    return "".join(", ".join(f"{key}: {value}" for key, value in row.items()) + "\n" for row in rows)


def as_notebook(rows: Rows) -> str:
    """The table that Unsloth's Trainer draws: names with spaces, and `No Log` where there is nothing."""
    names = {"step": "Step", "loss": "Training Loss", "eval_loss": "Validation Loss"}
    keys = list(dict.fromkeys(key for row in rows for key in row))
    head = "".join(f"<th>{html.escape(names.get(key, key.replace('/', ' / ')))}</th>" for key in keys)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(row.get(key, 'No Log')))}</td>" for key in keys) + "</tr>\n"
        for row in rows
    )
    drawn = (
        f"<div><progress value='2' max='9'></progress>\n[2/9 00:01, Epoch 1/1]</div>\n<table>{head}{body}</table><p>"
    )
    drawn = drawn.replace("<table><th>", "<table><thead><tr><th>").replace("</th><tr>", "</th></tr></thead><tr>")
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": drawn.splitlines(keepends=True)}}
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": [output], "source": ["train()"]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)
