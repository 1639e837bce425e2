"""The same logical run, written in every format: what the contract suite is run over."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from console_formats import as_key_values, as_notebook, as_trainer_console, as_verl_console
from database_format import write_mlflow, write_trackio
from exported_formats import as_wandb_csv, write_tensorboard_csv
from framework_formats import (
    as_areal,
    as_nemo_rl,
    as_openrlhf,
    as_prime_rl_console,
    as_prime_rl_metrics,
    as_skyrl,
    as_slime,
    as_tinker_console,
    as_torchtune,
    write_llama_factory,
    write_llama_factory_with_state,
    write_tinker,
)
from mlflow_format import write_run
from parquet_format import write_parquet
from swanlab_format import write_swanlab
from tensorboard_format import write_doubles
from wandb_format import write_log

Rows = list[dict[str, Any]]

#: What some formats have no way to say, and the tests that are left out for them.
TEXT_VALUES = "values that are text"
NUMBERS_IN_QUOTES = "numbers that are text"
ODD_KEYS = "keys in any script, or with control characters"
NO_STEP = "rows without a step"
FRACTIONAL_STEP = "steps that are no whole numbers"
ONE_FILE = "being one file that may be cut or piped"
EMPTY_FILE = "being an empty file"
PACKING = "being packed, since it is already"
DECIMALS = "numbers with many digits"
SMALL_NUMBERS = "numbers below a thousandth"
NOT_FINITE = "NaN and infinity"
LEARNING_RATE = "learning rates"
MARGINS = "reward margins"
EVALUATIONS = "losses of evaluations"
TOTALS = "the totals of a run"
OTHER_KEYS = "keys that the framework does not log itself"

#: What no console can say that prints numbers only, behind the step, under names that are given.
_NUMBERS_ONLY = frozenset({TEXT_VALUES, NUMBERS_IN_QUOTES, ODD_KEYS, NO_STEP, FRACTIONAL_STEP})
_FIXED_KEYS = frozenset({MARGINS, TOTALS, OTHER_KEYS, TEXT_VALUES, ODD_KEYS})


@dataclass(frozen=True)
class Format:
    """How a run is written in one format, and where in the folder of a run."""

    name: str
    #: The log: a file, or a folder for formats whose log is one.
    file: str
    #: Writes the rows to the path of the log, whose folder exists.
    write: Callable[[Path, Rows], None]
    #: What this format cannot say, of the words above.
    cannot: frozenset[str] = frozenset()
    #: How the notes begin that tell of every such log where it was found and put together.
    notes: tuple[str, ...] = ()
    #: How many rows are written for one that holds a loss and a learning rate.
    parts: int = 1


def as_text(text_of: Callable[[Rows], str]) -> Callable[[Path, Rows], None]:
    return lambda path, rows: path.write_bytes(text_of(rows).encode()) and None


def as_jsonl(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def as_csv(rows: Rows, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> str:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, keys, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_columns(rows: Rows) -> str:
    keys = dict.fromkeys(key for row in rows for key in row)
    return json.dumps({key: [row.get(key) for row in rows] for key in keys})


def nested(row: dict[str, Any]) -> dict[str, Any]:
    """As verl's file logger writes it."""
    inner = {key: value for key, value in row.items() if key != "step"}
    return {"step": row["step"], "data": inner} if "step" in row else {"data": inner}


def write_own_run(path: Path, rows: Rows) -> None:
    path.write_text(as_jsonl(rows))
    (path.parent.parent / "run.json").write_text("{}")


def write_packed(path: Path, rows: Rows) -> None:
    database = path.with_suffix("")
    write_mlflow(database, rows)
    path.write_bytes(gzip.compress(database.read_bytes()))
    database.unlink()


FORMATS = [
    Format("jsonl", "log.jsonl", as_text(as_jsonl)),
    Format("jsonl from Windows", "log.jsonl", as_text(lambda rows: "\ufeff" + as_jsonl(rows).replace("\n", "\r\n"))),
    Format("jsonl nested", "log.jsonl", as_text(lambda rows: as_jsonl(list(map(nested, rows))))),
    Format("own run", "logs/training_metrics.jsonl", write_own_run),
    Format("trainer state", "trainer_state.json", as_text(lambda rows: json.dumps({"log_history": rows}, indent=2))),
    Format("json list", "rows.json", as_text(lambda rows: json.dumps(rows, indent=1))),
    Format("json list on one line", "rows.json", as_text(json.dumps)),
    Format("json object", "rows.json", as_text(lambda rows: json.dumps({"history": rows}))),
    Format("json columns", "rows.json", as_text(as_columns)),
    Format("csv", "log.csv", as_text(as_csv)),
    Format("tsv", "log.tsv", as_text(lambda rows: as_csv(rows, "\t"))),
    Format("csv with semicolons", "log.csv", as_text(lambda rows: as_csv(rows, ";"))),
    Format("csv quoted", "log.csv", as_text(lambda rows: as_csv(rows, quoting=csv.QUOTE_ALL))),
    Format("tensorboard", "events.out.tfevents.1700000000.host", write_doubles,
           frozenset({TEXT_VALUES, NUMBERS_IN_QUOTES, FRACTIONAL_STEP})),
    Format("wandb", "wandb/run-20260101_000000-abc/run-abc.wandb", write_log, frozenset({NO_STEP})),
    Format("wandb of today", "wandb/run-20260101_000000-abc/run-abc.wandb", partial(write_log, nested=True),
           frozenset({NO_STEP})),
    Format("console of transformers", "train.log", as_text(as_trainer_console), frozenset({FRACTIONAL_STEP})),
    Format("console of verl", "train.log", as_text(as_verl_console),
           frozenset({TEXT_VALUES, NUMBERS_IN_QUOTES, ODD_KEYS, NO_STEP, FRACTIONAL_STEP})),
    Format("console of a loop", "metrics.log", as_text(as_key_values), frozenset({TEXT_VALUES, ODD_KEYS})),
    Format("trackio", "trackio/project.db", write_trackio, frozenset({NO_STEP, FRACTIONAL_STEP})),
    Format("mlflow", "mlruns/7/a1", write_run,
           frozenset({TEXT_VALUES, NUMBERS_IN_QUOTES, ODD_KEYS, FRACTIONAL_STEP, ONE_FILE, EMPTY_FILE})),
    Format("mlflow database", "mlflow.db", write_mlflow,
           frozenset({TEXT_VALUES, NUMBERS_IN_QUOTES, ODD_KEYS, FRACTIONAL_STEP})),
    Format("swanlab", "swanlog/run-20260101_000000-abc/run-abc.swanlab", write_swanlab,
           frozenset({TEXT_VALUES, NUMBERS_IN_QUOTES, NO_STEP, FRACTIONAL_STEP})),
    *([Format("parquet", "log.parquet", write_parquet)] if find_spec("pyarrow") else []),
    Format("torchtune", "logs/log_1754129472.txt", as_text(as_torchtune),
           frozenset({ODD_KEYS, NO_STEP, FRACTIONAL_STEP})),
    Format("console of OpenRLHF", "train.log", as_text(as_openrlhf), frozenset({NO_STEP, FRACTIONAL_STEP})),
    Format("console of SkyRL", "train.log", as_text(as_skyrl),
           frozenset({NO_STEP, FRACTIONAL_STEP, DECIMALS, SMALL_NUMBERS})),
    Format("console of slime", "train.log", as_text(as_slime),
           _FIXED_KEYS | {NO_STEP, FRACTIONAL_STEP, NUMBERS_IN_QUOTES, EVALUATIONS}),
    Format("console of AReaL", "train.log", as_text(as_areal), _NUMBERS_ONLY | {DECIMALS}),
    Format("console of NeMo-RL", "train.log", as_text(as_nemo_rl),
           _NUMBERS_ONLY | _FIXED_KEYS | {DECIMALS, SMALL_NUMBERS, LEARNING_RATE}),
    Format("console of prime-rl", "train.log", as_text(as_prime_rl_console), _NUMBERS_ONLY | _FIXED_KEYS | {DECIMALS}),
    Format("prime-rl", "metrics.jsonl", as_text(as_prime_rl_metrics),
           _FIXED_KEYS | {NO_STEP, FRACTIONAL_STEP, NUMBERS_IN_QUOTES, NOT_FINITE}, parts=2),
    Format("console of tinker", "logs.log", as_text(as_tinker_console),
           frozenset({ODD_KEYS, NO_STEP, FRACTIONAL_STEP, DECIMALS})),
    Format("tinker", "metrics.jsonl", write_tinker, frozenset({NO_STEP})),
    Format("LLaMA-Factory", "trainer_log.jsonl", write_llama_factory, _FIXED_KEYS | {NO_STEP}),
    Format("LLaMA-Factory with a state", "trainer_log.jsonl", write_llama_factory_with_state,
           frozenset({NO_STEP, FRACTIONAL_STEP, NUMBERS_IN_QUOTES, OTHER_KEYS}),
           notes=("joined with trainer_state.json",)),
    Format("csv of TensorBoard", "curves", write_tensorboard_csv,
           frozenset({TEXT_VALUES, NUMBERS_IN_QUOTES, ODD_KEYS, NO_STEP, FRACTIONAL_STEP, TOTALS, ONE_FILE,
                      EMPTY_FILE}),
           notes=("put together from", "read from", "the tag is taken from")),
    Format("csv of wandb", "export.csv", as_text(as_wandb_csv), frozenset({TEXT_VALUES, NO_STEP})),
    Format("packed database", "mlflow.db.gz", write_packed,
           frozenset({TEXT_VALUES, NUMBERS_IN_QUOTES, ODD_KEYS, FRACTIONAL_STEP, PACKING})),
    Format("notebook", "train.ipynb", as_text(as_notebook), frozenset({NO_STEP})),
]  # fmt: skip

#: Sources that no `Format` is read by, and why.
NOT_WRITTEN = {"wandb_summary": "it is one row, and no run of several can be written so"}
