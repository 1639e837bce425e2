"""Whatever the bytes: a run, or one sentence that says why not."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from barograph.core.errors import UnreadableRun
from barograph.sources.base import Document
from barograph.sources.catalogue import SOURCES
from barograph.sources.runs import read_run

NAMES = ["log.jsonl", "log.csv", "log.json", "trainer_state.json", "log.txt"]
PIECES = [
    "{", "}", "[", "]", ",", ":", '"', "\n", "\r\n", '"step"', '"loss"', '"log_history"', '"data"', "1", "-1", "0.5",
    "1e999", "NaN", "Infinity", "null", "true",
    '"12/100"', "step,loss", "1,0.5", ";", "\t", "\\u0000", "\\ud800", "\x00",
    "\x1b[31m", "\ufeff", '{"step": 1, "loss": 0.5}\n', '[{"step": 1}]', "step:1 - loss:2", "9" * 5000, "[" * 3000,
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["step", "loss", "log_history", "data", "history", "metrics", "", "0", "x\x1b"]),
                      inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


def must_be_kind(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        said: list[str] = []
        try:
            run = read_run(path)
            said += run.notes
            assert list(run.steps) == sorted(run.steps)
        except UnreadableRun as error:
            said.append(str(error))
    assert all(sentence.isprintable() and len(sentence) < 1500 for sentence in said)
    for source in SOURCES:
        try:
            source.read(Document("-", content))
        except UnreadableRun:
            continue


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(content=st.binary(max_size=300), name=st.sampled_from(NAMES))
@example(content=b"\xff\xfe" + '{"step": 1, "loss": 2}\n'.encode("utf-16-le"), name="log.jsonl")
@example(content=b"\xff\xfe\x00", name="log.csv")
@example(content=b'"', name="log.csv")
def test_arbitrary_bytes(content: bytes, name: str) -> None:
    must_be_kind(content, name)


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=25), name=st.sampled_from(NAMES))
def test_text_that_looks_like_a_log(pieces: list[str], name: str) -> None:
    must_be_kind("".join(pieces).encode("utf-8", "surrogatepass"), name)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(values=st.lists(JSON, max_size=4), name=st.sampled_from(NAMES), indent=st.sampled_from([None, 1]))
def test_any_json(values: list[object], name: str, indent: int | None) -> None:
    must_be_kind("\n".join(json.dumps(value, indent=indent) for value in values).encode(), name)


@pytest.mark.parametrize("depth", [100, 5_000, 200_000])
@pytest.mark.parametrize("unit", ["[", '{"a":'])
@pytest.mark.parametrize("name", ["log.json", "log.jsonl"])
def test_brackets_without_end(depth: int, unit: str, name: str) -> None:
    must_be_kind((unit * depth).encode(), name)
    must_be_kind(('{"step": 1, "loss": ' + "[" * depth + "]" * depth + "}\n").encode(), name)
