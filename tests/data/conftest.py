"""Data sets made by hand, as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from barograph.data.finding import DataFinding, DataReport
from barograph.data.judge import judge
from barograph.data.reading import open_data

Rows = Sequence[Mapping[str, Any]]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, Rows], Path]:
    """Rows as JSON lines in a new file."""

    def write(name: str, rows: Rows) -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture
def judged(written: Callable[[str, Rows], Path]) -> Callable[..., DataReport]:
    """What is said of rows, and of others that are held out."""

    def say(rows: Rows, held_out: Rows | None = None, **options: Any) -> DataReport:
        train = open_data(str(written("train.jsonl", rows))).train
        beside = open_data(str(written("held.jsonl", held_out))).train if held_out else None
        return judge(train, beside, **options)

    return say


@pytest.fixture
def found(judged: Callable[..., DataReport]) -> Callable[..., list[DataFinding]]:
    """The findings of one check."""

    def say(code: str, rows: Rows, held_out: Rows | None = None, **options: Any) -> list[DataFinding]:
        return [one for one in judged(rows, held_out, **options).findings if one.code == code]

    return say
