"""Whatever the bytes: a run, or one sentence that says why not."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mutations
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from barograph.core.errors import UnreadableRun
from barograph.sources.base import Document, Source
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


# Damaged logs of every format


#: So long the examples go on, however slow the machine is.
TIME = 10.0
_begun: list[float] = []


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**9))
def test_damaged_logs(seed: int) -> None:
    """`tools/fuzz.py` does this for as long as it is told to."""
    _begun.append(time.monotonic())
    if time.monotonic() < _begun[0] + TIME:
        mutations.must_be_kind(*mutations.mutated_tree(random.Random(seed)))


def test_every_format_is_among_the_damaged(tmp_path: Path) -> None:
    """A format without a sample is never damaged: add one under samples/, or to `every_format.FORMATS`."""
    assert len(mutations.seeds()) > 20
    read: set[str] = set()
    for number, tree in enumerate(mutations.seeds()):
        for name, data in tree.items():
            path = tmp_path / str(number) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        read |= mutations.formats_of(tmp_path / str(number))
    without = {source.name for source in SOURCES} - read
    assert len(without) < len(SOURCES) / 3, without


@pytest.mark.parametrize("changed", [b"", b"\xff" * 50])
def test_the_damage_is_noticed_if_a_reader_fails(monkeypatch: pytest.MonkeyPatch, changed: bytes) -> None:
    def failing(self: object, document: Document) -> None:
        raise IndexError

    monkeypatch.setattr(type(SOURCES[-1]), "read", failing)
    with pytest.raises(IndexError):
        mutations.must_be_kind({"log.jsonl": changed}, "log.jsonl")


# What is only claimed

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (900 << 20, 900 << 20))
sys.path.insert(0, sys.argv[1])
import mutations
from barograph.core.errors import UnreadableRun
from barograph.sources.base import Document
from barograph.sources.catalogue import SOURCES
pieces = [b"\\xff" * 4, b"\\xff" * 8, b"\\x7f" * 8, b"\\xff" * 8 + b"\\x7f", b"\\x80" * 4 + b"\\x08", b"9" * 18]
for tree in mutations.seeds():
    # The smallest: what a length does does not depend on what follows it. Packed ones hold the same once more.
    for name, data in sorted(tree.items(), key=lambda entry: len(entry[1])):
        if b"\\0" not in data or name.endswith(".gz"):
            continue
        for piece in pieces:
            for at in [*range(0, 48, 3), len(data) // 2, len(data) // 2 + 1]:
                changed = data[:at] + piece + data[at + len(piece):]
                for source in SOURCES:
                    if not source.recognises(name, changed[:65536]):
                        continue
                    try:
                        source.read(Document("-", changed))
                    except UnreadableRun:
                        pass
        break
"""


@pytest.mark.slow
def test_lengths_that_are_not_true_cost_no_memory() -> None:
    """Every format with numbers put in that would be lengths of gigabytes, in a process that may not have them."""
    pytest.importorskip("resource")
    command = [sys.executable, "-c", LIMITED, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"log_history": [' + '{"loss": [' * 50_000])
def test_no_reader_falls_into_deep_brackets(source: Source, text: str) -> None:
    for content in (text, '{"step": 1, "loss": 2}\n' + text, text + "\n" + '{"step": 1, "loss": 2}\n' * 3):
        try:
            source.read(Document("-", content.encode()))
        except UnreadableRun as error:
            assert str(error).isprintable()  # noqa: PT017 - either way is fine


# What is never done

FORBIDDEN = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "yaml", "torch"}
CALLS = {"eval", "exec", "compile", "__import__"}


def test_nothing_is_ever_unpickled_or_run(project: Path) -> None:
    """Readers import nothing that loads objects, and evaluate nothing but literals."""
    found = []
    for path in sorted((project / "src/barograph/sources").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [(node.module or "").split(".")[0]]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                names = [node.func.id]
            elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                names = ["allow_pickle"]
            found += [
                f"{path.name}:{node.lineno} {name}" for name in names if name in FORBIDDEN | CALLS | {"allow_pickle"}
            ]
    assert found == []


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("name", ["training_args.bin", "optimizer.pt", "log.jsonl", "trainer_state.json"])
def test_a_pickle_is_refused(tmp_path: Path, protocol: int, name: str) -> None:
    import pickle

    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str, str]]:
            return open, (str(tmp_path / "ran"), "w")

    (tmp_path / name).write_bytes(pickle.dumps({"args": Malicious()}, protocol=protocol))
    with pytest.raises(
        UnreadableRun, match=r"is a binary file of pickled Python objects .* never loaded|holds no"
    ) as caught:
        read_run(tmp_path / name)
    assert str(caught.value).isprintable()
    assert not (tmp_path / "ran").exists()


# Single odd values


def test_a_number_of_six_thousand_digits_costs_its_row_only(tmp_path: Path) -> None:
    rows = [f'{{"step": {step}, "loss": 0.5}}' for step in range(1, 30_000)]
    for number in (10, len(rows)):
        rows[4] = f'{{"step": 5, "loss": {"9" * 6000}}}'
        (tmp_path / "log.jsonl").write_text("\n".join(rows[:number]) + "\n")
        run = read_run(tmp_path / "log.jsonl")
        assert run.steps.tolist() == [step for step in range(1, number + 1) if step != 5]
        assert run.notes == ["line 5 is broken: left out"]
