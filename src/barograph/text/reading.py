"""Predictions and references from files: JSON lines, JSON, CSV, or plain text with one on each line.

Both may be in one file, or in two that are in the same order. Fields go by the names that people use for them.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from barograph.core.errors import BarographError, suggest
from barograph.text.score import Pair

__all__ = ["PREDICTION_FIELDS", "REFERENCE_FIELDS", "Texts", "UnreadableTexts", "pairs_of", "read_texts", "rivals_of"]

#: What the field of the model's answer is called. The first that is there counts.
PREDICTION_FIELDS = (
    "prediction", "predictions", "predicted", "pred", "completion", "output", "generated", "generated_text",
    "generated_code", "generation", "response", "model_output", "hypothesis", "candidate",
)  # fmt: skip
#: What the field of the right answer is called.
REFERENCE_FIELDS = (
    "reference", "references", "target", "targets", "canonical_solution", "solution", "ground_truth", "gold",
    "expected", "expected_output", "answer", "label", "chosen",
)  # fmt: skip
#: What may stand for either, in a file that holds only one of them.
EITHER = ("text", "code", "content", "message")
#: What tells the rows of a file apart.
IDENTITIES = ("task_id", "id", "uid", "question_id", "idx", "index")
STANDARD_INPUT = "-"


class UnreadableTexts(BarographError):
    """A file of predictions or references that cannot be used: one sentence with its name and the line."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What a file holds: for each row a prediction, references, or both."""

    path: str
    predictions: tuple[str, ...] | None
    references: tuple[tuple[str, ...], ...] | None
    #: The line that each row begins on, for messages.
    lines: tuple[int, ...]
    identities: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.lines)


def pairs_of(said: Texts, right: Sequence[Texts] = ()) -> list[Pair]:
    """Each prediction with its references: those of the other files, or else those of its own."""
    if said.predictions is None:
        raise UnreadableTexts(
            f"{said.path}: holds no predictions, which are called {_listed(PREDICTION_FIELDS)}; "
            "name the right field with --prediction-field"
        )
    if not right:
        if said.references is None:
            raise UnreadableTexts(
                f"{said.path}: holds predictions alone; name the file of their references with --references, "
                f"or give each row a field called {_listed(REFERENCE_FIELDS)}"
            )
        right = [said]
    for file in right:
        _check_alike(said, file)
    columns = [file.references for file in right if file.references is not None]
    merged = zip(*columns, strict=True)
    return [
        Pair(prediction, tuple(text for several in references for text in several))
        for prediction, references in zip(said.predictions, merged, strict=True)
    ]


def rivals_of(other: Texts, said: Texts, right: Sequence[Texts] = ()) -> list[Pair]:
    """What another system said, with the references that the first one has."""
    if not right and other.references is not None and said.references is not None:
        for line, theirs, ours in zip(other.lines, other.references, said.references, strict=False):
            if theirs != ours:
                raise UnreadableTexts(
                    f"{other.path}: line {line} has another reference than the same row of {said.path}; "
                    "two systems compare only on the same references in the same order"
                )
    return pairs_of(other, right or [said])


def _check_alike(said: Texts, right: Texts) -> None:
    if right.references is None:
        raise UnreadableTexts(
            f"{right.path}: holds no references, which are called {_listed(REFERENCE_FIELDS)}; "
            "name the right field with --reference-field"
        )
    if len(said) != len(right):
        raise UnreadableTexts(
            f"{said.path} holds {len(said):,} predictions and {right.path} {len(right):,} references; "
            "each prediction needs the reference on the same row"
        )
    if said.identities and right.identities:
        for line, ours, theirs in zip(said.lines, said.identities, right.identities, strict=True):
            if ours != theirs:
                raise UnreadableTexts(
                    f"{said.path}: line {line} is {ours!r}, and {theirs!r} in {right.path}; "
                    "put both files into the same order"
                )


def read_texts(
    path: str | Path, *, prediction_field: str | None = None, reference_field: str | None = None, alone: str = ""
) -> Texts:
    """What a file holds.

    `alone` says what a file of plain lines, or with a single field called "text", is: "predictions" or "references".
    """
    name = "standard input" if str(path) == STANDARD_INPUT else str(path)
    text = _decoded(_content(path), name)
    suffix = Path(path).suffix.lower()
    if suffix in {".jsonl", ".ndjson", ".json"} or (suffix not in {".csv", ".tsv", ".txt"} and _seems_json(text)):
        rows = list(_json_rows(text, name))
    elif suffix in {".csv", ".tsv"}:
        rows = list(_table_rows(text, name, "\t" if suffix == ".tsv" else ","))
    else:
        lines = text.removesuffix("\n").split("\n") if text else []
        rows = [(number, line.removesuffix("\r")) for number, line in enumerate(lines, 1)]
    if not rows:
        raise UnreadableTexts(f"{name}: is empty")
    if not isinstance(rows[0][1], Mapping):
        return _plain(name, rows, alone)
    return _fields(name, rows, prediction_field, reference_field, alone)


def _content(path: str | Path) -> bytes:
    if str(path) == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UnreadableTexts(f"{path}: {error.strerror or error}") from None


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise UnreadableTexts(f"{name}: is UTF-16; save it as UTF-8") from None
        # The position is one within the text after its mark, if it has one.
        start = error.start + (3 if content.startswith(b"\xef\xbb\xbf") else 0)
        line = content.count(b"\n", 0, start) + 1
        raise UnreadableTexts(
            f"{name}: line {line} is not UTF-8 (byte 0x{content[start]:02x}); save the file as UTF-8"
        ) from None


def _seems_json(text: str) -> bool:
    """Whether a file without a telling name holds JSON: its first line is an object, or it is a list of them."""
    first = text.lstrip()[:100_000].partition("\n")[0].strip()
    if not first.startswith(("{", "[")):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return first.startswith("[") and text.lstrip("[ \t\r\n")[:1] == "{"


def _json_rows(text: str, name: str) -> Iterator[tuple[int, Any]]:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None  # lines, as a rule; what is broken is told below, with its line
    if isinstance(whole, dict):
        whole = _turned(whole)
    if isinstance(whole, list):
        yield from enumerate(whole, 1)
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                problem = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
                raise UnreadableTexts(f"{name}: line {number} is no JSON: {problem}") from None


def _turned(columns: Mapping[str, Any]) -> list[Any]:
    """The rows of one object that holds whole columns, or that object as the only row."""
    lists = {name: column for name, column in columns.items() if isinstance(column, list)}
    named = {name for name in columns if name in PREDICTION_FIELDS or name in REFERENCE_FIELDS}
    has_columns = named <= lists.keys() and not named.isdisjoint(PREDICTION_FIELDS)
    length = max(map(len, lists.values()), default=0)
    if not has_columns or length < 2 or any(len(column) != length for column in lists.values()):
        return [columns]
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def _table_rows(text: str, name: str, separator: str) -> Iterator[tuple[int, dict[str, str]]]:
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = next(reader, None)
        if header is None:
            return
        before = reader.line_num
        for row in reader:
            if row:
                if len(row) != len(header):
                    raise UnreadableTexts(
                        f"{name}: line {before + 1} has {len(row)} columns where the header has {len(header)}; "
                        "put texts with separators or line ends in double quotes"
                    )
                yield before + 1, dict(zip(header, row, strict=True))
            before = reader.line_num
    except csv.Error as error:
        raise UnreadableTexts(f"{name}: line {reader.line_num} is no CSV: {error}") from None


def _plain(name: str, rows: Sequence[tuple[int, Any]], alone: str) -> Texts:
    lines = tuple(number for number, _ in rows)
    texts = tuple(_one_text(value, name, line) for line, value in rows)
    if alone == "references":
        return Texts(name, None, tuple((text,) for text in texts), lines)
    return Texts(name, texts, None, lines)


def _fields(
    name: str, rows: Sequence[tuple[int, Any]], prediction_field: str | None, reference_field: str | None, alone: str
) -> Texts:
    for line, row in rows:
        if not isinstance(row, Mapping):
            raise UnreadableTexts(f"{name}: line {line} is {_kind(row)} where others are objects with fields")
    there = list(dict.fromkeys(field for _, row in rows for field in row))
    ours = _field(there, prediction_field, PREDICTION_FIELDS, name, wanted=alone == "predictions")
    theirs = _field(there, reference_field, REFERENCE_FIELDS, name, wanted=alone == "references")
    single = next((field for field in EITHER if field in there), None)
    if alone == "predictions" and ours is None:
        ours = single
    if alone == "references" and theirs is None:
        theirs = single
    if ours is None and theirs is None:
        needed = REFERENCE_FIELDS if alone == "references" else PREDICTION_FIELDS
        option = "--reference-field" if alone == "references" else "--prediction-field"
        raise UnreadableTexts(
            f"{name}: has the fields {_listed(there)}, and none that is called {_listed(needed)}; "
            f"name the right one with {option}"
        )
    identity = next((field for field in IDENTITIES if all(field in row for _, row in rows)), None)
    return Texts(
        name,
        tuple(_one_text(_value(row, ours, name, line), name, line, ours) for line, row in rows) if ours else None,
        tuple(_several(_value(row, theirs, name, line), name, line, theirs) for line, row in rows) if theirs else None,
        tuple(line for line, _ in rows),
        tuple(str(row[identity]) for _, row in rows) if identity else None,
    )


def _field(there: Sequence[str], named: str | None, usual: Sequence[str], name: str, *, wanted: bool) -> str | None:
    """The field of one kind: as named, or by the names that it usually has, in capitals or not."""
    if named is not None:
        if named in there:
            return named
        if not wanted:
            return None  # the field of the other file
        raise UnreadableTexts(
            f"{name}: has no field {named!r}{suggest(named, there) or f'; there are {_listed(there)}'}"
        )
    plain = {field.strip().lower().replace(" ", "_"): field for field in reversed(there)}
    return next((plain[usually] for usually in usual if usually in plain), None)


def _value(row: Mapping[str, Any], field: str, name: str, line: int) -> Any:
    if row.get(field) is None:
        raise UnreadableTexts(f"{name}: line {line} has no {field!r}, which other lines have")
    return row[field]


def _several(value: object, name: str, line: int, field: str) -> tuple[str, ...]:
    """The references of one row: a text, a list of texts, or a conversation."""
    if not isinstance(value, list) or _is_conversation(value):
        return (_one_text(value, name, line, field),)
    if not value:
        raise UnreadableTexts(f"{name}: line {line} has an empty list of references in {field!r}")
    return tuple(_one_text(text, name, line, field) for text in value)


def _one_text(value: object, name: str, line: int, field: str = "") -> str:
    """A text, a number as it is written, or what is said in a conversation."""
    if isinstance(value, list) and _is_conversation(value):
        value = "\n".join(str(message.get("content") or "") for message in value)
    elif isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        of = f" in {field!r}" if field else ""
        raise UnreadableTexts(f"{name}: line {line} has {_kind(value)}{of} where a text is expected")
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can hold half of a character
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _is_conversation(value: Sequence[object]) -> bool:
    return bool(value) and all(isinstance(message, Mapping) and "content" in message for message in value)


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case list():
            return f"a list of {len(value)}"
        case Mapping():
            return "an object"
        case str():
            return "a text"
        case _:
            return "a number"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return f"{shown} ..." if len(names) > 6 else shown
