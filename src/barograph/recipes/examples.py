"""The examples that a recipe trains on: found, looked at before anything is trained, and split.

A file (JSON lines, JSON, CSV, Parquet), a folder (of such files, or saved by `datasets`), or a data set of the hub.
What is wrong with it is one sentence that says where and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from datasets import Dataset, DatasetDict, load_dataset, load_from_disk

from barograph.core.errors import ConfigurationError, suggest
from barograph.recipes import tasks
from barograph.recipes.options import Options
from barograph.trainers.voice import say

__all__ = ["PAIRS", "PROMPTS", "STEPS", "UNPAIRED", "Form", "Room", "Split", "split_of"]

Row: TypeAlias = dict[str, Any]

#: The reader of `datasets` for each kind of file.
READERS = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
#: So many rows are looked at before the training; a mistake of form is in the first of them as a rule.
LOOKED_AT = 1_000
#: How many examples of the tiny tasks are drawn.
DRAWN = 1_200


class Form(NamedTuple):
    """What the rows of one method look like."""

    name: str
    #: The columns that must be there, each with what belongs in it.
    needs: Mapping[str, type | tuple[type, ...]]
    #: The tiny task in this form.
    drawn: Callable[[int], list[Row]]


TEXT = (str, list)
PAIRS = Form("preference pairs", {"chosen": TEXT, "rejected": TEXT}, lambda seed: tasks.pairs(seed, DRAWN, noise=0.05))
UNPAIRED = Form(
    "labelled answers", {"prompt": TEXT, "completion": TEXT, "label": (bool, int)},
    lambda seed: tasks.unpaired(tasks.pairs(seed, DRAWN, noise=0.05), seed),
)  # fmt: skip
STEPS = Form(
    "labelled steps",
    {"prompt": str, "completions": list, "labels": list},
    lambda seed: tasks.solutions(seed, 2 * DRAWN),
)
PROMPTS = Form("prompts", {"prompt": TEXT}, lambda seed: tasks.prompts(seed, DRAWN))


class Split(NamedTuple):
    """What is trained on, and what is held out."""

    train: Dataset
    held_out: Dataset


class Room(NamedTuple):
    """How many tokens an example may take."""

    words: Any
    tokens: int
    #: What has to fit: the prompt, with one token of an answer or more beside it, or the prompt with each answer.
    is_whole: bool = False


def split_of(options: Options, form: Form, room: Room | None = None) -> Split:
    """The examples that the options name, in the form that a method takes; the tiny task where they name none."""
    seed = options.seed or 0

    def taken(where: str, part: str) -> Dataset:
        found = _checked(_found(where, part), form, where)
        return found if room is None else _fitting(found, room, where, drops=bool(options.drop_long))

    whole = taken(options.data, "train") if options.data else Dataset.from_list(form.drawn(seed))
    if options.eval_data:
        return Split(whole, taken(options.eval_data, "test"))
    held = round(len(whole) * (options.eval_share or 0.0))
    if held == 0 or held == len(whole):
        raise ConfigurationError(
            f"{options.data or 'the tiny task'}: {len(whole)} examples leave {held} of them to be held out; "
            "name --eval-data, or another --eval-share"
        )
    parts = whole.train_test_split(test_size=held, seed=seed, shuffle=True)
    return Split(parts["train"], parts["test"])


def _found(where: str, part: str = "train") -> Dataset:
    path = Path(where)
    if path.is_dir():
        if (path / "dataset_info.json").is_file() or (path / "dataset_dict.json").is_file():
            return _one(load_from_disk(where), part, where)
        files = sorted(str(file) for file in path.iterdir() if file.suffix in READERS)
        if not files:
            raise ConfigurationError(f"{where}: holds no {', '.join(READERS)} file")
        return _read(files, where)
    if path.is_file():
        if path.suffix not in READERS:
            raise ConfigurationError(f"{where}: is no {', '.join(READERS)} file")
        return _read([where], where)
    if path.suffix in READERS or where.startswith((".", "/", "~")):
        raise ConfigurationError(f"{where}: there is no such file or folder")
    try:
        return _one(load_dataset(where), part, where)
    except Exception as error:  # noqa: BLE001 - a hub fails in many ways, all of which come to this
        said = f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"
        raise ConfigurationError(f"{where}: is no file here, and could not be had from the hub ({said})") from None


def _read(files: Sequence[str], where: str) -> Dataset:
    try:
        return load_dataset(READERS[Path(files[0]).suffix], data_files=list(files), split="train")
    except Exception as error:  # noqa: BLE001 - as above
        cause = error.__cause__ or error
        said = str(cause).splitlines()[0][:160] if str(cause) else type(cause).__name__
        raise ConfigurationError(f"{where}: cannot be read as examples ({said})") from None


def _one(found: Dataset | DatasetDict, part: str, where: str) -> Dataset:
    if isinstance(found, Dataset):
        return found
    if part in found:
        return found[part]
    raise ConfigurationError(f"{where}: has no part {part!r}; it has {', '.join(found)}")


def _checked(found: Dataset, form: Form, where: str) -> Dataset:
    """The same, if its rows are what the method takes."""
    if len(found) == 0:
        raise ConfigurationError(f"{where}: holds no examples")
    columns = list(found.column_names)
    if form is UNPAIRED and {"chosen", "rejected"} <= set(columns):
        # Pairs will do: each makes two labelled answers. They are mixed here, for the trainer would lay out all the
        # good ones first, and every batch would be of one kind.
        rows = [{**row, "prompt": row.get("prompt", "")} for row in found]
        return Dataset.from_list(tasks.unpaired(rows, 0))
    for name in form.needs:
        if name not in columns:
            raise ConfigurationError(
                f"{where}: has no column {name!r}, which {form.name} need (it has {', '.join(columns)})"
                f"{suggest(name, columns)}"
            )
    for number, row in enumerate(found.select(range(min(LOOKED_AT, len(found))))):
        for name, kinds in form.needs.items():
            _check(row[name], name, kinds, f"{where}, row {number + 1}")
        if form is STEPS and len(row["completions"]) != len(row["labels"]):
            raise ConfigurationError(
                f"{where}, row {number + 1}: {len(row['completions'])} steps and {len(row['labels'])} labels"
            )
    return found


def _fitting(found: Dataset, room: Room, where: str, *, drops: bool) -> Dataset:
    """The same, if every example fits; else those that do, where the others are to be dropped."""
    long = [(number, tokens) for number, row in enumerate(found) if (tokens := _tokens(row, room)) > room.tokens]
    if not long:
        return found
    number, tokens = long[0]
    begin = str(found[number].get("prompt") or found[number].get("chosen"))[:40]
    what = "the example" if room.is_whole else "the prompt"
    if not drops or len(long) == len(found):
        cure = "raise --max-length" + ("" if len(long) == len(found) else ", or leave them out by --drop-long")
        raise ConfigurationError(
            f"{where}, row {number + 1} ({begin!r} ...): {what} takes {tokens:,} tokens, and there is room for "
            f"{room.tokens:,}; so it is with {len(long):,} of {len(found):,} rows: {cure}"
        )
    say(f"barograph: {where}: {len(long):,} of {len(found):,} examples take more than {room.tokens:,} tokens: left out")
    out = {number for number, _ in long}
    return found.select([number for number in range(len(found)) if number not in out])


def _tokens(row: Row, room: Room) -> int:
    """The tokens of what has to fit."""
    prompt = row.get("prompt") or ""
    if not room.is_whole:
        return _length(prompt, room)
    return max(
        _length(_joined(prompt, row[side]), room) for side in ("chosen", "rejected", "completion") if side in row
    )


def _joined(prompt: Any, answer: Any) -> Any:
    return (prompt or ("" if isinstance(answer, str) else [])) + answer


def _length(text: Any, room: Room) -> int:
    """The tokens of a text, or of a talk; what is shorter in bytes than the room needs no counting."""
    if isinstance(text, str):
        size = len(text.encode())
        return size if size <= room.tokens else len(room.words(text)["input_ids"])
    if room.words.chat_template is None:
        raise ConfigurationError("the examples are talks (lists of messages), and the tokenizer has no chat template")
    return len(room.words.apply_chat_template(text, return_dict=True)["input_ids"])


def _check(value: object, name: str, kinds: type | tuple[type, ...], where: str) -> None:
    if name == "label" and value not in (True, False, 0, 1):
        raise ConfigurationError(f"{where}: label = {value!r}, where true or false belongs")
    if not isinstance(value, kinds):
        raise ConfigurationError(
            f"{where}: {name} = {str(value)[:40]!r} is {type(value).__name__}, which it may not be"
        )
    if isinstance(value, str | list) and not value:
        raise ConfigurationError(f"{where}: {name} is empty")
