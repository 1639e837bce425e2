"""The tables that TensorBoard and Weights & Biases give out of their web pages."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def write_tensorboard_csv(path: Path, rows: Rows) -> None:
    """A file for each curve, with the tag in its name, in which the page writes `_` for `/`."""
    path.mkdir()
    for tag in dict.fromkeys(key for row in rows for key in row if key != "step"):
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["Wall time", "Step", "Value"])
        points = [(1754129472.25 + at, row["step"], row[tag]) for at, row in enumerate(rows) if tag in row]
        writer.writerows(points)
        (path / f"run-dpo-tag-{tag.replace('/', '_')}.csv").write_text(text.getvalue(), newline="")


def as_wandb_csv(rows: Rows) -> str:
    """A chart of one run: everything in quotes, each curve with its bounds, and nothing where it has no point."""
    keys = list(dict.fromkeys(key for row in rows for key in row if key != "step"))
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["Step", *(f"dpo-beta0.1 - {key}{bound}" for key in keys for bound in ("", "__MIN", "__MAX"))])
    for row in rows:
        writer.writerow([row["step"], *(row.get(key, "") for key in keys for _ in range(3))])
    return text.getvalue()
